package treecheck

import (
	"cmp"
	"fmt"

	"github.com/landingteam/landing/systemimage"
)

// redirectRules judge the redirects of a channel and of its devices.
var redirectRules = []rule[string]{
	{class: "redirect-nowhere", severity: systemimage.Harmful,
		remedy: "create the redirect again with si-shell",
		look: func(t *tree, name string) (list []problem) {
			c := t.list.Channels[name]
			for device, d := range c.Devices {
				to := cmp.Or(d.Redirect, c.Redirect)
				if to == "" {
					continue
				}
				target, ok := t.list.Channels[to].Devices[device]
				switch {
				case !ok:
					list = append(list, problem{channel: name, device: device, text: fmt.Sprintf("redirects to %s, which has no such device", to),
						remedy: "create the redirect again with si-shell, or remove the device"})
				case target.Index != d.Index:
					list = append(list, problem{channel: name, device: device, text: fmt.Sprintf("redirects to %s but shows the index %s instead of %s", to, d.Index, target.Index)})
				}
			}
			if _, ok := t.list.Channels[c.Redirect]; c.Redirect != "" && !ok && len(c.Devices) == 0 {
				list = append(list, problem{channel: name, text: "redirects to " + c.Redirect + ", which does not exist", remedy: "remove the channel with si-shell"})
			}
			return list
		}},
	{class: "stale-redirect", severity: systemimage.Risky,
		remedy: "run pub.sync_redirects with si-shell",
		look: func(t *tree, name string) (list []problem) {
			c := t.list.Channels[name]
			if c.Redirect == "" {
				return nil
			}
			for device, d := range t.list.Channels[c.Redirect].Devices {
				if _, ok := c.Devices[device]; !ok && d.Redirect == "" {
					list = append(list, problem{channel: name, device: device, text: "is in " + c.Redirect + " but not in its redirect, whose copy is older"})
				}
			}
			return list
		}},
}
