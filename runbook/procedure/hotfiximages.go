package procedure

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
)

// A hotfixBuilt is a finished build and the channels that get it.
type hotfixBuilt struct {
	HotfixBuild
	ID string
}

// images makes the images of rc, and the builds of rc-proposed after them. No
// question is asked in here.
func (c *Hotfix) images(ctx context.Context, r *runbook.Run, plan hotfixPlan, p *pointing) ([]hotfixBuilt, error) {
	h, in := plan.config, c.Input
	if err := c.configure(ctx, r, "keep back", h.KeepBack); err != nil {
		return nil, err
	}
	if len(h.KeepBack) > 0 && !r.Planning() {
		if err := r.Note(fmt.Sprintf("until \"let in\" is done these take no images, whatever happens to this run: %s", inWords(h.KeepBack))); err != nil {
			return nil, err
		}
	}
	built, err := c.build(ctx, r.Group("rc"), in.Snapshot, 1001)
	if err != nil {
		return nil, err
	}
	p.file, p.to, p.back, p.written = c.Config, h.Point, h.Unpoint, true
	err = r.Hold(ctx, p.hold("rc configuration", c.Config.Path+": "+names(in.channels())+" take the builds of the hotfix"),
		func(ctx context.Context, r *runbook.Run) error { return c.importBuilds(ctx, r, built) })
	if err != nil {
		return nil, err
	}
	if !r.Planning() {
		if err := r.Note("the images are on rc: their tests can begin while rc-proposed is built"); err != nil {
			return nil, err
		}
	}
	if err := c.copyFix(ctx, r.Group("fix to the overlay"), in.Overlay, plan.overlay, "fix-overlay"); err != nil {
		return nil, err
	}
	if _, err := c.build(ctx, r.Group("rc-proposed"), in.Overlay, 0); err != nil {
		return nil, err
	}
	return built, c.configure(ctx, r, "let in", h.LetIn)
}

// build builds all root file systems at once, with a PPA.
func (c *Hotfix) build(ctx context.Context, r *runbook.Run, ppa string, pin int) ([]hotfixBuilt, error) {
	owner, name, _ := ppaName(ppa)
	built := make([]hotfixBuilt, len(c.Input.Builds))
	var mu sync.Mutex
	err := runbook.Each(ctx, r, byBuild(c.Input.Builds), len(built), func(ctx context.Context, r *runbook.Run, _ string, n int) error {
		b := c.Input.Builds[n]
		image := &RebuildImage{Builder: c.Builder, Input: RebuildInput{ImageSet: b.set(),
			BuildOptions: BuildOptions{Arches: b.Arches, ExtraPPAs: []builder.PPA{{Owner: owner, Name: name, Pin: pin}}}},
			partial: askPartial(c.Input.Not, b.Channels...)}
		done, err := image.build(ctx, r)
		mu.Lock()
		defer mu.Unlock()
		built[n] = hotfixBuilt{b, done.ID.String()}
		return err
	})
	return built, err
}

// byBuild gives each build a group of its own.
func byBuild(builds []HotfixBuild) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for n, b := range builds {
			if !yield(strings.ReplaceAll(b.set().Dir()+"-"+b.Type, "/", "-"), n) {
				return
			}
		}
	}
}

func (c *Hotfix) importBuilds(ctx context.Context, r *runbook.Run, built []hotfixBuilt) error {
	var list []string
	for _, b := range built {
		list = append(list, b.Project+" "+b.ID)
	}
	err := importUntil(ctx, r, c.Server, c.Config, "run import-images by hand, until "+names(c.Input.channels())+" have the builds", c.onRC,
		func(ctx context.Context) ([]string, error) { return c.unreached(ctx, built) })
	if err != nil || r.Planning() {
		return err
	}
	return r.Note(fmt.Sprintf("%s are on rc", names(list)))
}

// onRC are the newest images of rc.
func (c *Hotfix) onRC(ctx context.Context) (list []NamedImage, err error) {
	all, err := c.newest(ctx)
	for _, v := range all {
		list = append(list, NamedImage{Channel: v.From, Device: v.Device, Version: v.Version})
	}
	return list, err
}

// unreached is missing, with the aliases of rc that are not what it is.
func (c *Hotfix) unreached(ctx context.Context, built []hotfixBuilt) ([]string, error) {
	list, err := c.missing(ctx, built)
	if err != nil || len(list) > 0 {
		return list, err
	}
	images, err := c.onRC(ctx)
	for _, t := range images {
		m, looked := c.Server.Client.Full(ctx, t.Channel, t.Device, t.Version)
		var lag []string
		if looked == nil {
			lag, looked = behind(ctx, c.Server, t, m)
		}
		if looked != nil {
			return nil, looked
		}
		list = append(list, lag...)
	}
	return list, err
}

// missing lists the devices of rc whose newest image has not the build it should.
func (c *Hotfix) missing(ctx context.Context, built []hotfixBuilt) (list []string, err error) {
	all, err := c.newest(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		for _, b := range built {
			has, _ := systemimage.Image{VersionDetail: v.Detail}.Detail().Get("ubuntu")
			if slices.Contains(b.Channels, v.From) && has != b.ID {
				list = append(list, fmt.Sprintf("%s:%s is at image %d with ubuntu=%s", v.From, v.Device, v.Version, has))
			}
		}
	}
	return list, nil
}
