package procedure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
)

// BackOut takes a faulty update back:
//
//  1. stop phasing on every target at once, before anything else: each is set to
//     0 %, and a tree that a killed program left unable to take the change is
//     mended first. One target that cannot be stopped does not hold up the others;
//  2. a person assesses the fault, and whether devices that have it can still
//     take an update;
//  3. if they can: the last good image of each channel is published again, under
//     a higher number, because devices only move up;
//  4. if they cannot: factory images and instructions for recovery, as gates;
//  5. an announcement;
//  6. the fix on rc and its release are runs of their own; a gate remembers them.
//
// The importer is held from the first effect after the stop until everything is
// published.
type BackOut struct {
	Server   *systemimage.Server
	Importer *systemimage.Importer
	Stop     *StopFile // written, so that a rollout elsewhere halts too; nil is none
	Announce Announcer

	Input BackOutInput
}

// BackOutInput is what one run of [BackOut] is asked to do.
type BackOutInput struct {
	Faulty     []Target `json:"faulty"`        // the images to take back
	Good       []Target `json:"good"`          // for each channel and device the last good image, when it is not the full image before the faulty one
	Tag        string   `json:"tag,omitempty"` // of what is published again; empty keeps the tag of the good image
	Percentage int      `json:"percentage"`    // of devices that are offered it, usually 100
	Not        []string `json:"not,omitempty"` // who may not answer the gates
}

// A Reversal is one image that is to be published again.
type Reversal struct {
	Target               // the faulty image
	Good          int    `json:"good"` // number of the good image in the same channel
	Detail        string `json:"detail"`
	AlreadyHigher int    `json:"already_higher,omitempty"` // a newer version is there: the faulty one is not what devices get
	NoGood        string `json:"no_good,omitempty"`        // why there is nothing to go back to
}

// Run is the procedure. See [runbook.Procedure].
func (c *BackOut) Run(ctx context.Context, r *runbook.Run) error {
	if len(c.Input.Faulty) == 0 {
		return errors.New("a back-out needs to know which images are faulty")
	}
	stopped := c.stop(ctx, r.Group("stop"))
	if stopped != nil && !r.Planning() {
		// Said first and at once; the rest goes on only when all are stopped.
		return fmt.Errorf("not everything is stopped: %w", stopped)
	}
	begun, err := runbook.Read(ctx, r, "stopped at", func(context.Context) (time.Time, error) {
		return time.Now().UTC().Truncate(time.Second), nil
	})
	if err != nil {
		return err
	}
	plan, err := runbook.Read(ctx, r, "find good images", c.findGood)
	if err != nil {
		return err
	}
	if err := r.Gate(ctx, runbook.Gate{
		Name:     "assess",
		Question: "Is the fault understood well enough to go on: which devices have it, and what does it do to them?",
		Evidence: plan, Not: c.Input.Not,
	}); err != nil {
		return err
	}
	ota, err := c.canUpdate(ctx, r, plan)
	if err != nil {
		return err
	}
	if ota {
		if err := importerReady(ctx, r, c.Importer); err != nil {
			return err
		}
		err = r.Hold(ctx, holdImporter(r, c.Importer), func(ctx context.Context, r *runbook.Run) error {
			return c.revert(ctx, r.Group("revert"), plan)
		})
	} else {
		err = c.recover(ctx, r.Group("recover"), plan)
	}
	if err != nil {
		return err
	}
	a, err := fill(backOutText, struct {
		Faulty []Target
		OTA    bool
		Begun  string
	}{c.Input.Faulty, ota, begun.Format("2006-01-02 15:04 MST")})
	if err != nil {
		return err
	}
	if err := announce(ctx, r, c.Announce, "announcement", a, c.Input.Not); err != nil {
		return err
	}
	return r.Gate(ctx, runbook.Gate{
		Name:     "fix",
		Question: "Is the fix on rc, tested, and its release begun as a run of its own?",
		Evidence: c.Input.Faulty, Not: c.Input.Not,
	})
}

const backOutText = `Update withdrawn
{{range .Faulty}}
- {{.Channel}} for {{.Device}}: image {{.Version}}{{end}}

The update was stopped at {{.Begun}}.
{{if .OTA}}Devices that have it are offered the last good image again, under a higher number.
{{else}}Devices that have it cannot update by themselves; instructions for recovery follow.
{{end}}`

// stop sets every faulty image to 0 %, one after the other: the program takes no
// lock, and two at once break each other's commits. The first round does not wait
// for anything; the second watches whether a program that is running, such as an
// import, or a rollout, has written an old percentage back. The stop file comes
// before both, so that a rollout raises nothing any more; when it cannot be
// written, the images are stopped all the same.
func (c *BackOut) stop(ctx context.Context, r *runbook.Run) error {
	var flag error
	if c.Stop != nil {
		flag = c.Stop.write(ctx, r, "backed out")
	}
	first := runbook.Each(ctx, r, keyed(c.Input.Faulty, self), 1, func(ctx context.Context, r *runbook.Run, t, _ Target) error {
		return c.stopOne(ctx, r, t, true)
	})
	second := runbook.Each(ctx, r.Group("again"), keyed(c.Input.Faulty, self), 1, func(ctx context.Context, r *runbook.Run, t, _ Target) error {
		return c.stopOne(ctx, r, t, false)
	})
	return errors.Join(second, first, flag)
}

func (c *BackOut) stopOne(ctx context.Context, r *runbook.Run, t Target, quick bool) error {
	req := systemimage.PhaseRequest{Channel: t.Channel, Device: t.Device, Version: t.Version, Percentage: 0, Quick: quick}
	const at0 = "at 0 %"
	what := "offer image %d of %s for %s to nobody any more"
	if !quick {
		what = "look again that image %d of %s for %s is offered to nobody"
	}
	_, err := runbook.Do(ctx, r, runbook.Step[string]{
		Name:   "stop",
		Intent: fmt.Sprintf(what, t.Version, t.Channel, t.Device),
		Probe: func(ctx context.Context) (string, bool, error) {
			if newer, err := c.newer(ctx, t); err == nil && newer > 0 {
				return fmt.Sprintf("image %d is published above it: the server phases the newest only", newer), true, nil
			}
			_, done, err := c.Server.CheckPercentage(ctx, req)
			if errors.Is(err, systemimage.ErrBroken) || errors.Is(err, systemimage.ErrTorn) {
				return "", false, nil // what Do mends
			}
			return at0, done, err
		},
		Do: func(ctx context.Context) (string, error) {
			// Another program that commits the same index just now, such as the last
			// step of a rollout, can make this one fail and leave the index broken.
			var did []string
			for try := 1; ; try++ {
				_, err := c.Server.SetPercentage(ctx, req)
				if err == nil || errors.Is(err, systemimage.ErrRefused) || errors.Is(err, systemimage.ErrReadOnly) || try == 4 || ctx.Err() != nil {
					return strings.Join(append(did, at0), "; "), err
				}
				done, merr := c.Server.Mend(ctx, t.Channel, t.Device)
				if merr != nil && !errors.Is(merr, systemimage.ErrLocked) {
					return "", errors.Join(err, merr)
				}
				did = append(did, done...)
			}
		},
		Predict: at0,
	})
	return err
}

// newer returns the version above a target; 0 is none.
func (c *BackOut) newer(ctx context.Context, t Target) (int, error) {
	x, err := c.Server.Client.Index(ctx, t.Channel, t.Device)
	if err != nil {
		return 0, err
	}
	if n, _ := x.Newest(); n > t.Version {
		return n, nil
	}
	return 0, nil
}

// findGood looks for the image to go back to on each target.
func (c *BackOut) findGood(ctx context.Context) ([]Reversal, error) {
	var plan []Reversal
	for _, t := range c.Input.Faulty {
		x, err := c.Server.Client.Index(ctx, t.Channel, t.Device)
		if err != nil {
			return nil, err
		}
		v := Reversal{Target: t}
		if n, _ := x.Newest(); n > t.Version {
			v.AlreadyHigher = n
		}
		want := 0
		for _, g := range c.Input.Good {
			if g.Channel == t.Channel && g.Device == t.Device {
				want = g.Version
			}
		}
		for _, m := range x.Fulls() {
			if m.Version < t.Version && (want == 0 || m.Version == want) {
				v.Good, v.Detail = m.Version, m.VersionDetail
			}
		}
		switch {
		case v.Good == 0 && want > 0:
			return nil, fmt.Errorf("%s has no full image %d below %d to go back to", t, want, t.Version)
		case v.Good == 0:
			v.NoGood = "no full image below it is left on the server"
		}
		plan = append(plan, v)
	}
	return plan, nil
}

// canUpdate asks the question that everything after it depends on. A no is as
// good an answer as a yes.
func (c *BackOut) canUpdate(ctx context.Context, r *runbook.Run, plan []Reversal) (bool, error) {
	err := r.Gate(ctx, runbook.Gate{
		Name:     "devices can update",
		Question: "Can devices that have the faulty image still take an update over the air? (yes: the last good image is published again; no: recovery by hand)",
		Evidence: plan, Not: c.Input.Not,
	})
	if errors.Is(err, runbook.ErrRejected) && !errors.Is(err, runbook.ErrTimeout) {
		return false, nil
	}
	return true, err
}

// revert publishes the good images again.
func (c *BackOut) revert(ctx context.Context, r *runbook.Run, plan []Reversal) error {
	var missing []string
	for _, v := range plan {
		if v.NoGood != "" && v.AlreadyHigher == 0 {
			missing = append(missing, v.Target.String()+": "+v.NoGood)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("cannot revert %s; import or copy a good image there by hand, then start again with the same journal", strings.Join(missing, "; "))
	}
	return runbook.Each(ctx, r, keyed(plan, func(v Reversal) Target { return v.Target }), 1, func(ctx context.Context, r *runbook.Run, t Target, v Reversal) error {
		if v.AlreadyHigher > 0 {
			return r.Note(fmt.Sprintf("%s: image %d is above the faulty one already; nothing is published", t, v.AlreadyHigher))
		}
		_, err := copyImage(ctx, r, c.Server, systemimage.CopyRequest{
			From: t.Channel, To: t.Channel, Device: t.Device, Version: v.Good,
			Tag: c.Input.Tag, KeepTag: c.Input.Tag == "", Percentage: c.Input.Percentage,
		})
		return err
	})
}

// recover is for devices that cannot help themselves.
func (c *BackOut) recover(ctx context.Context, r *runbook.Run, plan []Reversal) error {
	for _, g := range []runbook.Gate{
		{Name: "factory images", Question: "Are factory images with the last good image made and published for every device?"},
		{Name: "instructions", Question: "Are the instructions for recovery published, and does support have them?"},
	} {
		g.Evidence, g.Not = plan, c.Input.Not
		if err := r.Gate(ctx, g); err != nil {
			return err
		}
	}
	return nil
}
