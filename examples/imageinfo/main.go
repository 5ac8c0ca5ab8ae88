// Imageinfo shows what a system-image server publishes: the newest image of
// every channel and device, of one channel, or of one device.
//
//	go run ./examples/imageinfo                                # the lab
//	go run ./examples/imageinfo -site site.conf ubuntu-touch/rc/meizu.en arale
//	go run ./examples/imageinfo -site site.conf -all -files ubuntu-touch/rc/meizu.en arale
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/systemimage"
)

func main() { cli.Main(program()) }

// info is what -json prints for one channel and device.
type info struct {
	Channel  string  `json:"channel"`
	Device   string  `json:"device"`
	Kind     string  `json:"kind"`             // channel, alias or redirect
	Target   string  `json:"target,omitempty"` // of an alias or a redirect
	Hidden   bool    `json:"hidden,omitempty"`
	Verified bool    `json:"verified"`
	Images   []image `json:"images"`
	Error    string  `json:"error,omitempty"`
}

type image struct {
	Type       string `json:"type"`
	Version    *int   `json:"version"` // null where the server wrote that
	Base       int    `json:"base,omitempty"`
	Percentage int    `json:"phased_percentage"`
	Tag        string `json:"tag,omitempty"`
	Detail     string `json:"version_detail,omitempty"`
	Size       int64  `json:"size"`
	Files      []file `json:"files,omitempty"`
}

type file struct {
	Path     string `json:"path"`
	Checksum string `json:"checksum"`
	Size     int64  `json:"size"`
}

func program() cli.Program {
	var all, files bool
	return cli.Program{
		Name:  "imageinfo",
		About: "Shows the newest image of channels and devices",
		Args:  "[CHANNEL [DEVICE]]",
		Needs: []string{"tree"},
		Flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&all, "all", false, "show every image, not only the newest full one")
			fs.BoolVar(&files, "files", false, "show the files of each image")
		},
		Look: func(ctx context.Context, w *cli.World, args []string, asJSON bool, out io.Writer) error {
			if len(args) > 2 {
				return cli.Usage(errors.New("at most a channel and a device"))
			}
			infos, err := look(ctx, w.Images, args, all, files)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(out)
				enc.SetIndent("", "  ")
				err = enc.Encode(infos)
			} else {
				err = show(out, infos)
			}
			return errors.Join(err, failures(infos))
		},
	}
}

// look asks the server about the channels and devices that args name. What
// cannot be read of one device does not hide the others.
func look(ctx context.Context, c *systemimage.Client, args []string, all, files bool) ([]info, error) {
	c = c.Session(time.Minute) // an index and its signature are asked for together
	listing, err := c.Channels(ctx)
	if err != nil {
		return nil, err
	}
	channels := listing.Channels
	infos := []info{}
	add := func(channel, device string, x *systemimage.PublishedIndex, err error) {
		ch := channels[channel]
		in := info{Channel: channel, Device: device, Kind: channels.Kind(channel), Hidden: ch.Hidden, Verified: listing.Verified}
		if d := ch.Devices[device]; d.Redirect != "" {
			in.Kind, in.Target = systemimage.KindRedirect, d.Redirect
		} else if in.Kind == systemimage.KindAlias {
			in.Target = ch.Alias
		} else if in.Kind == systemimage.KindRedirect {
			in.Target = ch.Redirect
		}
		if err != nil {
			in.Error = err.Error()
		} else {
			in.Images = pick(x.Index, all, files)
		}
		infos = append(infos, in)
	}
	switch {
	case len(args) == 0:
		for x, err := range c.Survey(ctx, 0) {
			var e *systemimage.Error
			switch {
			case err == nil:
				add(x.Channel, x.Device, x, nil)
			case errors.As(err, &e) && e.Device != "":
				add(e.Channel, e.Device, nil, err)
			default:
				return nil, err
			}
		}
		slices.SortFunc(infos, func(a, b info) int {
			return cmp.Or(strings.Compare(a.Channel, b.Channel), strings.Compare(a.Device, b.Device))
		})
	case len(args) == 1 && channels.Kind(args[0]) != "":
		devices := slices.Sorted(maps.Keys(channels[args[0]].Devices))
		indexes, errs := make([]*systemimage.PublishedIndex, len(devices)), make([]error, len(devices))
		for from := 0; from < len(devices); from += 8 { // so many side by side
			var reads sync.WaitGroup
			for n := from; n < min(from+8, len(devices)); n++ {
				reads.Go(func() { indexes[n], errs[n] = c.IndexOf(ctx, listing, args[0], devices[n]) })
			}
			reads.Wait()
		}
		for n, device := range devices {
			add(args[0], device, indexes[n], errs[n])
		}
	default:
		device := strings.Join(args[1:], "") // none: the channel is not there
		if _, err := channels.Lookup(args[0], device); err != nil {
			return nil, err
		}
		x, err := c.Index(ctx, args[0], device)
		add(args[0], device, x, err)
	}
	return infos, nil
}

func pick(x *systemimage.Index, all, files bool) []image {
	list := x.Images
	if !all {
		list = nil
		if m, ok := x.Latest(); ok {
			list = []systemimage.Image{m}
		}
	}
	images := make([]image, 0, len(list))
	for _, m := range list {
		im := image{Type: m.Type, Percentage: m.Percentage, Tag: m.Detail().Tag(), Detail: m.VersionDetail, Size: m.Size()}
		if !m.NullVersion {
			im.Version = &m.Version
		}
		if m.Type == systemimage.Delta {
			im.Base = m.Base
		}
		if files {
			for _, f := range m.Files {
				im.Files = append(im.Files, file{f.Path, f.Checksum, f.Size})
			}
		}
		images = append(images, im)
	}
	return images
}

func show(out io.Writer, infos []info) error {
	var b strings.Builder
	for _, in := range infos {
		fmt.Fprintf(&b, "%s %s", in.Channel, in.Device)
		if in.Target != "" {
			fmt.Fprintf(&b, " (%s of %s)", in.Kind, in.Target)
		}
		if in.Hidden {
			b.WriteString(" (hidden)")
		}
		b.WriteByte('\n')
		if in.Error != "" {
			fmt.Fprintf(&b, "  %s\n", in.Error)
		} else if len(in.Images) == 0 {
			b.WriteString("  no image\n")
		}
		for _, m := range in.Images {
			version := "null"
			if m.Version != nil {
				version = strconv.Itoa(*m.Version)
			}
			what := m.Type + " " + version
			if m.Type == systemimage.Delta {
				what = fmt.Sprintf("delta %d to %s", m.Base, version)
			}
			fmt.Fprintf(&b, "  %-14s %3d %%  %10d bytes  %s\n", what, m.Percentage, m.Size, m.Detail)
			for _, f := range m.Files {
				fmt.Fprintf(&b, "    %s  %10d  %s\n", f.Checksum, f.Size, f.Path)
			}
		}
	}
	if len(infos) == 0 {
		b.WriteString("no device is published there\n")
	} else if !infos[0].Verified {
		b.WriteString("\nNothing above was verified: the tree was read without its keyring.\n")
	}
	_, err := io.WriteString(out, cli.Printable(b.String()))
	return err
}

func failures(infos []info) error {
	n := 0
	for _, in := range infos {
		if in.Error != "" {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%d of %d indexes cannot be read", n, len(infos))
	}
	return nil
}
