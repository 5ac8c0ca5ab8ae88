package procedure

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/channelconfig"
)

// pointable finds out, before anything is built, whether the build could be
// imported into the channel.
func (c *Respin) pointable(ctx context.Context) error {
	// Later, when nothing is built any more, a mirror must not lag either.
	if err := OneServer(ctx, c.Server, c.Input.Channel, ""); errors.Is(err, errOtherServer) {
		return err
	}
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
	return OneServer(ctx, c.Server, c.Input.Channel, "")
}

// publish imports the build into the channel, which is pointed at it meanwhile.
func (c *Respin) publish(ctx context.Context, r *runbook.Run, built cdimage.Build, p *pointing) error {
	in := c.Input
	section, key := channelconfig.Section(in.Channel), "file_"+in.File
	before, err := runbook.Read(ctx, r, "configuration before", func(ctx context.Context) (string, error) {
		if err := OneServer(ctx, c.Server, in.Channel, ""); err != nil {
			return "", err
		}
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
	devices, err := runbook.Read(ctx, r, "images before", func(ctx context.Context) ([]NamedImage, error) { return c.newest(ctx) })
	if err != nil {
		return err
	}
	if err := c.forward(ctx, r, built, devices, before); err != nil {
		return err
	}
	p.file = c.Config
	p.to = []channelconfig.Edit{channelconfig.Set(section, key, c.source())}
	p.back = []channelconfig.Edit{channelconfig.Set(section, key, before)}
	until := " takes the build, for one import"
	if in.Keep {
		until = " takes the build, unless the import fails"
	}
	return r.Hold(ctx, p.hold("configuration", c.Config.Path+": "+in.Channel+until), func(ctx context.Context, r *runbook.Run) error {
		e := &EditConfig{File: c.Config, Input: EditConfigInput{Edits: p.to, Not: in.Not}}
		if err := e.Run(ctx, r.Group("point the channel at the build")); err != nil {
			return err
		}
		p.written = true
		err := importUntil(ctx, r, c.Server, c.Config, "run import-images by hand, for "+strings.TrimSuffix(built.String(), "-"), c.newest, func(ctx context.Context) ([]string, error) {
			return c.missing(ctx, built, devices)
		})
		if err != nil {
			return err
		}
		if !r.Planning() {
			if err := r.Note(fmt.Sprintf("%s holds build %s on all %d devices", in.Channel, built.ID, len(devices))); err != nil {
				return err
			}
		}
		if in.Keep {
			p.kept = true
			return r.Note(in.Channel + " stays pointed at " + c.source() + ", as was asked for")
		}
		if r.Planning() { // it was not changed
			return r.Note("the configuration is put back: " + key + " = " + before)
		}
		return e.putBack(ctx, r.Group("put the configuration back"), p)
	})
}

// source is the configuration's value for the build.
func (c *Respin) source() string {
	return fmt.Sprintf("cdimage-ubuntu;%s;%s;import=any", c.Input.Folder, c.Input.Series)
}

// newest lists the newest image of each device of the channel.
func (c *Respin) newest(ctx context.Context) ([]NamedImage, error) {
	l, err := c.Server.Client.Channels(ctx)
	if err != nil {
		return nil, err
	}
	var list []NamedImage
	for channel, device := range l.Pairs() {
		if channel != c.Input.Channel || l.Channels[channel].Devices[device].Redirect != "" {
			continue
		}
		m, err := c.Server.Client.Latest(ctx, channel, device)
		if err != nil && !errors.Is(err, systemimage.ErrNotFound) {
			return nil, err
		}
		list = append(list, NamedImage{Channel: channel, Device: device, Version: m.Version})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("channel %s has no devices", c.Input.Channel)
	}
	return list, nil
}

// forward asks before a device is given an older root file system than it has: by
// this import, or by the next one after the configuration was put back.
func (c *Respin) forward(ctx context.Context, r *runbook.Run, built cdimage.Build, devices []NamedImage, before string) error {
	gate := runbook.Gate{
		Name:     "back in time",
		Question: "Devices would get an older root file system than they have, now or later. Go on all the same?",
		Not:      c.Input.Not, NeedReason: true,
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

// missing lists the devices whose newest image is not of the build, and what of it the
// aliases lack.
func (c *Respin) missing(ctx context.Context, built cdimage.Build, devices []NamedImage) (list []string, err error) {
	for _, t := range devices {
		m, err := c.Server.Client.Latest(ctx, t.Channel, t.Device)
		if err != nil && !errors.Is(err, systemimage.ErrNotFound) {
			return nil, err
		}
		if has, _ := m.Detail().Get("ubuntu"); m.Version <= t.Version || has != built.ID.String() {
			list = append(list, fmt.Sprintf("%s is at image %d with ubuntu=%s", t, m.Version, has))
			continue
		}
		lag, err := behind(ctx, c.Server, t, m)
		if err != nil {
			return nil, err
		}
		list = append(list, lag...)
	}
	return list, nil
}
