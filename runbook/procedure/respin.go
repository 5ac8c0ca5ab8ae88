package procedure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/operate"
)

// Respin builds an image again from the snapshot of a PPA:
//
//  1. prepare the snapshot, or take it as it is, and ask when the origin is ahead of it;
//  2. copy extra packages into it with their binaries, and wait until sources and
//     binaries are published on every architecture;
//  3. build the root file system with the snapshot pinned above everything else;
//  4. point the channel's configuration at that build, with the difference shown
//     at a gate, written by compare-and-swap;
//  5. run the importer by hand, with the importer of the crontab held;
//  6. look the new image of every device up in the published index;
//  7. put the configuration back, or keep it, as was asked for.
//
// Nothing goes back in time unnoticed. A gate shows, before anything is imported,
// which devices would get an older root file system than they have; that is so,
// too, when a channel that is imported on its own gets its configuration back: the
// next import takes what is newest at the old place, and that is older than the
// build.
type Respin struct {
	Launchpad *launchpad.Client
	Ledger    string // see Snapshot
	Builder   *builder.Builder
	Server    *operate.Server
	Importer  *operate.Importer
	Config    *channelconfig.HostFile

	Input RespinInput
}

// RespinInput is what one run of [Respin] is asked to do.
type RespinInput struct {
	Origin  string  `json:"origin,omitempty"` // PPA that the snapshot is made of; empty: it is taken as it is
	AsIs    bool    `json:"as_is,omitempty"`  // take the snapshot as it is, and compare it with Origin
	PPA     string  `json:"ppa"`              // the snapshot, "ppa:OWNER/NAME"
	Series  string  `json:"series"`           // such as "vivid"
	Create  bool    `json:"create,omitempty"` // make the snapshot PPA when there is none
	Extra   []Extra `json:"extra,omitempty"`  // packages that go on top of the snapshot
	Pin     int     `json:"pin"`              // apt's priority of the snapshot; 1001 lets it win over newer packages
	Project string  `json:"project"`          // of the build, such as "ubuntu-touch-custom"
	Type    string  `json:"image_type"`       // such as "daily-preinstalled"

	Channel string `json:"channel"` // whose configuration is pointed at the build
	File    string `json:"file"`    // entry of its files that is the root file system, such as "ubuntu"
	Images  string `json:"images"`  // folder of published builds on the image server's host
	Keep    bool   `json:"keep"`    // leave the channel pointed at the build

	Not []string `json:"not,omitempty"` // who may not answer the gates
}

// Extra are packages of another PPA that are copied on top of a snapshot.
type Extra struct {
	From  string   `json:"from"`
	Names []string `json:"names"`
}

// Run is the procedure. See [runbook.Procedure].
func (c *Respin) Run(ctx context.Context, r *runbook.Run) error {
	if err := c.Input.check(); err != nil {
		return err
	}
	if err := r.Require(ctx, "the channel can be pointed at a build", c.pointable); err != nil {
		return err
	}
	if err := c.prepare(ctx, r); err != nil {
		return err
	}
	built, err := c.build(ctx, r)
	if err != nil {
		return err
	}
	several, err := importerFree(ctx, r, c.Importer)
	if err != nil {
		return err
	}
	return r.Hold(ctx, holdImporter(r, c.Importer, several), func(ctx context.Context, r *runbook.Run) error {
		return c.publish(ctx, r, built)
	})
}

func (in RespinInput) check() error {
	for _, f := range [...]struct{ name, value string }{
		{"ppa", in.PPA}, {"series", in.Series}, {"project", in.Project}, {"image type", in.Type},
		{"channel", in.Channel}, {"file", in.File}, {"images", in.Images},
	} {
		if f.value == "" {
			return fmt.Errorf("a re-spin needs to know: %s", f.name)
		}
	}
	if strings.ContainsAny(in.Images+in.Series, "; \t\r\n") {
		return fmt.Errorf("images %q, series %q: neither may hold blanks or semicolons, which have a meaning in the channel's configuration", in.Images, in.Series)
	}
	if _, _, ok := ppaName(in.PPA); !ok {
		return fmt.Errorf("%q: the snapshot is named ppa:OWNER/NAME", in.PPA)
	}
	return nil
}

func ppaName(ref string) (owner, name string, ok bool) {
	owner, name, ok = strings.Cut(strings.TrimPrefix(ref, "ppa:"), "/")
	return owner, name, ok && strings.HasPrefix(ref, "ppa:") && owner != "" && name != "" && !strings.Contains(name, "/")
}

// prepare brings the snapshot PPA to what the image is to be built from.
func (c *Respin) prepare(ctx context.Context, r *runbook.Run) error {
	in := c.Input
	if in.AsIs || in.Origin == "" {
		if err := c.behind(ctx, r); err != nil {
			return err
		}
	} else if in.Origin != "" {
		s := &Snapshot{Launchpad: c.Launchpad, Ledger: c.ledger("snapshot"),
			Input: SnapshotInput{From: in.Origin, To: in.PPA, Series: in.Series, Create: in.Create, Not: in.Not}}
		if err := s.Run(ctx, r.Group("snapshot")); err != nil {
			return err
		}
	}
	if r.Planning() && len(in.Extra) > 0 {
		if _, err := c.Launchpad.Archive(ctx, in.PPA); errors.Is(err, launchpad.ErrNotFound) {
			return r.Note("the extra packages are copied once the PPA is there")
		}
	}
	for _, e := range in.Extra {
		_, err := copyArchive(ctx, r.Group("extra packages of "+e.From), c.Launchpad, launchpad.PlanRequest{
			From: e.From, To: in.PPA, Series: in.Series, Names: e.Names,
		}, c.ledger(e.From), in.Not)
		if err != nil {
			return err
		}
	}
	return nil
}

// behind looks at a snapshot that is taken as it is. It asks before an image is
// built without what the origin has published meanwhile: images built from the
// origin have it.
func (c *Respin) behind(ctx context.Context, r *runbook.Run) error {
	in := c.Input
	lines, err := runbook.Read(ctx, r, "is the snapshot behind its origin", func(ctx context.Context) ([]string, error) {
		has, err := c.published(ctx, in.PPA)
		if err != nil || in.Origin == "" {
			return nil, err
		}
		ahead, err := c.published(ctx, in.Origin)
		if err != nil {
			return nil, err
		}
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(ahead)) {
			if launchpad.CompareVersions(has[name], ahead[name]) < 0 {
				lines = append(lines, fmt.Sprintf("%s is %s in %s, and %s in the snapshot", name, ahead[name], in.Origin, cmp.Or(has[name], "not there")))
			}
		}
		return lines, nil
	})
	if err == nil && in.Origin == "" {
		return r.Note(in.PPA + " is taken as it is; whether it is behind what images are built from cannot be told without its origin")
	}
	if err != nil || len(lines) == 0 {
		return err
	}
	return r.Gate(ctx, runbook.Gate{
		Name:     "behind the origin",
		Question: "The snapshot lacks what its origin has. Build an image with older packages all the same?",
		Evidence: lines, Not: in.Not,
	})
}

// published are the highest versions that an archive has published.
func (c *Respin) published(ctx context.Context, ref string) (map[string]string, error) {
	a, err := c.Launchpad.Archive(ctx, ref)
	if errors.Is(err, launchpad.ErrNotFound) {
		return nil, fmt.Errorf("%s is not there, or not yours to see: %w", ref, err)
	} else if err != nil {
		return nil, err
	}
	list := map[string]string{}
	for s, err := range c.Launchpad.Sources(ctx, a.SelfLink, launchpad.PublicationFilter{Status: launchpad.Published, Series: c.Input.Series}) {
		if err != nil {
			return nil, err
		}
		if launchpad.CompareVersions(list[s.SourceName], s.SourceVersion) < 0 {
			list[s.SourceName] = s.SourceVersion
		}
	}
	return list, nil
}

// ledger is a file of its own for every copy.
func (c *Respin) ledger(of string) string {
	if c.Ledger == "" {
		return ""
	}
	return c.Ledger + "." + strings.NewReplacer("/", "-", ":", "-").Replace(of)
}

// build builds the root file system with the snapshot pinned.
func (c *Respin) build(ctx context.Context, r *runbook.Run) (cdimage.Build, error) {
	in := c.Input
	owner, name, _ := ppaName(in.PPA)
	image := &RebuildImage{Builder: c.Builder, Input: RebuildInput{
		ImageSet:     cdimage.ImageSet{Project: in.Project, Series: in.Series, Type: in.Type},
		BuildOptions: BuildOptions{ExtraPPAs: []builder.PPA{{Owner: owner, Name: name, Pin: in.Pin}}},
	}}
	return image.build(ctx, r.Group("build "+in.Project))
}

// pointable finds out, before anything is built, whether the build could be
// imported into the channel.
func (c *Respin) pointable(ctx context.Context) error {
	now, err := c.Config.Read(ctx)
	if err != nil {
		return err
	}
	section := channelconfig.Section(c.Input.Channel)
	if _, ok := now.Get(section, "file_"+c.Input.File); !ok {
		return fmt.Errorf("%s has no key file_%s in [%s]", c.Config.Path, c.Input.File, section)
	}
	if v, _ := now.Get(section, "type"); v.Raw != "auto" {
		return fmt.Errorf("import-images passes over %s: its type in %s is %q and not auto", c.Input.Channel, c.Config.Path, v.Raw)
	}
	return nil
}

// publish imports the build into the channel.
func (c *Respin) publish(ctx context.Context, r *runbook.Run, built cdimage.Build) error {
	in := c.Input
	section, key := channelconfig.Section(in.Channel), "file_"+in.File
	before, err := runbook.Read(ctx, r, "configuration before", func(ctx context.Context) (string, error) {
		now, err := c.Config.Read(ctx)
		if err != nil {
			return "", err
		}
		v, ok := now.Get(section, key)
		if !ok {
			return "", fmt.Errorf("%s has no key %s in [%s]", c.Config.Path, key, section)
		}
		return v.Raw, nil
	})
	if err != nil {
		return err
	}
	devices, err := runbook.Read(ctx, r, "images before", func(ctx context.Context) ([]Target, error) { return c.newest(ctx) })
	if err != nil {
		return err
	}
	if err := c.forward(ctx, r, built, devices, before); err != nil {
		return err
	}
	if err := c.edit(ctx, r.Group("point the channel at the build"), section, key, c.source()); err != nil {
		return err
	}
	if err := c.importBuild(ctx, r, built, devices); err != nil {
		return err
	}
	if in.Keep {
		return r.Note(in.Channel + " stays pointed at " + c.source() + ", as was asked for")
	}
	if r.Planning() { // it was not changed
		return r.Note("the configuration is put back: " + key + " = " + before)
	}
	return c.edit(ctx, r.Group("put the configuration back"), section, key, before)
}

// source is the configuration's value for the build.
func (c *Respin) source() string {
	return fmt.Sprintf("cdimage-ubuntu;%s;%s;import=any", c.Input.Images, c.Input.Series)
}

func (c *Respin) edit(ctx context.Context, r *runbook.Run, section, key, value string) error {
	e := &EditConfig{File: c.Config, Input: EditConfigInput{Not: c.Input.Not,
		Edits: []channelconfig.Edit{{Do: channelconfig.EditSet, Section: section, Key: key, Value: value}}}}
	return e.Run(ctx, r)
}

// newest lists the newest image of each device of the channel.
func (c *Respin) newest(ctx context.Context) ([]Target, error) {
	l, err := c.Server.Client.Channels(ctx)
	if err != nil {
		return nil, err
	}
	var list []Target
	for channel, device := range l.Pairs() {
		if channel != c.Input.Channel || l.Channels[channel].Devices[device].Redirect != "" {
			continue
		}
		m, err := c.Server.Client.Latest(ctx, channel, device)
		if err != nil && !errors.Is(err, systemimage.ErrNotFound) {
			return nil, err
		}
		list = append(list, Target{Channel: channel, Device: device, Version: m.Version})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("channel %s has no devices", c.Input.Channel)
	}
	return list, nil
}

// forward asks before a device is given an older root file system than it has: by
// this import, or by the next one after the configuration was put back.
func (c *Respin) forward(ctx context.Context, r *runbook.Run, built cdimage.Build, devices []Target, before string) error {
	gate := runbook.Gate{
		Name:     "back in time",
		Question: "Devices would get an older root file system than they have, now or later. Go on all the same?",
		Not:      c.Input.Not,
	}
	if r.Planning() { // the build is not known yet
		if c.Input.Keep {
			return nil
		}
		return r.Gate(ctx, gate)
	}
	back, err := runbook.Read(ctx, r, "does anything go back in time", func(ctx context.Context) ([]string, error) {
		var back []string
		for _, t := range devices {
			if t.Version == 0 {
				continue
			}
			m, err := c.Server.Client.Full(ctx, t.Channel, t.Device, t.Version)
			if err != nil {
				return nil, err
			}
			has, _ := m.Detail().Get("ubuntu")
			id, err := cdimage.ParseBuildID(has)
			switch {
			case err != nil:
				back = append(back, fmt.Sprintf("%s has ubuntu=%s, which cannot be compared with build %s", t, has, built.ID))
			case built.ID.Compare(id) < 0:
				back = append(back, fmt.Sprintf("%s has %s, the build is %s", t, has, built.ID))
			case !c.Input.Keep && built.ID.Compare(id) > 0:
				back = append(back, fmt.Sprintf("%s goes from build %s back to %s, or what is newest then, at the first import after the configuration is back at %s",
					t, built.ID, has, before))
			}
		}
		return back, nil
	})
	if err != nil || len(back) == 0 {
		return err
	}
	gate.Evidence = back
	return r.Gate(ctx, gate)
}

// importBuild runs the importer by hand until every device has the build. A run
// that does not bring it there has failed, and is repeated by the next start:
// importing twice publishes nothing twice.
func (c *Respin) importBuild(ctx context.Context, r *runbook.Run, built cdimage.Build, devices []Target) error {
	_, err := runbook.Do(ctx, r, runbook.Step[bool]{
		Name:   "import",
		Intent: fmt.Sprintf("run import-images by hand, for %s", strings.TrimSuffix(built.String(), "-")),
		Probe: func(ctx context.Context) (bool, bool, error) {
			missing, err := c.missing(ctx, built, devices)
			return true, len(missing) == 0, err
		},
		Do: func(ctx context.Context) (bool, error) {
			if _, err := c.Server.Import(ctx, operate.ImportRequest{Job: jobName(r, "import")}); err != nil {
				return false, err
			}
			missing, err := c.missing(ctx, built, devices)
			if err == nil && len(missing) > 0 {
				err = fmt.Errorf("build %s did not reach every device: %s; failedimport says why; until this run comes to its end the channel stays pointed at %s",
					built.ID, strings.Join(missing, ", "), c.Input.Images)
			}
			return err == nil, err
		},
		Predict: true,
	})
	if err != nil || r.Planning() {
		return err
	}
	return r.Note(fmt.Sprintf("%s holds build %s on all %d devices", c.Input.Channel, built.ID, len(devices)))
}

// missing lists the devices whose newest image is not of the build.
func (c *Respin) missing(ctx context.Context, built cdimage.Build, devices []Target) (list []string, err error) {
	for _, t := range devices {
		m, err := c.Server.Client.Latest(ctx, t.Channel, t.Device)
		if err != nil && !errors.Is(err, systemimage.ErrNotFound) {
			return nil, err
		}
		if has, _ := m.Detail().Get("ubuntu"); m.Version <= t.Version || has != built.ID.String() {
			list = append(list, fmt.Sprintf("%s is at image %d with ubuntu=%s", t, m.Version, has))
		}
	}
	return list, nil
}
