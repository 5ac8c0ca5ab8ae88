package treecheck

import (
	"context"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// A leftOver is a file that only a killed program, or one that is running just
// now, has there.
type leftOver struct{ channel, device, place string }

// leftOverRules judge what is still there after a while.
var leftOverRules = []rule[leftOver]{
	{class: "left-over", severity: systemimage.Harmful,
		remedy: "run cleanup-tree, then re-sign-indexes",
		look: func(_ *tree, f leftOver) []problem {
			return []problem{{channel: f.channel, device: f.device, place: f.place,
				text: "left by a killed program: every further commit there fails, also one that stops a rollout"}}
		}},
}

// leftOvers are the looks for such files.
func (t *tree) leftOvers() (jobs []func(context.Context) error) {
	seen := map[string]bool{}
	look := func(f leftOver) {
		if !seen[f.place] {
			seen[f.place] = true
			jobs = append(jobs, func(ctx context.Context) error { return t.leftOver(ctx, f) })
		}
	}
	for _, at := range t.pairs() {
		for _, name := range []string{"index.json.new", "index.json.new.asc"} {
			look(leftOver{at.channel, at.device, "/" + t.indexes[at].Entry.Folder() + "/" + name})
		}
	}
	for _, name := range []string{"/channels.json.new", "/channels.json.new.asc", "/channels.json.asc.new"} {
		look(leftOver{place: name})
	}
	return jobs
}

func (t *tree) leftOver(ctx context.Context, f leftOver) error {
	_, there, err := t.c.Stat(ctx, f.place)
	if err != nil || !there {
		return err
	}
	if err := host.Sleep(ctx, 2*time.Second); err != nil {
		return err
	}
	if _, there, err = t.c.Stat(ctx, f.place); err != nil || !there {
		return err // a commit that was going on
	}
	apply(t, leftOverRules, f)
	return nil
}
