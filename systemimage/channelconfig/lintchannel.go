package channelconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// A channelAt is a listed channel.
type channelAt struct {
	name, section string
	auto          bool
	names         []string    // of files
	entries       []FileEntry // those of names that can be read
}

// channelRules look at a channel but for the entries of its files.
var channelRules = []rule[channelAt]{
	{class: "unknown-type", severity: systemimage.Harmful, look: unknownType,
		why: "only the exact word auto makes import-images process the channel; anything else is manual, without a word"},
	numberRule(func(n *lint, c channelAt) [][2]string {
		return [][2]string{{c.section, "versionbase"}, {c.section, "fullcount"}}
	}),
	{class: "versionbase", severity: systemimage.Risky, why: fmt.Sprintf("devices take versions from 1 to %d", systemimage.MaxVersion),
		look: func(n *lint, c channelAt) []mistake {
			base, ok := n.number(c.section, "versionbase")
			return only(ok && (base < 1 || base > systemimage.MaxVersion), mistake{section: c.section, key: "versionbase", problem: fmt.Sprintf("versionbase is %d", base)})
		}},
	{class: "fullcount", severity: systemimage.Worth, why: "fullcount is not given, or 0: the pool grows with every import",
		look: func(n *lint, c channelAt) []mistake {
			count, ok := n.number(c.section, "fullcount")
			return only(c.auto && (ok && count <= 0 || n.key(c.section, "fullcount") == nil), mistake{section: c.section, key: "fullcount", problem: "no image ever expires"})
		}},
	listRule(func(n *lint, c channelAt) (string, string, func(string) bool) {
		if n.noDeltas(c) {
			return c.section, "", nil // the server passes over the one empty name
		}
		return c.section, "deltabase", func(base string) bool { return n.knownChannel(c.name, base) }
	}),
	{class: "no-deltas", severity: systemimage.Worth, why: "no delta is made: devices download the full image with every update",
		look: func(n *lint, c channelAt) []mistake {
			return only(n.noDeltas(c), mistake{section: c.section, key: "deltabase", problem: "deltabase is given and names no channel"})
		}},
	{class: "deltabase", severity: systemimage.Risky, look: unknownDeltabase,
		why: "import-images warns, and publishes without that delta: devices download the full image"},
	{class: "deltabase-device", severity: systemimage.Worth, look: deltabaseDevices,
		why: "no delta is made for them from there; import-images warns, copy-image and tag-image do not say so"},
	{class: "deltabase-self", severity: systemimage.Worth, look: deltabaseWithoutSelf,
		why: "a delta leads only from the newest number of the channels that are named: who updates from one image of this channel to the next downloads the full image"},
	listRule(func(n *lint, c channelAt) (string, string, func(string) bool) {
		return c.section, "files", func(name string) bool { return n.key(c.section, "file_"+name) != nil }
	}),
	{class: "missing-file", severity: systemimage.Harmful, why: programsDie, look: missingFileKeys},
	{class: "list-value", severity: systemimage.Harmful, look: listedFileKeys,
		why: "every program of the server dies when it loads the configuration: 'list' object has no attribute 'split'"},
	{class: "missing-key", severity: systemimage.Risky, why: "import-images never makes an image for it",
		look: func(n *lint, c channelAt) []mistake {
			_, ok := n.Get(c.section, "files")
			return only(c.auto && !ok, mistake{section: c.section, key: "files", problem: "an automatic channel without files"})
		}},
	{class: "unused-file", severity: systemimage.Risky, why: "the server ignores the key without a word", look: unusedFileKeys},
}

func (n *lint) channel(name string) {
	c := channelAt{name: name, section: Section(name)}
	kind, ok := n.Get(c.section, "type")
	c.auto = ok && kind.List == nil && kind.Text == "auto"
	if v, ok := n.Get(c.section, "files"); ok {
		c.names = v.Names()
		c.entries = n.entries(c.section, c.names)
	}
	check(n, channelRules, c)
	for _, f := range c.entries {
		n.entry(c, f)
	}
	check(n, filesRules, c)
}

func unknownType(n *lint, c channelAt) []mistake {
	kind, ok := n.Get(c.section, "type")
	if !ok || c.auto || kind.List == nil && kind.Text == "manual" {
		return nil
	}
	word, _, _ := strings.Cut(kind.String(), " ")
	guess := closest(word, []string{"auto", "manual"})
	if guess == "" && (word == "auto" || word == "manual") {
		guess = word
	}
	if guess == "" && strings.HasPrefix(strings.ToLower(word), "auto") {
		guess = "auto" // automatic
	}
	m := mistake{section: c.section, key: "type", problem: fmt.Sprintf("type is %q%s", kind, meant(guess))}
	if guess != "" && kind.List == nil {
		m.fix = []Edit{Set(c.section, "type", guess)}
	}
	return []mistake{m}
}

// knownChannel tells whether a channel is known to the tree or the configuration.
func (n *lint) knownChannel(own, name string) bool {
	_, published := n.linter.Channels[name]
	return published || name == own || n.byName[Section(name)] != nil
}

// noDeltas tells whether deltabase is given and blank.
func (n *lint) noDeltas(c channelAt) bool {
	v, ok := n.Get(c.section, "deltabase")
	return ok && v.List == nil && v.Text == ""
}

// deltabaseDevices looks for published channels in deltabase that lack devices of
// this one.
func deltabaseDevices(n *lint, c channelAt) (list []mistake) {
	v, ok := n.Get(c.section, "deltabase")
	if !ok {
		return nil
	}
	for _, base := range v.Names() {
		from, published := n.linter.Channels[base]
		var missing []string
		for device, d := range n.linter.Channels[c.name].Devices {
			if _, has := from.Devices[device]; !has && d.Redirect == "" {
				missing = append(missing, device)
			}
		}
		if published && len(missing) > 0 {
			slices.Sort(missing)
			list = append(list, mistake{section: c.section, key: "deltabase",
				problem: fmt.Sprintf("channel %s of deltabase has no device %s", base, strings.Join(missing, ", "))})
		}
	}
	return list
}

func deltabaseWithoutSelf(n *lint, c channelAt) []mistake {
	v, ok := n.Get(c.section, "deltabase")
	if odd, _ := oddNames(v.Names(), func(base string) bool { return n.knownChannel(c.name, base) }); odd != "" {
		return nil // a mistake in the list, which is told as such
	}
	return only(ok && !n.noDeltas(c) && !slices.Contains(v.Names(), c.name), mistake{section: c.section, key: "deltabase",
		problem: "deltabase does not name the channel itself"})
}

func unknownDeltabase(n *lint, c channelAt) (list []mistake) {
	v, ok := n.Get(c.section, "deltabase")
	if !ok {
		return nil
	}
	for _, base := range v.Names() {
		if n.knownChannel(c.name, base) || strings.ContainsAny(base, ",\n\t") || base == "" {
			continue
		}
		guess := closest(base, n.allChannels())
		m := mistake{section: c.section, key: "deltabase", problem: fmt.Sprintf("there is no channel %q for deltas%s", base, meant(guess))}
		if guess != "" {
			names := slices.Clone(v.Names())
			names[slices.Index(names, base)] = guess
			m.fix = []Edit{Set(c.section, "deltabase", strings.Join(names, ", "))}
		}
		list = append(list, m)
	}
	return list
}

// channelNames are the listed channels that have a section.
func (n *lint) channelNames() []string {
	v, ok := n.Get("global", "channels")
	if !ok {
		return nil
	}
	var names []string
	for _, name := range v.Names() {
		if n.byName[Section(name)] != nil && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// allChannels are the names of the channels that are known from anywhere.
func (n *lint) allChannels() []string {
	names := n.channelNames()
	for name := range n.linter.Channels {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
