package channelconfig

import (
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// sourceRules look at what the source of an entry asks for.
var sourceRules = []rule[entryAt]{
	{class: "extra-argument", severity: systemimage.Risky, why: "the server ignores it without a word",
		look: func(n *lint, e entryAt) []mistake {
			return only(len(e.source.Extra) > 0, e.mistake("%s does not look at %q", e.Generator, host.HideSecrets(strings.Join(e.source.Extra, ";"))))
		}},
	{class: "url", severity: systemimage.Harmful, why: abortsAtURL, look: func(n *lint, e entryAt) (list []mistake) {
		for _, address := range e.source.urls() {
			list = append(list, oddAddress(n, e, address)...)
		}
		return list
	}},
	{class: "no-monitor", severity: systemimage.Worth, why: "the tarball is downloaded on every import to see whether it is new",
		look: func(n *lint, e entryAt) []mistake {
			return only(e.source.URL != "" && e.source.Monitor == "", e.mistake("there is no monitor"))
		}},
	{class: "relative-path", severity: systemimage.Risky, why: "to the folder that import-images is started in, not to base_path",
		look: func(n *lint, e entryAt) []mistake {
			return only(e.source.Path != "" && !strings.HasPrefix(e.source.Path, "/"), e.mistake("the path %q is relative", e.source.Path))
		}},
	{class: "source-channel", severity: systemimage.Harmful, why: "the generator returns nothing, and no image is made", look: unknownSourceChannel},
	{class: "source-device", severity: systemimage.Harmful, why: "no image is made for the device; the option device= takes the file of another one", look: missingSourceDevices},
}

// unknownSourceChannel looks at the channel that a system-image entry copies from.
func unknownSourceChannel(n *lint, e entryAt) []mistake {
	from, tree := e.source.Channel, n.linter.Channels
	if e.Generator != "system-image" || from == e.name {
		return nil
	}
	if _, published := tree[from]; published || len(tree) == 0 && slices.Contains(n.allChannels(), from) {
		return nil
	}
	guess := closest(from, n.allChannels())
	m := e.mistake("there is no channel %q to take a file from%s", from, meant(guess))
	if len(tree) == 0 {
		m.severity = systemimage.Risky // it may well be published all the same
	}
	if v, ok := n.Get(e.section, e.key); ok && guess != "" {
		m.fix = []Edit{Set(e.section, e.key, strings.Replace(v.Text, ";"+from+";", ";"+guess+";", 1))}
	}
	return []mistake{m}
}

// missingSourceDevices looks whether the other channel has the devices: the one
// that is named, or each that the entry is for.
func missingSourceDevices(n *lint, e entryAt) []mistake {
	source, ok := n.linter.Channels[e.source.Channel]
	if e.Generator != "system-image" || !ok {
		return nil
	}
	var missing []string
	if _, has := source.Devices[e.source.Device]; e.source.Device != "" && !has {
		missing = []string{e.source.Device}
	}
	for device, d := range n.linter.Channels[e.name].Devices {
		_, has := source.Devices[device]
		if e.source.Device == "" && !has && d.Redirect == "" && (!e.ForDevice || e.Device == device) {
			missing = append(missing, device)
		}
	}
	slices.Sort(missing)
	return only(len(missing) > 0, e.mistake("channel %s has no device %s", e.source.Channel, strings.Join(missing, ", ")))
}
