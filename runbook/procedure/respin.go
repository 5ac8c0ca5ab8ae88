package procedure

import (
	"context"
	"fmt"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook"
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
	Origin  string          `json:"origin,omitempty"` // PPA that the snapshot is made of; empty: it is taken as it is
	AsIs    bool            `json:"as_is,omitempty"`  // take the snapshot as it is, and compare it with Origin
	PPA     string          `json:"ppa"`              // the snapshot, "ppa:OWNER/NAME"
	Series  string          `json:"series"`           // such as "vivid"
	Create  bool            `json:"create,omitempty"` // make the snapshot PPA when there is none
	Extra   []ExtraPackages `json:"extra,omitempty"`  // packages that go on top of the snapshot
	Pin     int             `json:"pin"`              // apt's priority of the snapshot; 1001 lets it win over newer packages
	Project string          `json:"project"`          // of the build, such as "ubuntu-touch-custom"
	Type    string          `json:"image_type"`       // such as "daily-preinstalled"
	Arches  []string        `json:"arches,omitempty"` // that the devices of the channel need; empty: all of the project

	Channel string `json:"channel"` // whose configuration is pointed at the build
	File    string `json:"file"`    // entry of its files that is the root file system, such as "ubuntu"
	Folder  string `json:"images"`  // folder of published builds on the image server's host
	Keep    bool   `json:"keep"`    // leave the channel pointed at the build

	Not []string `json:"not,omitempty"` // who may not answer the gates
}

// ExtraPackages are packages of another PPA that are copied on top of a snapshot.
type ExtraPackages struct {
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
	var p pointing
	return r.Hold(ctx, p.around(holdImporter(r, c.Importer, several)), func(ctx context.Context, r *runbook.Run) error {
		return c.publish(ctx, r, built, &p)
	})
}

func (in RespinInput) check() error {
	for _, f := range [...]struct{ name, value string }{
		{"ppa", in.PPA}, {"series", in.Series}, {"project", in.Project}, {"image type", in.Type},
		{"channel", in.Channel}, {"file", in.File}, {"images", in.Folder},
	} {
		if f.value == "" {
			return fmt.Errorf("a re-spin needs to know: %s", f.name)
		}
	}
	if strings.ContainsAny(in.Folder+in.Series, "; \t\r\n") {
		return fmt.Errorf("images %q, series %q: neither may hold blanks or semicolons, which have a meaning in the channel's configuration", in.Folder, in.Series)
	}
	if _, _, ok := ppaName(in.PPA); !ok {
		return fmt.Errorf("%q: the snapshot is named ppa:OWNER/NAME", in.PPA)
	}
	return nil
}

// build builds the root file system with the snapshot pinned.
func (c *Respin) build(ctx context.Context, r *runbook.Run) (cdimage.Build, error) {
	in := c.Input
	owner, name, _ := ppaName(in.PPA)
	image := &RebuildImage{Builder: c.Builder, Input: RebuildInput{
		ImageSet:     cdimage.ImageSet{Project: in.Project, Series: in.Series, Type: in.Type},
		BuildOptions: BuildOptions{Arches: in.Arches, ExtraPPAs: []builder.PPA{{Owner: owner, Name: name, Pin: in.Pin}}},
	}, partial: askPartial(in.Not, in.Channel)}
	return image.build(ctx, r.Group("build "+in.Project))
}
