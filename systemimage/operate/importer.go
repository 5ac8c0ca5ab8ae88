package operate

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// An Importer pauses and resumes the importer of an image server: the last
// active line of a crontab that runs import-images. Pausing comments the line
// out and writes into the comment who did it; resuming takes the comment away.
// The rest of the crontab keeps every byte. Where other lines run the importer
// too they go on, and Pause says so.
//
// Several runs may hold the importer paused at once; the last one to resume it
// turns it on again. A line that a person commented out is never touched.
// Changes go by compare-and-swap on the whole crontab and are read back, so an
// editor open elsewhere loses nothing and is noticed.
//
// Pause and Resume are idempotent, as acquiring and releasing a hold must be.
// The methods may be called concurrently.
type Importer struct {
	Runner command.Runner // on the server, as the user whose crontab runs the importer

	// Owner is written into the comment. Run must be set; its marks are found
	// again by it. Since is the time of the call when zero.
	Owner Owner

	// Program is what the line runs: the end of its path, import-images when
	// empty. Give the whole path on a host that serves two trees.
	Program string

	// Root is the root of the server, such as /srv/system-image.ubuntu.com. With
	// it an import that is running can be seen, by its lock; see Wait.
	Root string

	// Wait is how long Pause waits for an import that runs already. It fails
	// with ErrLocked, the importer staying paused, when the import takes longer.
	// With 0, and where locks cannot be seen, it does not wait: copies then meet
	// the lock themselves.
	Wait time.Duration

	ReadOnly bool         // Pause and Resume fail with ErrReadOnly
	Logger   *slog.Logger // silent when nil
}

// An ImporterState is what a crontab says about the importer.
type ImporterState string

// The states of the importer.
const (
	ImporterOn        ImporterState = "on"
	ImporterPaused    ImporterState = "paused"                                           // by the runs in ImporterStatus.By
	ImporterOffByHand ImporterState = "commented out by hand"                            // only a person turns it on again
	ImporterEdited    ImporterState = "commented out by a run, and edited by hand since" // as above
	ImporterMissing   ImporterState = "no line runs it"
	ImporterTwice     ImporterState = "more than one line runs it" // one of them may be paused
)

// An ImporterStatus is the state of the importer.
type ImporterStatus struct {
	State ImporterState `json:"state"`
	By    []Owner       `json:"by,omitempty"`    // who holds it paused, oldest first
	Lines []int         `json:"lines,omitempty"` // numbers of the lines of the crontab that State is about, from 1

	// Lock says who holds the global lock of the server, in words; empty when
	// the lock is free or cannot be seen.
	Lock string `json:"lock,omitempty"`
}

// Status reads the crontab.
func (i *Importer) Status(ctx context.Context) (ImporterStatus, error) {
	tab, err := i.read(ctx, "read the state of the importer")
	if err != nil {
		return ImporterStatus{}, err
	}
	st := tab.status()
	if i.Root != "" {
		if v := viewLock(ctx, i.Runner, i.Root); v.held {
			st.Lock = v.String()
		}
	}
	return st, nil
}

func (c crontab) status() ImporterStatus {
	active, paused, byHand := c.importers()
	var st ImporterStatus
	for _, n := range paused {
		for _, m := range c.marks(n) {
			if !slices.ContainsFunc(st.By, func(o Owner) bool { return o.Run == m.Run }) {
				st.By = append(st.By, m)
			}
		}
	}
	lines := paused
	switch {
	case len(active) > 1 || len(active) == 1 && len(paused) > 0:
		// The active line beside a paused one was there before, or somebody wrote
		// it meanwhile.
		st.State, lines = ImporterTwice, append(active, paused...)
	case len(active) == 1:
		st.State, lines = ImporterOn, active
	case len(paused) > 0:
		st.State = ImporterPaused
	case len(byHand) > 0:
		st.State, lines = ImporterOffByHand, byHand
		if edited := c.edited(byHand); len(edited) > 0 {
			st.State, lines = ImporterEdited, edited
		}
	default:
		st.State = ImporterMissing
	}
	st.Lines = oneBased(lines)
	slices.Sort(st.Lines)
	return st
}

// Pause comments out the last active line, so that cron does not start the
// importer, and marks it with this run; a line that others hold paused gets the
// mark too. A line that somebody commented out by hand is as good, and is left
// alone. Without a line there is nothing that Pause could answer for:
// ErrRefused.
//
// With several active lines only the last is commented out. ErrPartial then says
// that Pause did that, and which lines go on importing: whoever needs the
// importer off has to decide. Resume takes the pause back as ever.
func (i *Importer) Pause(ctx context.Context) error {
	const op = "pause the importer"
	var on []int // lines that go on
	err := i.change(ctx, op, func(tab crontab) (crontab, error) {
		active, paused, byHand := tab.importers()
		if len(active)+len(paused) == 0 {
			if len(byHand) == 0 {
				return tab, i.error(op, systemimage.ErrRefused, fmt.Errorf("no line of the crontab runs %s: it may be another user's crontab, "+
					"or be started by something else than cron", i.program()))
			}
			i.log().WarnContext(ctx, "importer is commented out by hand: left as it is", "lines", oneBased(byHand))
			return tab, nil
		}
		mark, ours := i.owner(), i.ours
		for _, line := range paused {
			mark.Others = max(mark.Others, others(tab.marks(line)))
		}
		for _, line := range paused {
			if marks := tab.marks(line); !slices.ContainsFunc(marks, ours) {
				tab = tab.setMarks(line, append(marks, mark))
			}
		}
		// An active line beyond those that went on from the beginning is a new one.
		if n := len(active); n > mark.Others {
			mark.Others = n - 1
			tab = tab.setMarks(active[n-1], []Owner{mark})
			active = active[:n-1]
		}
		on = oneBased(active)
		return tab, nil
	})
	if err == nil && i.Root != "" {
		err = i.waitForImport(ctx, op)
	}
	if err == nil && len(on) > 0 {
		i.log().WarnContext(ctx, "other lines of the crontab go on importing", "lines", on)
		err = i.error(op, systemimage.ErrPartial, fmt.Errorf("the last line that runs %s is commented out, but line %s of the crontab runs it too and goes on: "+
			"comment it out by hand as well, or name the whole path of the one that is meant", i.program(), numbers(on)))
	}
	return err
}

func (i *Importer) ours(m Owner) bool { return m.Run == i.Owner.Run }

// others returns how many active lines there were beside a paused one.
func others(marks []Owner) int {
	n := 0
	for _, m := range marks {
		n = max(n, m.Others)
	}
	return n
}

// Resume takes back what Pause of the same run did. The line is active again
// unless other runs still hold it paused. Where this run holds nothing, nothing
// is done: a line commented out by hand stays so.
func (i *Importer) Resume(ctx context.Context) error {
	return i.change(ctx, "resume the importer", func(tab crontab) (crontab, error) {
		active, paused, _ := tab.importers()
		on, held := len(active), false
		for _, line := range slices.Backward(paused) {
			marks := tab.marks(line)
			if !slices.ContainsFunc(marks, i.ours) {
				continue
			}
			held = true
			before := others(marks)
			tab = tab.setMarks(line, slices.DeleteFunc(marks, i.ours))
			switch {
			case len(tab.marks(line)) > 0:
			case on > before:
				// Somebody wrote another line meanwhile: both would be one too many.
				tab.lines[line] = append([]byte("# "), tab.lines[line]...)
				i.log().WarnContext(ctx, "another line runs the importer by now: the paused one stays commented out", "line", line+1)
			default:
				on++
			}
		}
		if !held && on == 0 {
			i.log().WarnContext(ctx, "importer is not on, and not paused by this run: left as it is", "run", i.Owner.Run)
		}
		return tab, nil
	})
}

// waitForImport waits until no import holds the global lock.
func (i *Importer) waitForImport(ctx context.Context, op string) error {
	deadline := time.Now().Add(i.Wait)
	for {
		v := viewLock(ctx, i.Runner, i.Root)
		if err := ctx.Err(); err != nil {
			return i.error(op, systemimage.ErrLocked, fmt.Errorf("paused, but whether an import is running was not seen: %w", err))
		}
		if !v.held || !strings.Contains(v.command, "import-images") {
			return nil
		}
		left := time.Until(deadline)
		switch {
		case i.Wait <= 0:
			i.log().WarnContext(ctx, "importer paused while an import is running", "lock", v.String())
			return nil
		case left <= 0:
			return i.error(op, systemimage.ErrLocked, fmt.Errorf("paused, but an import is still running after %v: %v", i.Wait, v))
		}
		if err := host.Sleep(ctx, min(left, 5*time.Second)); err != nil {
			return i.error(op, systemimage.ErrLocked, fmt.Errorf("paused, but an import is still running (%v): %w", v, err))
		}
	}
}

func (i *Importer) owner() Owner {
	m := i.Owner
	if m.Since.IsZero() {
		m.Since = time.Now()
	}
	m.Since = m.Since.UTC().Truncate(time.Second)
	return m
}

func (i *Importer) program() string {
	if i.Program == "" {
		return "import-images"
	}
	return i.Program
}

func (i *Importer) log() *slog.Logger { return cmp.Or(i.Logger, slog.New(slog.DiscardHandler)) }

func (i *Importer) error(op string, kind, err error) error {
	return &systemimage.Error{Op: op, Kind: kind, Err: err}
}

// oneBased turns indexes into the numbers of lines.
func oneBased(indexes []int) []int {
	var list []int
	for _, n := range indexes {
		list = append(list, n+1)
	}
	return list
}

func numbers(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = fmt.Sprint(n)
	}
	return strings.Join(words, ", ")
}
