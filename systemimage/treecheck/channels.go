package treecheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// listingRules judge channels.json as a whole.
var listingRules = []rule[*systemimage.Listing]{
	{class: "no-channels", severity: systemimage.Harmful,
		remedy: "restore channels.json from a mirror or a backup before anything else runs on the server",
		look: func(_ *tree, l *systemimage.Listing) []problem {
			if len(l.Channels) > 0 {
				return nil
			}
			return []problem{{place: "/channels.json", text: "lists no channel: every device is told that it is up to date"}}
		}},
}

// channelRules judge what channels.json says of a channel.
var channelRules = []rule[string]{
	{class: "no-devices", severity: systemimage.Risky,
		remedy: "nothing, when the channel is new; else restore channels.json, or remove the channel with si-shell",
		look: func(t *tree, name string) []problem {
			if c := t.list.Channels[name]; len(c.Devices) > 0 || c.Redirect != "" {
				return nil
			}
			return []problem{{channel: name, text: "has no device: every device of it is told that it is up to date"}}
		}},
	{class: "reserved-name", severity: systemimage.Harmful,
		remedy: "rename the channel with pub.rename_channel, or create the device anew under another name, with si-shell",
		look: func(t *tree, name string) (list []problem) {
			if why := reserved(name); why != "" {
				list = append(list, problem{channel: name, text: "has a name that " + why})
			}
			for _, device := range slices.Sorted(maps.Keys(t.list.Channels[name].Devices)) {
				if why := reserved(device); why != "" {
					list = append(list, problem{channel: name, device: device, text: "has a name that " + why})
				}
			}
			return list
		}},
	{class: "odd-index-path", severity: systemimage.Risky,
		remedy: "create the redirect again with si-shell when one is meant; else find out who edited channels.json",
		look: func(t *tree, name string) (list []problem) {
			for device, d := range t.list.Channels[name].Devices {
				if own := "/" + name + "/" + device; d.Index != "" && !t.follows(pair{name, device}) && d.Folder() != strings.TrimPrefix(own, "/") {
					list = append(list, problem{channel: name, device: device, place: d.Index,
						text: fmt.Sprintf("is not the index of this channel, which would be %s/index.json: programs of the server and devices look at two different ones", own)})
				}
			}
			return list
		}},
}

// reserved says what a name does that devices use themselves; "" for any other.
func reserved(name string) string {
	switch {
	case name == "self":
		return "makes devices drop the whole of channels.json"
	case name == "converters":
		return "devices do not see"
	case name == "keys":
		return "keeps devices from listing the channels"
	case strings.HasPrefix(name, "_"):
		return "devices do not list, because it begins with an underscore"
	}
	return ""
}
