package treecheck

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// aliasRules judge a channel that is an alias. It is compared with its target by
// content; the server compares numbers only.
var aliasRules = []rule[string]{
	{class: "alias-drift", severity: systemimage.Harmful,
		remedy: "run pub.sync_alias with si-shell; images that differ in content must be removed from the alias first",
		look: func(t *tree, name string) (list []problem) {
			if t.list.Kind(name) != systemimage.KindAlias {
				return nil
			}
			target := t.list.Channels[name].Alias
			to, ok := t.list.Channels[target]
			if !ok {
				return []problem{{channel: name, text: "is an alias of " + target + ", which does not exist", remedy: "change the alias with si-shell"}}
			}
			for device := range to.Devices {
				if why := t.differs(name, target, device); why != "" {
					list = append(list, problem{channel: name, device: device, text: why})
				}
			}
			for device := range t.list.Channels[name].Devices {
				if _, ok := to.Devices[device]; !ok {
					list = append(list, problem{channel: name, device: device, text: "is in the alias but not in " + target})
				}
			}
			return list
		}},
}

// differs says how a device of an alias differs from that of its target.
func (t *tree) differs(alias, target, device string) string {
	mine, theirs := t.indexes[pair{alias, device}], t.indexes[pair{target, device}]
	_, listed := t.list.Channels[alias].Devices[device]
	switch {
	case theirs == nil || mine == nil && listed: // its index is a finding of its own
		return ""
	case mine == nil:
		return "is in " + target + " but not in its alias"
	}
	if why := drift(mine.Index, theirs.Index); why != "" {
		return "is not what " + target + " is: " + why
	}
	return ""
}

// drift says in what an alias's index differs from its target's.
func drift(mine, theirs *systemimage.Index) string {
	key := func(x *systemimage.Index) map[string]systemimage.Image {
		list := map[string]systemimage.Image{}
		for _, m := range x.Images {
			if _, twice := list[m.String()]; !twice {
				list[m.String()] = m
			}
		}
		return list
	}
	a, b := key(mine), key(theirs)
	for id, m := range b {
		own, ok := a[id]
		switch {
		case !ok:
			return id + " is missing"
		case !slices.Equal(payloads(own), payloads(m)):
			return id + " has other files"
		case own.Percentage != m.Percentage:
			return fmt.Sprintf("%s is at %d %%, not %d %%", id, own.Percentage, m.Percentage)
		}
	}
	for id := range a {
		if _, ok := b[id]; !ok {
			return id + " is too much"
		}
	}
	return ""
}

// payloads are the files of an image that do not name its channel and number.
func payloads(m systemimage.Image) []string {
	var list []string
	for _, f := range m.Files {
		if !strings.HasPrefix(path.Base(f.Path), "version-") {
			list = append(list, f.Checksum)
		}
	}
	slices.Sort(list)
	return list
}
