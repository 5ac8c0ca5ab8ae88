package procedure

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage/channelconfig"
)

// A hotfixConfig says how etc/config changes while the images are made.
type hotfixConfig struct {
	Point    []channelconfig.Edit `json:"point"` // the rc channels at the builds
	Unpoint  []channelconfig.Edit `json:"unpoint"`
	KeepBack []channelconfig.Edit `json:"keep_back,omitempty"` // others that import from the same folder
	LetIn    []channelconfig.Edit `json:"let_in,omitempty"`
	Shown    configEdit           `json:"shown"`
}

// edits works out how the configuration changes, and back.
func (c *Hotfix) edits(ctx context.Context) (h hotfixConfig, err error) {
	if err := OneServer(ctx, c.Server, c.Input.Builds[0].Channels[0], ""); err != nil {
		return h, err
	}
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
		*to = append(*to, channelconfig.Set(section, key, value))
		undo := channelconfig.Remove(section, key)
		if v, ok := now.Get(section, key); ok {
			undo = channelconfig.Set(section, key, v.String())
		}
		*back = append(*back, undo)
	}
	var folders []string
	for _, b := range c.Input.Builds {
		folders = append(folders, b.Folder)
		for _, channel := range b.Channels {
			s, ok := settings.Channel(channel)
			if !ok || !slices.ContainsFunc(s.Files, func(f channelconfig.FileEntry) bool { return f.Entry == b.File }) {
				return h, fmt.Errorf("channel %s of %s has no file %s: say what its images are made of first", channel, c.Config.Path, b.File)
			}
			change(&h.Point, &h.Unpoint, channel, "file_"+b.File, fmt.Sprintf("cdimage-ubuntu;%s;%s;import=any", b.Folder, b.Series))
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

// configure writes edits that were approved, once.
func (c *Hotfix) configure(ctx context.Context, r *runbook.Run, name string, edits []channelconfig.Edit) error {
	if len(edits) == 0 {
		return nil
	}
	_, err := runbook.Do(ctx, r, runbook.Step[bool]{
		Name: name, Intent: c.Config.Path + ": " + inWords(edits), Predict: true,
		Probe: func(ctx context.Context) (bool, bool, error) {
			now, next, err := edited(ctx, c.Config, edits)
			if err != nil {
				return false, false, err
			}
			return true, now.Checksum() == next.Checksum(), nil
		},
		Do: func(ctx context.Context) (bool, error) { _, err := rewrite(ctx, c.Config, edits...); return true, err },
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
