// Channelconfig shows, checks and edits the channel configuration of an image
// server: what each channel's images are made from, as the server reads it.
//
//	go run ./examples/channelconfig                          # the lab's channels
//	go run ./examples/channelconfig lint                     # mistakes, and how to mend them
//	go run ./examples/channelconfig -yes set ubuntu-touch/rc-proposed/meizu.en fullcount 5
//	go run ./examples/channelconfig -site site.conf -urls lint
//	go run ./examples/channelconfig -site site.conf -journal F set CHANNEL KEY VALUE
//
// An edit shows the difference, asks, writes the file if it still is what was
// shown, with the old text beside it, and reads it back.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/channelconfig"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var urls bool
	var not cli.List
	return cli.Program{
		Name:  "channelconfig",
		About: "Shows, checks and edits the channel configuration of the image server",
		Args:  "[show [CHANNEL] | lint | set CHANNEL KEY VALUE | remove CHANNEL KEY | add-channel CHANNEL | remove-channel CHANNEL | add-file CHANNEL ENTRY VALUE [BEFORE] | remove-file CHANNEL ENTRY]",
		Keys:  []string{"not"},
		Flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&urls, "urls", false, "lint: ask every URL whether it answers")
			fs.Var(&not, "not", "`PERSON` who may not answer the question; may be repeated")
		},
		Looks: func(args []string) bool { return len(args) == 0 || args[0] == "show" || args[0] == "lint" },
		Look: func(ctx context.Context, w *cli.World, args []string, asJSON bool, out io.Writer) error {
			switch {
			case len(args) == 1 && args[0] == "lint":
				return lint(ctx, w, urls, asJSON, out)
			case len(args) > 2 || len(args) > 0 && args[0] == "lint":
				return cli.Usage(errors.New("show takes a channel at most, lint nothing"))
			}
			channel := ""
			if len(args) == 2 {
				channel = args[1]
			}
			return show(ctx, w, channel, asJSON, out)
		},
		Procedure: func(w *cli.World, args []string) (any, runbook.Procedure, error) {
			e, err := edit(args)
			if err != nil {
				return nil, nil, err
			}
			if len(not) == 0 {
				not = strings.Fields(w.Option("not", ""))
			}
			c := &procedure.EditConfig{File: file(w), Linter: linter(w), Input: procedure.EditConfigInput{Edits: []channelconfig.Edit{e}, Not: not}}
			return c.Input, c.Run, nil
		},
	}
}

// edit is the edit that the words after the flags ask for.
func edit(args []string) (channelconfig.Edit, error) {
	words := map[string][2]int{"set": {3, 3}, "remove": {2, 2}, "add-channel": {1, 1}, "remove-channel": {1, 1}, "add-file": {3, 4}, "remove-file": {2, 2}}
	n, ok := words[args[0]]
	switch {
	case !ok:
		return channelconfig.Edit{}, fmt.Errorf("%q is nothing that can be done", args[0])
	case len(args)-1 < n[0] || len(args)-1 > n[1]:
		return channelconfig.Edit{}, fmt.Errorf("%s takes %d words, not %d", args[0], n[0], len(args)-1)
	}
	args = append(args, "", "")
	section := channelconfig.Section(args[1])
	if args[1] == "global" {
		section = "global"
	}
	switch args[0] {
	case "set":
		return channelconfig.Set(section, args[2], args[3]), nil
	case "remove":
		return channelconfig.Remove(section, args[2]), nil
	case "add-channel":
		return channelconfig.AddChannel(args[1], ""), nil
	case "remove-channel":
		return channelconfig.RemoveChannel(args[1]), nil
	case "add-file":
		return channelconfig.AddFile(section, args[2], args[3], args[4]), nil
	}
	return channelconfig.RemoveFile(section, args[2]), nil
}

func file(w *cli.World) *channelconfig.HostFile {
	return &channelconfig.HostFile{Runner: w.Server.Runner, Path: strings.TrimRight(w.Root, "/") + "/etc/config",
		ReadOnly: w.Server.ReadOnly, Logger: w.Server.Logger}
}

// linter looks at the text and at what it names on the host.
func linter(w *cli.World) *channelconfig.Linter {
	return &channelconfig.Linter{Runner: w.Server.Runner, Root: w.Root}
}

func lint(ctx context.Context, w *cli.World, urls, asJSON bool, out io.Writer) error {
	c, err := file(w).Read(ctx)
	if c == nil {
		return err
	}
	l := linter(w)
	channels, err := w.Images.Channels(ctx)
	if err != nil {
		return err
	}
	l.Channels = channels.Channels
	if urls {
		l.Probe = channelconfig.ProbeURL(http.DefaultClient)
	}
	findings, err := l.Lint(ctx, c)
	if err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(out, findings)
	} else {
		for _, f := range findings {
			fmt.Fprintln(out, f)
		}
		if len(findings) == 0 {
			_, err = fmt.Fprintln(out, "nothing to find fault with")
		}
	}
	n := 0
	for _, f := range findings {
		if f.Severity == systemimage.Harmful {
			n++
		}
	}
	if n > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d findings are errors", n, len(findings)))
	}
	return err
}

// channel is what -json prints for one channel.
type channel struct {
	Name        string   `json:"name"`
	Auto        bool     `json:"auto"`
	VersionBase int      `json:"versionbase"`
	FullCount   int      `json:"fullcount"`
	DeltaBase   []string `json:"deltabase"`
	Files       []entry  `json:"files"`
	Line        int      `json:"line"`
}

type entry struct {
	Name      string   `json:"name"`
	Device    string   `json:"device,omitempty"`
	Generator string   `json:"generator"`
	Arguments []string `json:"arguments,omitempty"`
}

func show(ctx context.Context, w *cli.World, only string, asJSON bool, out io.Writer) error {
	c, err := file(w).Read(ctx)
	if err != nil {
		return err
	}
	s, err := c.Settings(w.Root)
	if err != nil {
		return err
	}
	if _, ok := s.Channel(only); !ok && only != "" {
		return fmt.Errorf("channel %s is not configured", only)
	}
	var list []channel
	for _, ch := range s.Channels {
		if only != "" && ch.Name != only {
			continue
		}
		in := channel{Name: ch.Name, Auto: ch.Auto(), VersionBase: ch.VersionBase, FullCount: ch.FullCount, DeltaBase: ch.DeltaBase,
			Line: c.Line(channelconfig.Section(ch.Name), "")}
		for _, f := range ch.Files {
			in.Files = append(in.Files, entry{Name: f.Name, Device: f.Device, Generator: f.Generator, Arguments: f.Arguments})
		}
		list = append(list, in)
	}
	if asJSON {
		return writeJSON(out, list)
	}
	var b strings.Builder
	for _, ch := range list {
		kind, count := "by hand", "every full image is kept"
		if ch.Auto {
			kind = "automatic"
		}
		if ch.FullCount > 0 {
			count = fmt.Sprintf("%d full images are kept", ch.FullCount)
		}
		fmt.Fprintf(&b, "%s: %s, first image %d, %s\n", ch.Name, kind, ch.VersionBase, count)
		if !slices.Equal(ch.DeltaBase, []string{ch.Name}) {
			fmt.Fprintf(&b, "  deltas from    %s\n", strings.Join(ch.DeltaBase, ", "))
		}
		for _, f := range ch.Files {
			name := f.Name
			if f.Device != "" {
				name += " of " + f.Device
			}
			fmt.Fprintf(&b, "  %-18s %s\n", name, strings.Join(append([]string{f.Generator}, f.Arguments...), " "))
		}
	}
	_, err = io.WriteString(out, b.String())
	return err
}

func writeJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
