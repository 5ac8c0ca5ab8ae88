package systemimagetest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A World says what a new server holds. It is made in Go or read from text
// with [ParseWorld]; [World.String] is the way back.
//
// "@ROOT@" in Config and Crontab stands for the folder that the server is
// created in.
type World struct {
	Config   string    // etc/config; empty is one with every ordinary channel made by hand
	Crontab  string    // the operator's table; empty is no table at all
	Channels []Channel // in any order
	Builds   []Build   // what the importer finds at its sources
	Era2016  bool      // the command line and the verbosity scale of 2016

	// Now is the clock that the server is made by, and [Server.Now] of the new
	// server; nil is the real one. It is no part of the text.
	Now func() time.Time
}

// A Channel of the server. It is an ordinary channel, an alias or a redirect.
type Channel struct {
	Name     string
	Alias    string // the channel that it follows; its devices and images are made from that
	Redirect string // the channel whose devices it shows; such a channel is hidden
	Hidden   bool
	Devices  []Device
}

// A Device of a channel.
type Device struct {
	Name     string
	Redirect string // the channel that really holds the device
	Keyring  bool   // signed by its own key, device-signing
	Images   []Image
}

// An Image is a full image with the deltas that lead to it.
type Image struct {
	Version int

	// Details name the image's files in order, and its tag, as version_detail
	// does, without the version: "ubuntu=20150611,device=a1,keyring=archive-master,tag=OTA-4".
	// Each entry but tag is one file of the image.
	Details string

	// Bases are the versions of the same device that have a delta to this image.
	Bases []int

	// Phased is the percentage of devices that may take the image, for the
	// newest version of a device only; nil is all of them.
	Phased *int
}

// A Build is something that the importer can find: the answer of a web server,
// or a folder of a cdimage tree.
type Build struct {
	// URL of a payload with its monitor: the monitor answers Version, the URL
	// a tarball made for it. Empty for a cdimage build.
	URL, Monitor string

	// Path is the folder of builds below the server's own cdimage folder, such
	// as "full/ubuntu-touch/daily-preinstalled", and Series the first word of
	// the file names.
	Path, Series string

	Version string // the build's name
	Good    bool   // a cdimage build with the mark .marked_good

	// Fault is what the URL answers instead: an HTTP status such as
	// "404 File not found", or "refused", "dns", "timeout", "closed", "short", or
	// "html" for a page with status 200. MonitorFault is the same for the monitor;
	// there "html" has several lines and "line" is a page of one line.
	Fault, MonitorFault string
}

// String is the world as txtar text, which [ParseWorld] reads.
func (w World) String() string {
	var b strings.Builder
	if w.Era2016 {
		b.WriteString("era 2016\n")
	}
	b.WriteString("-- channels --\n")
	for _, c := range w.Channels {
		b.WriteString(c.Name + words("alias", c.Alias) + words("redirect", c.Redirect) + flag("hidden", c.Hidden) + "\n")
		for _, d := range c.Devices {
			b.WriteString("    " + d.Name + words("redirect", d.Redirect) + flag("keyring", d.Keyring) + "\n")
			for _, i := range d.Images {
				fmt.Fprintf(&b, "        %d", i.Version)
				for n, base := range i.Bases {
					b.WriteString([]string{" from ", ","}[min(n, 1)] + strconv.Itoa(base))
				}
				if i.Phased != nil {
					fmt.Fprintf(&b, " at %d%%", *i.Phased)
				}
				fmt.Fprintf(&b, ": %s\n", i.Details)
			}
		}
	}
	b.WriteString("-- builds --\n")
	for _, s := range w.Builds {
		if s.URL == "" {
			fmt.Fprintf(&b, "cdimage %s %s %s%s\n", s.Path, s.Series, s.Version, flag("good", s.Good))
			continue
		}
		fmt.Fprintf(&b, "http %s %s%s%s%s\n", s.URL, s.Version, words("monitor", s.Monitor),
			quoted("fault", s.Fault), quoted("monitor-fault", s.MonitorFault))
	}
	b.WriteString("-- config --\n" + w.Config + "-- crontab --\n" + w.Crontab)
	return b.String()
}

func words(key, value string) string {
	if value == "" {
		return ""
	}
	return " " + key + " " + value
}

func quoted(key, value string) string {
	if value == "" {
		return ""
	}
	return words(key, strconv.Quote(value))
}

func flag(name string, set bool) string {
	if !set {
		return ""
	}
	return " " + name
}

// ParseWorld reads a world from txtar text with the parts "channels",
// "builds", "config" and "crontab", each of which may be missing:
//
//	-- channels --
//	ubuntu-touch/stable/bq-aquaris.en
//	    krillin
//	        1: ubuntu=20150610,device=a1,keyring=archive-master,tag=OTA-4
//	        2 from 1 at 30%: ubuntu=20150611,device=a1,keyring=archive-master,tag=OTA-5
//	    mako redirect ubuntu-touch/stable/ubuntu
//	ubuntu-touch/ubuntu-15.04/bq-aquaris.en alias ubuntu-touch/stable/bq-aquaris.en
//	-- builds --
//	cdimage full/ubuntu-touch/daily-preinstalled vivid 20150611 good
//	http http://host/device.tar.xz 20150611-4c0ffee monitor http://host/device.build
//	-- config --
//	[global]
//	...
//
// Four blanks stand before a device, eight before an image. Channels may be
// followed by "alias CHANNEL", "redirect CHANNEL", "hidden"; devices by
// "redirect CHANNEL", "keyring"; http builds by "monitor URL", "fault TEXT",
// "monitor-fault TEXT". The line "era 2016" before the first part asks for the
// programs of that year.
func ParseWorld(text string) (World, error) {
	var w World
	part, number := "", 0
	for line := range strings.Lines(text) {
		number++
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "-- ")
		if name, ok2 := strings.CutSuffix(name, " --"); ok && ok2 && line[0] == '-' {
			if !slices.Contains([]string{"channels", "builds", "config", "crontab"}, name) {
				return w, fmt.Errorf("systemimagetest: world, line %d: unknown part %q", number, name)
			}
			part = name
			continue
		}
		if err := w.parseLine(part, line); err != nil {
			return w, fmt.Errorf("systemimagetest: world, line %d: %w", number, err)
		}
	}
	return w, nil
}

func (w *World) parseLine(part, line string) error {
	fields := strings.Fields(line)
	switch part {
	case "config":
		w.Config += line
		return nil
	case "crontab":
		w.Crontab += line
		return nil
	}
	if len(fields) == 0 || part == "" && fields[0][0] == '#' {
		return nil
	}
	switch part {
	case "builds":
		return w.parseBuild(line, fields)
	case "channels":
		return w.parseChannel(line, fields)
	}
	if strings.Join(fields, " ") == "era 2016" {
		w.Era2016 = true
		return nil
	}
	return fmt.Errorf("text before the first part: %q", strings.TrimSpace(line))
}

// options reads "key value" and "flag" words behind a name.
func options(fields []string, targets map[string]any) error {
	for len(fields) > 0 {
		switch t := targets[fields[0]].(type) {
		case *bool:
			*t = true
			fields = fields[1:]
			continue
		case *string:
			if len(fields) > 1 {
				*t = fields[1]
				fields = fields[2:]
				continue
			}
		}
		return fmt.Errorf("%q is not one of %s, or lacks its value", fields[0], strings.Join(slices.Sorted(maps.Keys(targets)), ", "))
	}
	return nil
}

func (w *World) parseChannel(line string, fields []string) error {
	indent := len(line) - len(strings.TrimLeft(line, " "))
	if indent == 0 {
		c := Channel{Name: fields[0]}
		err := options(fields[1:], map[string]any{"alias": &c.Alias, "redirect": &c.Redirect, "hidden": &c.Hidden})
		w.Channels = append(w.Channels, c)
		return err
	}
	if len(w.Channels) == 0 {
		return fmt.Errorf("a device before the first channel")
	}
	c := &w.Channels[len(w.Channels)-1]
	if indent < 8 {
		d := Device{Name: fields[0]}
		err := options(fields[1:], map[string]any{"redirect": &d.Redirect, "keyring": &d.Keyring})
		c.Devices = append(c.Devices, d)
		return err
	}
	if len(c.Devices) == 0 {
		return fmt.Errorf("an image before the first device")
	}
	head, details, ok := strings.Cut(strings.TrimSpace(line), ":")
	if !ok {
		return fmt.Errorf("an image without a colon: %q", strings.TrimSpace(line))
	}
	i := Image{Details: strings.TrimSpace(details)}
	var from, at string
	if fields = strings.Fields(head); len(fields) == 0 {
		return fmt.Errorf("an image without a version")
	}
	err := options(fields[1:], map[string]any{"from": &from, "at": &at})
	if err != nil {
		return err
	}
	if i.Version, err = strconv.Atoi(fields[0]); err != nil || i.Version < 1 {
		return fmt.Errorf("version %q is not a positive number", fields[0])
	}
	for base := range strings.SplitSeq(from, ",") {
		if base == "" {
			continue
		}
		n, err := strconv.Atoi(base)
		if err != nil {
			return fmt.Errorf("base %q is not a number", base)
		}
		i.Bases = append(i.Bases, n)
	}
	if at != "" {
		n, err := strconv.Atoi(strings.TrimSuffix(at, "%"))
		if err != nil || n < 0 || n > 100 {
			return fmt.Errorf("percentage %q is not 0%% to 100%%", at)
		}
		i.Phased = &n
	}
	d := &c.Devices[len(c.Devices)-1]
	d.Images = append(d.Images, i)
	return nil
}

func (w *World) parseBuild(line string, fields []string) error {
	var b Build
	var err error
	switch {
	case fields[0] == "cdimage" && len(fields) >= 4:
		b.Path, b.Series, b.Version = fields[1], fields[2], fields[3]
		err = options(fields[4:], map[string]any{"good": &b.Good})
	case fields[0] == "http" && len(fields) >= 3:
		b.URL, b.Version = fields[1], fields[2]
		rest := strings.TrimSpace(line)
		for _, f := range []struct {
			key string
			to  *string
		}{{" monitor-fault ", &b.MonitorFault}, {" fault ", &b.Fault}} {
			before, value, ok := strings.Cut(rest, f.key)
			if !ok {
				continue
			}
			if *f.to, err = strconv.Unquote(value); err != nil {
				return fmt.Errorf("%sneeds a quoted text: %s", strings.TrimLeft(f.key, " "), value)
			}
			rest = before
		}
		err = options(strings.Fields(rest)[3:], map[string]any{"monitor": &b.Monitor})
	default:
		return fmt.Errorf("not a build: %q", strings.TrimSpace(line))
	}
	w.Builds = append(w.Builds, b)
	return err
}
