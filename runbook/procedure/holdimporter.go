package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// importerReady refuses to begin on a host whose importer cannot be held, and
// notes when somebody has turned it off by hand: it stays off then. Where several
// lines of the crontab run it only the last is held, which a person has to agree
// to. It returns the other runs that hold it.
func importerReady(ctx context.Context, r *runbook.Run, im *operate.Importer) (others []operate.Owner, several bool, err error) {
	var st operate.ImporterStatus
	err = r.Require(ctx, "importer can be held", func(ctx context.Context) (err error) {
		if st, err = im.Status(ctx); err == nil && st.State == operate.ImporterMissing {
			err = fmt.Errorf("the crontab is not as it should be: %s; mend it with crontab -e", st.State)
		}
		return err
	})
	others = slices.DeleteFunc(st.By, func(m operate.Owner) bool { return m.Run == r.ID() })
	several = st.State == operate.ImporterTwice
	switch {
	case err != nil:
	case several:
		err = r.Gate(ctx, runbook.Gate{
			Name: "several importers",
			Question: "More than one line of the crontab runs the importer, and only the last will be commented out. " +
				"Go on while the other imports? An import makes a copy wait, and may publish between two copies.",
			Evidence: struct {
				Lines []int `json:"lines"` // numbers in the crontab
			}{st.Lines},
		})
	case st.State == operate.ImporterOffByHand || st.State == operate.ImporterEdited:
		err = r.Note(fmt.Sprintf("the importer was %s before this run; it is left so", st.State))
	}
	if err == nil && st.Lock != "" {
		err = r.Note("the server's global lock is " + st.Lock + ": what needs it waits until it is free")
	}
	return others, several, err
}

// importerFree is importerReady for runs that wait for others.
func importerFree(ctx context.Context, r *runbook.Run, im *operate.Importer) (several bool, err error) {
	others, several, err := importerReady(ctx, r, im)
	if err == nil && len(others) > 0 {
		err = heldBy(others[0])
	}
	return several, err
}

func heldBy(m operate.Owner) error {
	return fmt.Errorf("run %s (%s) holds the importer since %s: two at once would get in each other's way; "+
		"start again when it has ended. If it was killed, start it again with its journal, or settle it",
		m.Run, m.Operator, m.Since.UTC().Format("2006-01-02 15:04 MST"))
}

// holdImporter is the bracket that every procedure holds while it copies: the
// importer is out of the crontab inside, and back afterwards. One run holds it at
// a time: of two that come together, the first in the crontab does. What runs that
// are dead hold is given back with it. several says that a person knows of other
// lines, which go on.
func holdImporter(r *runbook.Run, im *operate.Importer, several bool, dead ...operate.Owner) runbook.Hold {
	mine := *im
	mine.Owner.Run = r.ID()
	marks := mine // sees the crontab alone, with one command: it is looked at before each effect
	marks.Root = ""
	return runbook.Hold{
		Name:   "importer",
		Intent: "the importer (its line in the crontab)",
		Acquire: func(ctx context.Context) error {
			if err := mine.Pause(ctx); err != nil && !(several && errors.Is(err, systemimage.ErrPartial)) {
				return err
			}
			st, err := marks.Status(ctx)
			if err != nil {
				return err
			}
			for _, m := range st.By {
				if m.Run == mine.Owner.Run {
					break
				}
				if !slices.ContainsFunc(dead, func(d operate.Owner) bool { return d.Run == m.Run }) {
					return heldBy(m)
				}
			}
			return nil
		},
		Release: func(ctx context.Context) error {
			for _, d := range dead {
				theirs := mine
				theirs.Owner = d
				if err := theirs.Resume(ctx); err != nil {
					return err
				}
			}
			return mine.Resume(ctx)
		},
		Look: func(ctx context.Context) (bool, string, error) {
			st, err := marks.Status(ctx)
			off, text := importerIs(st, several)
			return off, text, err
		},
	}
}

// importerIs says whether the importer is off, and how it is. several says that a
// line beside the one that is held is known to go on.
func importerIs(st operate.ImporterStatus, several bool) (off bool, text string) {
	const not = "the importer is NOT on: "
	switch {
	case len(st.By) > 0 && (several || st.State != operate.ImporterTwice):
		return true, fmt.Sprintf("%sit is held by run %s (%s)", not, st.By[0].Run, st.By[0].Operator)
	case st.State == operate.ImporterOn:
		return false, "the importer is on"
	case st.State == operate.ImporterTwice:
		return false, fmt.Sprintf("the importer is on: lines %s of the crontab run it", lineNumbers(st.Lines))
	case st.State == operate.ImporterMissing:
		return true, not + "no line of the crontab runs it; put the line back with crontab -e"
	}
	return true, fmt.Sprintf("%sline %s of the crontab is %s; it is left so, and only a person turns it on again, with crontab -e",
		not, lineNumbers(st.Lines), st.State)
}

func lineNumbers(list []int) string { return strings.Trim(fmt.Sprint(list), "[]") }

// takeOver asks about other runs that hold the importer: one that was killed would
// keep it off for ever, and one that is at work must not be interfered with.
func (c *BackOut) takeOver(ctx context.Context, r *runbook.Run) (dead []operate.Owner, several bool, err error) {
	others, several, err := importerReady(ctx, r, c.Importer)
	if err != nil || len(others) == 0 {
		return nil, several, err
	}
	return others, several, r.Gate(ctx, runbook.Gate{
		Name:     "take over",
		Question: "Other runs hold the importer. Were they killed, or given up, so that this one may take over what they hold? (While one is at work: leave this open, and start again when it has ended.)",
		Evidence: others, Not: c.Input.Not, NeedReason: true,
	})
}
