package channelconfig

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// treeRules compare a listed channel with the published tree.
var treeRules = []rule[channelAt]{
	{class: "not-in-tree", severity: systemimage.Risky, last: true, look: notInTree,
		why: "nothing can be copied to it" + makeItWith},
	{class: "alias", severity: systemimage.Harmful, look: automaticAlias,
		why: "import-images publishes images of its own into it, which the target does not have, and which stay different"},
	{class: "unknown-device", severity: systemimage.Risky, look: unknownDevices},
}

// publishedRules look at the published channels.
var publishedRules = []rule[string]{
	{class: "not-configured", severity: systemimage.Worth, why: "images in it never expire, and get deltas from the channel itself only",
		look: func(n *lint, name string) []mistake {
			return only(n.linter.Channels.Kind(name) == systemimage.KindChannel && !slices.Contains(n.channelNames(), name),
				mistake{section: "global", key: "channels", problem: fmt.Sprintf("channel %s of the tree is not configured", name)})
		}},
}

const makeItWith = "; make it with create_channel in si-shell, and its devices with create_device"

// tree compares the channels with those of the published tree.
func (n *lint) tree() {
	if len(n.linter.Channels) == 0 {
		return
	}
	for _, name := range n.channelNames() {
		c := channelAt{name: name, section: Section(name)}
		kind, _ := n.Get(c.section, "type")
		c.auto = kind.List == nil && kind.Text == "auto"
		check(n, treeRules, c)
	}
	for _, name := range slices.Sorted(maps.Keys(n.linter.Channels)) {
		check(n, publishedRules, name)
	}
}

func notInTree(n *lint, c channelAt) []mistake {
	_, published := n.linter.Channels[c.name]
	m := mistake{section: c.section, problem: fmt.Sprintf("channel %s is not in the published tree", c.name)}
	if c.auto {
		m.severity, m.why = systemimage.Harmful, "import-images logs \"Invalid channel name\", passes over it, and exits with 0"+makeItWith
	}
	return only(!published, m)
}

func automaticAlias(n *lint, c channelAt) []mistake {
	kind := n.linter.Channels.Kind(c.name)
	words := map[string]string{systemimage.KindAlias: "an alias", systemimage.KindRedirect: "a redirect"}
	return only(c.auto && kind != systemimage.KindChannel, mistake{section: c.section, key: "type",
		problem: fmt.Sprintf("channel %s is %s and automatic", c.name, words[kind]), fix: []Edit{Set(c.section, "type", "manual")}})
}

// unknownDevices looks for entries of devices that the channel does not have.
func unknownDevices(n *lint, c channelAt) (list []mistake) {
	v, ok := n.Get(c.section, "files")
	if !ok {
		return nil
	}
	devices := n.linter.Channels[c.name].Devices
	for _, entry := range v.Names() {
		name, device, ok := strings.Cut(entry, ",")
		if _, has := devices[device]; !ok || has || n.key(c.section, "file_"+entry) == nil {
			continue
		}
		guess := closest(device, slices.Sorted(maps.Keys(devices)))
		list = append(list, mistake{section: c.section, key: "file_" + entry,
			problem: fmt.Sprintf("%q is for a device that the channel does not have%s", entry, meant(guess)),
			why:     fmt.Sprintf("the entry is never used; a device of another name gets the entry %q, or none", name)})
	}
	return list
}
