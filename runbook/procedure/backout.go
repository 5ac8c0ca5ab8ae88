package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage/operate"
)

// BackOut takes a faulty update back:
//
//  1. stop phasing everywhere at once, before anything else: each image is set to
//     0 %, and a tree that a killed program left unable to take the change is
//     mended first. One that cannot be stopped does not hold up the others, and a
//     tree that does not answer is not waited for: see Patience. Every later start
//     looks first whether it is still so. A wrong name or number is refused, by the
//     plan already;
//  2. a person assesses the fault, and whether devices that have it can still
//     take an update;
//  3. if they can: the last good image of each channel is published again, under
//     a higher number, because devices only move up. Where the percentage asked
//     for would let older devices get the faulty image (a newer number ends its
//     0 %), the good one goes to everybody;
//  4. if they cannot: factory images and instructions for recovery, as gates;
//  5. an announcement;
//  6. the fix on rc and its release are runs of their own; a gate remembers them.
//
// The importer is held from the first effect after the stop until everything is
// published. What a run that was killed still holds of it is taken over once a
// person says that the run is dead.
type BackOut struct {
	Server   *operate.Server
	Importer *operate.Importer
	Stop     *StopFile                                 // written, so that a rollout elsewhere halts too; nil is none
	Announce func(context.Context, Announcement) error // sends them: mail, list or chat; nil: a person does

	// Patience is how long the first round of stops waits for the published tree,
	// once: when it does not answer, all images are stopped without being looked
	// at. 5 seconds when zero.
	Patience time.Duration

	Input BackOutInput
}

// BackOutInput is what one run of [BackOut] is asked to do.
type BackOutInput struct {
	Faulty     []NamedImage `json:"faulty"`        // the images to take back
	Good       []NamedImage `json:"good"`          // for each channel and device the last good image, when it is not the full image before the faulty one
	Tag        string       `json:"tag,omitempty"` // of what is published again; empty keeps the tag of the good image
	Percentage int          `json:"percentage"`    // of devices that are offered it, usually 100
	Not        []string     `json:"not,omitempty"` // who may not answer the gates
}

func (in BackOutInput) check() error {
	switch {
	case len(in.Faulty) == 0:
		return errors.New("a back-out needs to know which images are faulty")
	case in.Percentage < 0 || in.Percentage > 100:
		return fmt.Errorf("percentage %d is not in 0..100", in.Percentage)
	case strings.Contains(in.Tag, ","):
		return fmt.Errorf("tag %q: no comma can be in it", in.Tag)
	}
	if err := once(in.Faulty); err != nil {
		return fmt.Errorf("%w; name its newest faulty image, and say to which good one it goes back", err)
	}
	for _, g := range in.Good {
		if !slices.ContainsFunc(in.Faulty, func(t NamedImage) bool { return t.String() == g.String() && g.Version < t.Version }) {
			return fmt.Errorf("%s: image %d cannot be what is gone back to: no faulty image above it is named", g, g.Version)
		}
	}
	return once(in.Good)
}

// Run is the procedure. See [runbook.Procedure].
func (c *BackOut) Run(ctx context.Context, r *runbook.Run) error {
	if err := c.Input.check(); err != nil {
		return err
	}
	if err := c.stop(ctx, r.Group("stop")); err != nil && !r.Planning() {
		// Said first and at once; the rest goes on only when all are stopped.
		return fmt.Errorf("not everything is stopped: %w\n%s", err, c.whatNext())
	} else if err != nil {
		return err
	}
	begun, err := runbook.Read(ctx, r, "stopped at", func(context.Context) (time.Time, error) {
		return time.Now().UTC().Truncate(time.Second), nil
	})
	if err != nil {
		return err
	}
	now := look(c.Server)
	if !r.Planning() {
		if err := r.Require(ctx, "nobody is offered the faulty images", func(ctx context.Context) error {
			return c.stillStopped(ctx, now)
		}); err != nil {
			return err
		}
	}
	plan, err := runbook.Read(ctx, r, "find good images", func(ctx context.Context) ([]replacement, error) {
		return c.findGood(ctx, now)
	})
	if err != nil {
		return err
	}
	if err := r.Gate(ctx, runbook.Gate{
		Name:     "assess",
		Question: "The faulty images are offered to nobody any more. Is the fault understood well enough to go on: which devices have it, and what does it do to them?",
		Evidence: shown{plan, replacementLines(plan)}, Not: c.Input.Not, NeedReason: true,
	}); err != nil {
		return err
	}
	ota, err := c.canUpdate(ctx, r, plan)
	if err != nil {
		return err
	}
	var offered []NamedImage
	if ota {
		offered, err = c.revert(ctx, r, plan)
	} else {
		err = c.recover(ctx, r.Group("recover"), plan)
	}
	if err != nil {
		return err
	}
	a, err := fill(backOutText, struct {
		Faulty, Offered []NamedImage
		Begun           string
	}{c.Input.Faulty, offered, begun.Format("2006-01-02 15:04 MST")})
	if err != nil {
		return err
	}
	if err := announce(ctx, r, c.Announce, "announcement", a, c.Input.Not); err != nil {
		return err
	}
	if err := c.staysStopped(r); err != nil {
		return err
	}
	return r.Gate(ctx, runbook.Gate{
		Name:     "fix",
		Question: "Is the fix on rc, tested, and its release begun as a run of its own?",
		Evidence: shown{c.Input.Faulty, namedLines(c.Input.Faulty)}, Not: c.Input.Not,
	})
}

// canUpdate asks the question that everything after it depends on. A no is as
// good an answer as a yes.
func (c *BackOut) canUpdate(ctx context.Context, r *runbook.Run, plan []replacement) (bool, error) {
	err := r.Gate(ctx, runbook.Gate{
		Name:     "devices can update",
		Question: "Can devices that have the faulty image still take an update over the air? (yes: the last good image is published again; no: recovery by hand)",
		Evidence: shown{plan, replacementLines(plan)}, Not: c.Input.Not, NeedReason: true, OnNo: "recovery by hand",
	})
	if errors.Is(err, runbook.ErrRejected) && !errors.Is(err, runbook.ErrTimeout) {
		return false, nil
	}
	return true, err
}

// recover is for devices that cannot help themselves.
func (c *BackOut) recover(ctx context.Context, r *runbook.Run, plan []replacement) error {
	for _, g := range []runbook.Gate{
		{Name: "factory images", Question: "Are factory images with the last good image made and published for every device?"},
		{Name: "instructions", Question: "Are the instructions for recovery published, and does support have them?"},
	} {
		g.Evidence, g.Not = shown{plan, replacementLines(plan)}, c.Input.Not
		if err := r.Gate(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

const backOutText = `Update withdrawn
{{range .Faulty}}
- {{.Channel}} for {{.Device}}: image {{.Version}}{{end}}

The update was stopped at {{.Begun}}.
{{if .Offered}}Devices that have it are offered the last good image again, under a higher number:
{{range .Offered}}
- {{.Channel}} for {{.Device}}: image {{.Version}}{{end}}
{{else}}Devices that have it cannot update by themselves; instructions for recovery follow.
{{end}}`
