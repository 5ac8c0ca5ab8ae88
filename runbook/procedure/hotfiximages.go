package procedure

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/operate"
)

// A hotfixPlan is all that is settled before the fix is public.
type hotfixPlan struct {
	config            hotfixConfig
	snapshot, overlay *launchpad.Plan // nil only in a plan of the run, when a PPA is yet to be made
	several           bool            // lines of the crontab run the importer
}

// A hotfixConfig says how etc/config changes while the images are made.
type hotfixConfig struct {
	Point    []channelconfig.Edit `json:"point"` // the rc channels at the builds
	Unpoint  []channelconfig.Edit `json:"unpoint"`
	KeepBack []channelconfig.Edit `json:"keep_back,omitempty"` // others that import from the same folder
	LetIn    []channelconfig.Edit `json:"let_in,omitempty"`
	Shown    configEdit           `json:"shown"`
}

// A hotfixBuilt is a finished build and the channels that get it.
type hotfixBuilt struct {
	HotfixBuild
	ID string
}

// prepare asks all that can be asked while the fix is private.
func (c *Hotfix) prepare(ctx context.Context, r *runbook.Run) (plan hotfixPlan, err error) {
	in := c.Input
	if plan.several, err = importerFree(ctx, r, c.Importer); err != nil {
		return plan, err
	}
	g := r.Group("configuration")
	if plan.config, err = runbook.Read(ctx, g, "make the edits", c.edits); err != nil {
		return plan, err
	}
	if err := g.Gate(ctx, runbook.Gate{
		Name:     "approve",
		Question: "Change " + c.Config.Path + " like this while the images are built, and put it back afterwards?",
		Evidence: plan.config.Shown, Not: in.Not,
	}); err != nil {
		return plan, err
	}
	if plan.snapshot, err = c.planFix(ctx, r.Group("fix to the snapshot"), in.Snapshot); err != nil {
		return plan, err
	}
	plan.overlay, err = c.planFix(ctx, r.Group("fix to the overlay"), in.Overlay)
	return plan, err
}

func (c *Hotfix) request(to string) launchpad.PlanRequest {
	return launchpad.PlanRequest{From: c.Input.Security, To: to, Series: c.Input.Series, Names: c.Input.Packages, Unembargo: true}
}

func (c *Hotfix) planFix(ctx context.Context, r *runbook.Run, to string) (*launchpad.Plan, error) {
	if r.Planning() {
		if _, err := c.Launchpad.Archive(ctx, to); errors.Is(err, launchpad.ErrNotFound) {
			return nil, r.Note("the fix is copied once " + to + " is there")
		}
	}
	return planArchive(ctx, r, c.Launchpad, c.request(to), c.Input.Not)
}

func (c *Hotfix) copyFix(ctx context.Context, r *runbook.Run, to string, plan *launchpad.Plan, ledger string) error {
	if plan == nil {
		return nil
	}
	_, err := copyPlanned(ctx, r, c.Launchpad, c.request(to), plan, c.ledger(ledger))
	return err
}

// edits works out how the configuration changes, and back.
func (c *Hotfix) edits(ctx context.Context) (h hotfixConfig, err error) {
	now, err := c.Config.Read(ctx)
	if err != nil {
		return h, err
	}
	settings, err := now.Settings("/")
	if err != nil {
		return h, err
	}
	change := func(to, back *[]channelconfig.Edit, channel, key, value string) {
		section := channelconfig.Section(channel)
		*to = append(*to, channelconfig.Edit{Do: channelconfig.EditSet, Section: section, Key: key, Value: value})
		undo := channelconfig.Edit{Do: channelconfig.EditRemove, Section: section, Key: key}
		if v, ok := now.Get(section, key); ok {
			undo = channelconfig.Edit{Do: channelconfig.EditSet, Section: section, Key: key, Value: v.String()}
		}
		*back = append(*back, undo)
	}
	var folders []string
	for _, b := range c.Input.Builds {
		folders = append(folders, b.Images)
		for _, channel := range b.Channels {
			s, ok := settings.Channel(channel)
			if !ok || !slices.ContainsFunc(s.Files, func(f channelconfig.FileEntry) bool { return f.Entry == b.File }) {
				return h, fmt.Errorf("channel %s of %s has no file %s: say what its images are made of first", channel, c.Config.Path, b.File)
			}
			change(&h.Point, &h.Unpoint, channel, "file_"+b.File, fmt.Sprintf("cdimage-ubuntu;%s;%s;import=any", b.Images, b.Series))
			if !s.Auto() {
				change(&h.Point, &h.Unpoint, channel, "type", "auto")
			}
		}
	}
	ours := c.Input.channels()
	for _, s := range settings.Channels {
		if s.Auto() && !slices.Contains(ours, s.Name) && slices.ContainsFunc(s.Files, func(f channelconfig.FileEntry) bool {
			return strings.HasPrefix(f.Generator, "cdimage-") && len(f.Arguments) > 0 && slices.Contains(folders, f.Arguments[0])
		}) {
			change(&h.KeepBack, &h.LetIn, s.Name, "type", "manual")
		}
	}
	look := &EditConfig{File: c.Config, Input: EditConfigInput{Edits: slices.Concat(h.KeepBack, h.Point)}}
	h.Shown, err = look.look(ctx)
	return h, err
}

// goPublic is the line that nothing crosses before a person says so.
func (c *Hotfix) goPublic(ctx context.Context, r *runbook.Run, plan hotfixPlan) (time.Time, error) {
	in := c.Input
	if err := r.Gate(ctx, runbook.Gate{
		Name:     "public",
		Question: fmt.Sprintf("From here on the fix is public, and cannot be taken back. Copy %s to %s now?", names(in.Packages), in.Snapshot),
		Evidence: struct {
			From    string        `json:"from"`
			To      []string      `json:"to"`
			Builds  []HotfixBuild `json:"builds"`
			Support string        `json:"support"`
		}{in.Security, []string{in.Snapshot, in.Overlay}, in.Builds, in.Support}, Not: in.Not,
	}); err != nil {
		return time.Time{}, err
	}
	public, err := runbook.Read(ctx, r, "public since", func(context.Context) (time.Time, error) { return c.now(), nil })
	if err != nil {
		return public, err
	}
	return public, c.copyFix(ctx, r.Group("fix to the snapshot"), in.Snapshot, plan.snapshot, "fix-snapshot")
}

// images makes the images of rc, and the builds of rc-proposed after them. No
// question is asked in here.
func (c *Hotfix) images(ctx context.Context, r *runbook.Run, plan hotfixPlan) ([]hotfixBuilt, error) {
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
	err = r.Hold(ctx, runbook.Hold{
		Name:    "rc configuration",
		Intent:  c.Config.Path + ": " + names(in.channels()) + " take the builds of the hotfix",
		Acquire: func(ctx context.Context) error { return c.write(ctx, h.Point) },
		Release: func(ctx context.Context) error { return c.write(ctx, h.Unpoint) },
	}, func(ctx context.Context, r *runbook.Run) error { return c.importBuilds(ctx, r, built) })
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
			BuildOptions: BuildOptions{ExtraPPAs: []builder.PPA{{Owner: owner, Name: name, Pin: pin}}}}}
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

// configure writes edits that were approved, once.
func (c *Hotfix) configure(ctx context.Context, r *runbook.Run, name string, edits []channelconfig.Edit) error {
	if len(edits) == 0 {
		return nil
	}
	_, err := runbook.Do(ctx, r, runbook.Step[bool]{
		Name: name, Intent: c.Config.Path + ": " + inWords(edits), Predict: true,
		Probe: func(ctx context.Context) (bool, bool, error) {
			now, next, err := c.edited(ctx, edits)
			if err != nil {
				return false, false, err
			}
			return true, now.Checksum() == next.Checksum(), nil
		},
		Do: func(ctx context.Context) (bool, error) { return true, c.write(ctx, edits) },
	})
	return err
}

func inWords(edits []channelconfig.Edit) string {
	var words []string
	for _, e := range edits {
		words = append(words, e.String())
	}
	return strings.Join(words, "; ")
}

// write makes edits in the text that is there now: what others changed
// elsewhere in it stays.
func (c *Hotfix) write(ctx context.Context, edits []channelconfig.Edit) error {
	now, next, err := c.edited(ctx, edits)
	if err != nil || now.Checksum() == next.Checksum() {
		return err
	}
	_, err = c.Config.Replace(ctx, now, next)
	return err
}

func (c *Hotfix) edited(ctx context.Context, edits []channelconfig.Edit) (now, next *channelconfig.Config, err error) {
	if now, err = c.Config.Read(ctx); err != nil {
		return nil, nil, err
	}
	next, err = now.Edit(edits...)
	return now, next, err
}

// importBuilds runs the importer by hand. Whether it did what it should is seen
// in the index of every device: started again, it is run until it did.
func (c *Hotfix) importBuilds(ctx context.Context, r *runbook.Run, built []hotfixBuilt) error {
	var list []string
	for _, b := range built {
		list = append(list, b.Project+" "+b.ID)
	}
	_, err := runbook.Do(ctx, r, runbook.Step[bool]{
		Name:    "import",
		Intent:  "run import-images by hand, until " + names(c.Input.channels()) + " have the builds",
		Predict: true,
		Probe: func(ctx context.Context) (bool, bool, error) {
			missing, err := c.missing(ctx, built)
			return true, err == nil && len(missing) == 0 && !r.Planning(), err
		},
		Do: func(ctx context.Context) (bool, error) {
			_, err := c.Server.Import(ctx, operate.ImportRequest{Job: jobName(r, "import")})
			// A channel that is none of ours may have failed.
			missing, looked := c.missing(ctx, built)
			switch {
			case looked != nil:
				return false, errors.Join(err, looked)
			case len(missing) > 0:
				return false, errors.Join(err, fmt.Errorf("the builds did not reach every device: %s; failedimport says why", names(missing)))
			}
			return true, nil
		},
	})
	if err != nil || r.Planning() {
		return err
	}
	return r.Note(fmt.Sprintf("%s are on rc", names(list)))
}

// missing lists the devices of rc whose newest image has not the build it should.
func (c *Hotfix) missing(ctx context.Context, built []hotfixBuilt) (list []string, err error) {
	all, err := c.newest(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		for _, b := range built {
			has, _ := systemimage.ParseDetail(v.Detail).Get("ubuntu")
			if slices.Contains(b.Channels, v.From) && has != b.ID {
				list = append(list, fmt.Sprintf("%s:%s is at image %d with ubuntu=%s", v.From, v.Device, v.Version, has))
			}
		}
	}
	return list, nil
}

// newest lists the newest images of the rc channels, where stable has the device.
func (c *Hotfix) newest(ctx context.Context) ([]Candidate, error) {
	var wanted []Pair
	for _, channel := range c.Input.channels() {
		to, _ := replaceElement(channel, c.Input.From, c.Input.To)
		wanted = append(wanted, Pair{From: channel, To: to})
	}
	return newestOf(ctx, c.Server.Client, c.Input.From, c.Input.To, wanted)
}

// tested has QA approve the images. When one is not the newest any more after
// the answer, the question is asked anew about those that are.
func (c *Hotfix) tested(ctx context.Context, r *runbook.Run, built []hotfixBuilt) ([]Candidate, error) {
	for n := 1; ; n++ {
		round := r.Group(fmt.Sprintf("QA %d", n))
		candidates, err := runbook.Read(ctx, round, "find candidates", c.newest)
		if err != nil {
			return nil, err
		}
		if r.Planning() {
			if missing, err := c.missing(ctx, built); err != nil || len(missing) > 0 {
				for i := range candidates { // the images are yet to be made
					candidates[i].Version, candidates[i].Detail = 0, ""
				}
			}
		} else {
			if err := round.Verify(ctx, "they have the fix", func(ctx context.Context) error {
				missing, err := c.missing(ctx, built)
				if err == nil && len(missing) > 0 {
					err = fmt.Errorf("an image without the fix is above it on rc: %s; publish one with it there, then start again", names(missing))
				}
				return err
			}); err != nil {
				return nil, err
			}
		}
		if err := round.Gate(ctx, runbook.Gate{
			Name:     "approve",
			Question: fmt.Sprintf("Has QA tested these very %d images, and may they be released as %s?", len(candidates), c.Input.Tag),
			Evidence: candidates, Not: c.Input.Not,
		}); err != nil {
			return nil, err
		}
		if r.Planning() {
			return candidates, nil
		}
		same, err := runbook.Read(ctx, round, "still the newest", func(ctx context.Context) (bool, error) {
			now, err := c.newest(ctx)
			return slices.Equal(now, candidates), err
		})
		if err != nil || same {
			return candidates, err
		}
		if err := round.Note("an image was replaced while it was tested: QA is asked again"); err != nil {
			return nil, err
		}
	}
}
