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
//  1. stop phasing on every target at once, before anything else: each is set to
//     0 %, and a tree that a killed program left unable to take the change is
//     mended first. One target that cannot be stopped does not hold up the others.
//     Every later start looks first whether it is still so;
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
		if !slices.ContainsFunc(in.Faulty, func(t Target) bool { return t.String() == g.String() && g.Version < t.Version }) {
			return fmt.Errorf("%s: image %d cannot be what is gone back to: no faulty image above it is named", g, g.Version)
		}
	}
	return once(in.Good)
}

// once fails when a device of a channel is named twice.
func once(targets []Target) error {
	for n, t := range targets {
		if slices.ContainsFunc(targets[:n], func(o Target) bool { return o.String() == t.String() }) {
			return fmt.Errorf("%s is named twice", t)
		}
	}
	return nil
}

// Run is the procedure. See [runbook.Procedure].
func (c *BackOut) Run(ctx context.Context, r *runbook.Run) error {
	if err := c.Input.check(); err != nil {
		return err
	}
	if err := c.stop(ctx, r.Group("stop")); err != nil && !r.Planning() {
		// Said first and at once; the rest goes on only when all are stopped.
		return fmt.Errorf("not everything is stopped: %w\n%s", err, c.whatNext())
	}
	begun, err := runbook.Read(ctx, r, "stopped at", func(context.Context) (time.Time, error) {
		return time.Now().UTC().Truncate(time.Second), nil
	})
	if err != nil {
		return err
	}
	if !r.Planning() {
		if err := r.Require(ctx, "nobody is offered the faulty images", c.stillStopped); err != nil {
			return err
		}
	}
	plan, err := runbook.Read(ctx, r, "find good images", c.findGood)
	if err != nil {
		return err
	}
	if err := r.Gate(ctx, runbook.Gate{
		Name:     "assess",
		Question: "The faulty images are offered to nobody any more. Is the fault understood well enough to go on: which devices have it, and what does it do to them?",
		Evidence: plan, Not: c.Input.Not,
	}); err != nil {
		return err
	}
	ota, err := c.canUpdate(ctx, r, plan)
	if err != nil {
		return err
	}
	var offered []Target
	if ota {
		offered, err = c.revert(ctx, r, plan)
	} else {
		err = c.recover(ctx, r.Group("recover"), plan)
	}
	if err != nil {
		return err
	}
	a, err := fill(backOutText, struct {
		Faulty, Offered []Target
		Begun           string
	}{c.Input.Faulty, offered, begun.Format("2006-01-02 15:04 MST")})
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
{{if .Offered}}Devices that have it are offered the last good image again, under a higher number:
{{range .Offered}}
- {{.Channel}} for {{.Device}}: image {{.Version}}{{end}}
{{else}}Devices that have it cannot update by themselves; instructions for recovery follow.
{{end}}`

// stop sets every faulty image to 0 %. The stop file comes first, so that a
// rollout raises nothing any more; when it cannot be written, the images are
// stopped all the same.
func (c *BackOut) stop(ctx context.Context, r *runbook.Run) error {
	var flag error
	if c.Stop != nil {
		flag = c.Stop.write(ctx, r, backOutNotice(c.Input.Faulty), true)
	}
	return errors.Join(stopAll(ctx, r, c.Server, c.Input.Faulty), flag)
}

// whatNext says what to do when an image cannot be stopped.
func (c *BackOut) whatNext() string {
	return fmt.Sprintf("What is not listed here is stopped.\n"+
		"- A wrong name or number: start with the right ones and a new journal.\n"+
		"- Something broken: mend it first (imageinfo and checktree say what it is), then start again with the same journal: an index from a mirror or a backup "+
		"has its old percentage. For the others meanwhile, start a back-out of them alone with another journal.\n"+
		"- If the server's programs do not work at all: move the signature of the index away (mv %[1]s/www/CHANNEL/DEVICE/index.json.asc %[1]s/). "+
		"Without it devices take nothing from that index; re-sign-indexes puts it back.",
		strings.TrimRight(c.Server.Root, "/"))
}

// stillStopped looks on every start: a rollout that somebody resumed may have
// raised a percentage while this run was pending.
func (c *BackOut) stillStopped(ctx context.Context) error {
	var again []string
	for _, t := range c.Input.Faulty {
		who, err := whoGets(ctx, c.Server.Client, t)
		if err != nil {
			return err
		}
		if who != "" {
			again = append(again, who)
		}
	}
	if len(again) > 0 {
		return fmt.Errorf("the faulty image is offered again: %s; start a new back-out with a new journal now: the first thing it does is to stop it", strings.Join(again, "; "))
	}
	return nil
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
		if n, _ := x.Newest(); n > t.Version && !sameContent(x.Index, t.Version, n) {
			v.AlreadyHigher = n
		}
		want := 0
		for _, g := range c.Input.Good {
			if g.Channel == t.Channel && g.Device == t.Device {
				want = g.Version
			}
		}
		for _, m := range x.Fulls() {
			if m.Version < t.Version && (want == 0 || m.Version == want) && !sameContent(x.Index, m.Version, t.Version) {
				v.Good, v.Detail = m.Version, m.VersionDetail
			}
		}
		switch {
		case v.Good == 0 && want > 0:
			return nil, fmt.Errorf("%s has no full image %d below %d, with other files, to go back to", t, want, t.Version)
		case v.Good == 0:
			v.NoGood = "no full image with other files is left below it on the server"
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

// revert publishes the good images again, and returns what is offered then.
func (c *BackOut) revert(ctx context.Context, r *runbook.Run, plan []Reversal) ([]Target, error) {
	dead, several, err := c.takeOver(ctx, r)
	if err != nil {
		return nil, err
	}
	var offered []Target
	err = r.Hold(ctx, holdImporter(r, c.Importer, several, dead...), func(ctx context.Context, r *runbook.Run) error {
		return runbook.Each(ctx, r.Group("revert"), keyed(plan, func(v Reversal) Target { return v.Target }), 1, func(ctx context.Context, r *runbook.Run, t Target, v Reversal) error {
			version, err := c.revertOne(ctx, r, t, v)
			offered = append(offered, Target{t.Channel, t.Device, version})
			return err
		})
	})
	return offered, err
}

func (c *BackOut) revertOne(ctx context.Context, r *runbook.Run, t Target, v Reversal) (version int, err error) {
	if v.AlreadyHigher > 0 || v.NoGood != "" {
		version, err = runbook.Read(ctx, r, "image above it", func(ctx context.Context) (int, error) {
			_, newer, err := offeredAs(ctx, c.Server.Client, t)
			if err == nil && newer.Version == 0 {
				err = fmt.Errorf("%s; import or copy a good image there by hand, then start again with the same journal", v.NoGood)
			}
			return newer.Version, err
		})
		if err != nil || r.Planning() {
			return version, err
		}
		return version, r.Note(fmt.Sprintf("%s: image %d is above the faulty one already; nothing is published", t, version))
	}
	copied, err := copyImage(ctx, r, c.Server, operate.CopyRequest{
		From: t.Channel, To: t.Channel, Device: t.Device, Version: v.Good,
		Tag: c.Input.Tag, KeepTag: c.Input.Tag == "", Percentage: c.Input.Percentage,
	})
	if err == nil && !r.Planning() {
		err = c.closeGap(ctx, r, t, copied.Version)
	}
	if err != nil {
		return copied.Version, err
	}
	return copied.Version, r.Verify(ctx, "nobody gets the faulty image", func(ctx context.Context) error {
		who, err := whoGets(ctx, c.Server.Client, t)
		if err == nil && who != "" {
			err = fmt.Errorf("%s: set the newest image to 100 %% with set-phased-percentage, then start again with the same journal", who)
		}
		return err
	})
}

// closeGap raises the good image to everybody where devices could have the faulty
// one otherwise: nothing is worse than that.
func (c *BackOut) closeGap(ctx context.Context, r *runbook.Run, t Target, good int) error {
	who, err := runbook.Read(ctx, r, "who gets the faulty image", func(ctx context.Context) (string, error) {
		return whoGets(ctx, c.Server.Client, t)
	})
	if err != nil || who == "" {
		return err
	}
	if err := r.Note(fmt.Sprintf("at %d %% of image %d the faulty one can be had (%s): image %[2]d is offered to everybody", c.Input.Percentage, good, who)); err != nil {
		return err
	}
	return setPercentage(ctx, r, c.Server, Target{t.Channel, t.Device, good}, 100, nil)
}

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
		Evidence: others, Not: c.Input.Not,
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
