package channelconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// order looks for entries that are never used, and for version and keyring in
// front of others.
func (n *lint) order(section string, entries []FileEntry, names []string) {
	if len(entries) != len(names) {
		return // what is missing comes first
	}
	const (
		first = iota
		files
		keyrings
		versions
	)
	place := func(f FileEntry) int {
		switch f.Generator {
		case "version":
			return versions
		case "keyring":
			return keyrings
		}
		return files
	}
	better := slices.Clone(entries)
	slices.SortStableFunc(better, func(a, b FileEntry) int {
		if p := place(a) - place(b); p != first {
			return p
		}
		return 0
	})
	// Device entries stand in front of the one for any device.
	for i := 0; i < len(better); i++ {
		generic := slices.IndexFunc(better[:i], func(o FileEntry) bool { return o.Name == better[i].Name && !o.ForDevice })
		if f := better[i]; f.ForDevice && generic >= 0 {
			better = slices.Insert(slices.Delete(better, i, i+1), generic, f)
		}
	}
	var list []string
	for _, f := range better {
		list = append(list, f.Entry)
	}
	fix := set(section, "files", strings.Join(list, ", "))
	for i, f := range entries {
		if f.ForDevice && slices.ContainsFunc(entries[:i], func(o FileEntry) bool { return o.Name == f.Name && !o.ForDevice }) {
			n.add(systemimage.Harmful, "order", section, "files", fmt.Sprintf("%q stands behind %q", f.Entry, f.Name),
				"the first entry that fits a device is used: the one for the device never is", fix)
			continue
		}
		if place(f) == files || i == len(entries)-1 {
			continue
		}
		next := slices.IndexFunc(entries[i+1:], func(o FileEntry) bool { return place(o) < place(f) })
		if next < 0 {
			continue
		}
		behind := entries[i+1+next]
		if i == 0 || !slices.ContainsFunc(entries[:i], func(o FileEntry) bool { return place(o) == files }) {
			n.add(systemimage.Harmful, "order", section, "files", fmt.Sprintf("%q stands in front of all files", f.Entry),
				f.Generator+" returns nothing as long as no file before it is new: the channel can never publish", fix)
			continue
		}
		n.add(systemimage.Risky, "order", section, "files", fmt.Sprintf("%q stands in front of %q", f.Entry, behind.Entry),
			f.Generator+" returns nothing as long as no file before it is new: what is new behind it is not published", fix)
	}
}

// needed looks for what an automatic channel should have.
func (n *lint) needed(section string, entries []FileEntry) {
	if len(entries) == 0 {
		return
	}
	for _, generator := range []string{"version", "keyring"} {
		if slices.ContainsFunc(entries, func(f FileEntry) bool { return f.Generator == generator }) {
			continue
		}
		what := map[string]string{
			"version": "the image does not tell devices which version it is: they are offered it again and again",
			"keyring": "the image brings no archive-master keyring to the devices",
		}[generator]
		n.add(systemimage.Risky, "missing-entry", section, "files", "no entry of the generator "+generator, what)
	}
}

// tree compares the channels with those of the published tree.
func (n *lint) tree() {
	published := n.linter.Channels
	if len(published) == 0 {
		return
	}
	names := n.channelNames()
	for _, name := range names {
		section := Section(name)
		kind, _ := n.Get(section, "type")
		auto := kind.List == nil && kind.Text == "auto"
		ch, ok := published[name]
		if !ok {
			severity, why := systemimage.Risky, "nothing can be copied to it"
			if auto {
				severity, why = systemimage.Harmful, "import-images logs \"Invalid channel name\", passes over it, and exits with 0"
			}
			n.add(severity, "not-in-tree", section, "", fmt.Sprintf("channel %s is not in the published tree", name), why+"; make it with create_channel in si-shell, and its devices with create_device")
			continue
		}
		if k := published.Kind(name); auto && k != systemimage.KindChannel {
			n.add(systemimage.Harmful, "alias", section, "type", fmt.Sprintf("channel %s is %s and automatic", name, map[string]string{systemimage.KindAlias: "an alias", systemimage.KindRedirect: "a redirect"}[k]),
				"import-images publishes images of its own into it, which the target does not have, and which stay different", set(section, "type", "manual"))
		}
		n.devices(section, ch)
	}
	for name := range published {
		if published.Kind(name) != systemimage.KindChannel || slices.Contains(names, name) {
			continue
		}
		n.add(systemimage.Worth, "not-configured", "global", "channels", fmt.Sprintf("channel %s of the tree is not configured", name),
			"images in it never expire, and get deltas from the channel itself only")
	}
}

// devices looks for entries of devices that the channel does not have.
func (n *lint) devices(section string, ch systemimage.Channel) {
	v, ok := n.Get(section, "files")
	if !ok {
		return
	}
	var all []string
	for d := range ch.Devices {
		all = append(all, d)
	}
	slices.Sort(all)
	for _, entry := range v.Names() {
		name, device, ok := strings.Cut(entry, ",")
		if _, has := ch.Devices[device]; !ok || has || n.key(section, "file_"+entry) == nil {
			continue
		}
		guess := closest(device, all)
		problem := fmt.Sprintf("%q is for a device that the channel does not have%s", entry, meant(guess))
		n.add(systemimage.Risky, "unknown-device", section, "file_"+entry, problem, fmt.Sprintf("the entry is never used; a device of another name gets the entry %q, or none", name))
	}
}
