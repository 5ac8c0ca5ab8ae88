package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/operate"
)

// Hotfix brings the fix of a security problem to users within a day, and keeps
// it out of public places until everything that can be done before is done:
//
//  1. a person assesses the problem, another one decides;
//  2. countermeasures are taken and announced;
//  3. the fix is built in a private PPA, which is checked to be private;
//  4. the snapshot PPA is prepared from the manifest of the last stable image,
//     or used as it is; what will be copied and configured later is approved;
//  5. a person says that the fix may be public from here on. Only then is it
//     copied, with its binaries, into the snapshot;
//  6. with the importer held all the while: the root file systems are built
//     with the snapshot pinned, the rc channels pointed at them, the importer
//     run once by hand, the new images looked up and the configuration put back;
//     the fix goes into the overlay, and the root file systems of rc-proposed
//     are built again, because an import of the ones before would take their
//     devices back in time. Tests of the rc images go on meanwhile;
//  7. QA approves the very images. One that is replaced is asked about anew;
//  8. they are copied to stable, with the tag, at 0 %;
//  9. the support team is named and on stand-by, before the first percent;
//  10. the images are phased in over five hours, see [Rollout];
//  11. an announcement;
//  12. after a period of grace the countermeasures are removed;
//  13. on the next working day the support team is stood down.
//
// How long the fix has been public is noted when the first devices are offered
// it, when all are, and when it is announced.
//
// No question is asked while the importer is held: an open one would give it
// back between the builds. Channels that import from the same builds are set to
// "manual" meanwhile, which lasts over failures and pending questions, until
// their own builds are done.
//
// When it ends at a no, a note says what outlasts it: countermeasures, a public
// fix, images in stable. The package comment maps the bullets of the team's
// procedure onto its steps, checks and gates.
type Hotfix struct {
	Launchpad *launchpad.Client
	Ledger    string // see Snapshot
	Builder   *builder.Builder
	Server    *operate.Server
	Importer  *operate.Importer
	Config    *channelconfig.HostFile
	Announce  Announcer

	Health func(ctx context.Context) (Health, error) // see Rollout
	Stop   *StopFile
	Stay   bool // wait for steps of the rollout and for days to come instead of being pending
	Every  time.Duration
	Now    func() time.Time

	// Workday is when the support team can be stood down, after a moment; nil is
	// nine o'clock, UTC, on the next day from Monday to Friday.
	Workday func(after time.Time) time.Time

	Input HotfixInput
}

// HotfixInput is what one run of [Hotfix] is asked to do. It stands in the
// journal: until the fix is public, that must be as private as the fix.
type HotfixInput struct {
	Problem         string        `json:"problem"`                   // one line, for those who assess and decide
	Countermeasures []string      `json:"countermeasures,omitempty"` // what is switched off until users have the fix
	Support         string        `json:"support"`                   // the team that is on stand-by
	Grace           time.Duration `json:"grace"`                     // between announcement and the end of the countermeasures

	Security    string   `json:"security"`               // private PPA with the fix, "ppa:OWNER/NAME"
	AllowPublic bool     `json:"allow_public,omitempty"` // the fix is public anyway: take it from a public PPA
	Packages    []string `json:"packages"`               // source packages of the fix
	Series      string   `json:"series"`                 // of the packages

	Snapshot string              `json:"snapshot"`         // PPA that the images are built from
	Origin   string              `json:"origin,omitempty"` // PPA that the snapshot is made of; empty: it is used as it is
	Replay   *launchpad.Manifest `json:"replay,omitempty"` // of the last stable image: the versions to take from Origin
	Create   bool                `json:"create,omitempty"` // make the snapshot PPA when there is none
	Overlay  string              `json:"overlay"`          // PPA that rc-proposed is built with

	Builds []HotfixBuild `json:"builds"`
	From   string        `json:"from"` // path element of the rc channels' names, such as "rc"
	To     string        `json:"to"`   // such as "stable"
	Tag    string        `json:"tag"`  // such as "OTA-13.1"

	Schedule phasing.Schedule `json:"schedule,omitzero"` // none: linear over phasing.EmergencyRamp
	Not      []string         `json:"not,omitempty"`     // who may not answer the gates, such as who prepared the fix
}

// A HotfixBuild is a root file system and the rc channels that get it.
type HotfixBuild struct {
	Project  string   `json:"project"`    // such as "ubuntu-touch" or "ubuntu-pd"
	Type     string   `json:"image_type"` // such as "daily-preinstalled"
	Series   string   `json:"series"`     // such as "vivid"
	Images   string   `json:"images"`     // folder of the published builds on the image server's host
	File     string   `json:"file"`       // entry of the channels' files that it is, such as "ubuntu"
	Channels []string `json:"channels"`   // rc channels
}

func (b HotfixBuild) set() cdimage.ImageSet {
	return cdimage.ImageSet{Project: b.Project, Series: b.Series, Type: b.Type}
}

func (in HotfixInput) check() error {
	for _, f := range [...]struct{ name, value string }{
		{"problem", in.Problem}, {"support", in.Support}, {"series", in.Series}, {"from", in.From}, {"to", in.To}, {"tag", in.Tag},
	} {
		if f.value == "" {
			return fmt.Errorf("a hotfix needs to know: %s", f.name)
		}
	}
	for _, ppa := range []string{in.Security, in.Snapshot, in.Overlay} {
		if _, _, ok := ppaName(ppa); !ok {
			return fmt.Errorf("%q: the PPAs of fix, snapshot and overlay are named ppa:OWNER/NAME", ppa)
		}
	}
	if in.Security == in.Snapshot || in.Security == in.Overlay || in.Snapshot == in.Overlay {
		return errors.New("fix, snapshot and overlay are three PPAs")
	}
	if in.Replay != nil && in.Origin == "" {
		return errors.New("a manifest is replayed from an origin: say which PPA")
	}
	switch {
	case len(in.Packages) == 0:
		return errors.New("a hotfix needs the source packages of the fix: without them all of the security PPA would be public")
	case len(in.Builds) == 0:
		return errors.New("a hotfix needs at least one build")
	case in.Grace < 0:
		return errors.New("the grace period is negative")
	case strings.Contains(in.Tag, ","):
		return fmt.Errorf("tag %q: no comma can be in it", in.Tag)
	}
	seen, sets := map[string]bool{}, map[cdimage.ImageSet]bool{}
	for _, b := range in.Builds {
		if b.Images == "" || b.File == "" || len(b.Channels) == 0 {
			return fmt.Errorf("build of %s: images, file and channels are needed", b.Project)
		}
		if err := (builder.Request{ImageSet: b.set()}).Validate(); err != nil {
			return err
		}
		if sets[b.set()] {
			return fmt.Errorf("%s is listed twice: name all its channels in one build", b.Project)
		}
		sets[b.set()] = true
		for _, channel := range b.Channels {
			if seen[channel] {
				return fmt.Errorf("channel %s would get two builds", channel)
			}
			if _, ok := replaceElement(channel, in.From, in.To); !ok {
				return fmt.Errorf("channel %s has no path element %q", channel, in.From)
			}
			seen[channel] = true
		}
	}
	return nil
}

// Run is the procedure. See [runbook.Procedure].
func (c *Hotfix) Run(ctx context.Context, r *runbook.Run) error {
	if err := c.Input.check(); err != nil {
		return err
	}
	var left outlasting
	err := c.run(ctx, r, &left)
	if errors.Is(err, runbook.ErrRejected) {
		for _, text := range left.notes(c.Input) {
			err = errors.Join(err, r.Note(text))
		}
	}
	return err
}

func (c *Hotfix) run(ctx context.Context, r *runbook.Run, left *outlasting) error {
	if err := c.decide(ctx, r); err != nil {
		return err
	}
	if err := c.protect(ctx, r, left); err != nil {
		return err
	}
	if err := c.fixed(ctx, r); err != nil {
		return err
	}
	if err := c.snapshot(ctx, r); err != nil {
		return err
	}
	plan, err := c.prepare(ctx, r)
	if err != nil {
		return err
	}
	if left.public, err = c.goPublic(ctx, r, plan); err != nil {
		return err
	}
	var built []hotfixBuilt
	err = r.Hold(ctx, holdImporter(r, c.Importer, plan.several), func(ctx context.Context, r *runbook.Run) error {
		built, err = c.images(ctx, r, plan)
		return err
	})
	if err != nil {
		return err
	}
	candidates, err := c.tested(ctx, r, built)
	if err != nil {
		return err
	}
	if err := c.release(ctx, r, candidates, left); err != nil {
		return err
	}
	return c.wrapUp(ctx, r, left)
}

// decide has the problem assessed by one person and decided by another.
func (c *Hotfix) decide(ctx context.Context, r *runbook.Run) error {
	in := c.Input
	evidence := struct {
		Problem  string   `json:"problem"`
		Packages []string `json:"packages"`
		Channels []string `json:"channels"`
	}{in.Problem, in.Packages, in.channels()}
	first, err := r.Approve(ctx, runbook.Gate{
		Name:     "assess",
		Question: "Is the problem assessed: how bad it is, who is affected, and that it cannot wait for the next release?",
		Evidence: evidence, Not: in.Not,
	})
	if err != nil {
		return err
	}
	not := in.Not
	if first.By != "" {
		not = append(slices.Clone(not), first.By)
	}
	return r.Gate(ctx, runbook.Gate{
		Name:     "decide",
		Question: fmt.Sprintf("Release %s as an emergency?", in.Tag),
		Evidence: evidence, Not: not,
	})
}

func (in HotfixInput) channels() (list []string) {
	for _, b := range in.Builds {
		list = append(list, b.Channels...)
	}
	slices.Sort(list)
	return list
}

// protect has countermeasures taken and announced.
func (c *Hotfix) protect(ctx context.Context, r *runbook.Run, left *outlasting) error {
	in, g := c.Input, r.Group("countermeasures")
	if len(in.Countermeasures) == 0 {
		return g.Gate(ctx, runbook.Gate{
			Name:     "in place",
			Question: "Is it agreed that there are no countermeasures to take until users have the fix?",
			Evidence: in.Problem, Not: in.Not,
		})
	}
	if err := g.Gate(ctx, runbook.Gate{
		Name:     "in place",
		Question: "Are these countermeasures in place?",
		Evidence: in.Countermeasures, Not: in.Not,
	}); err != nil {
		return err
	}
	left.protected = true
	a, err := fill(countermeasureText, in)
	if err != nil {
		return err
	}
	return announce(ctx, g, c.Announce, "announcement", a, in.Not)
}

// What the problem is stays unsaid as long as there is no fix.
const countermeasureText = `Restrictions until the next update

To protect users, these measures are in place until an update is on their devices:
{{range .Countermeasures}}
- {{.}}{{end}}`

// fixed checks where the fix is before anybody says that it is built.
func (c *Hotfix) fixed(ctx context.Context, r *runbook.Run) error {
	in := c.Input
	private, err := runbook.Read(ctx, r, "private PPA", func(ctx context.Context) (bool, error) {
		a, err := c.Launchpad.Archive(ctx, in.Security)
		if err != nil {
			return false, err
		}
		private := a.Private.Is(true)
		if !private && !in.AllowPublic {
			return false, fmt.Errorf("%s is not known to be private: a fix there is public already; say so in the input, or build it in a private one", in.Security)
		}
		return private, nil
	})
	if err != nil {
		return err
	}
	return r.Gate(ctx, runbook.Gate{
		Name:     "fix",
		Question: fmt.Sprintf("Is the fix reviewed in a private branch, built in %s, and tested?", in.Security),
		Evidence: struct {
			PPA      string   `json:"ppa"`
			Private  bool     `json:"private"`
			Packages []string `json:"packages"`
		}{in.Security, private, in.Packages}, Not: in.Not,
	})
}

// snapshot makes sure of what the images are built from.
func (c *Hotfix) snapshot(ctx context.Context, r *runbook.Run) error {
	in, g := c.Input, r.Group("snapshot")
	if in.Origin == "" {
		_, err := findPPA(ctx, g, c.Launchpad, in.Snapshot, false)
		return err
	}
	s := &Snapshot{Launchpad: c.Launchpad, Ledger: c.ledger("snapshot"), Input: SnapshotInput{
		From: in.Origin, To: in.Snapshot, Series: in.Series, Create: in.Create, Replay: in.Replay, Not: in.Not}}
	return s.Run(ctx, g)
}

func (c *Hotfix) ledger(of string) string {
	if c.Ledger == "" {
		return ""
	}
	return c.Ledger + "." + of
}

func (c *Hotfix) now() time.Time {
	if c.Now == nil {
		return time.Now().UTC()
	}
	return c.Now().UTC()
}

// names joins what a question lists.
func names(list []string) string { return strings.Join(list, ", ") }
