package treecheck

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/upgrade"
)

// checkIndex judges what one index says by itself.
func (t *treeCheck) checkIndex(p *systemimage.PublishedIndex) {
	add := func(s systemimage.Severity, class, place, problem, remedy string) {
		t.add(systemimage.Finding{Severity: s, Class: class, Channel: p.Channel, Device: p.Device, Place: place, Problem: problem, Remedy: remedy})
	}
	if t.follows(p.Channel, p.Device) {
		return // the same document is judged where it belongs
	}
	if len(p.Images) == 0 {
		add(systemimage.Worth, "no-images", "", "the index holds no image", "nothing, when the device is new; else see whether an index was lost")
		return
	}
	if err := p.Check(); err != nil {
		class := "broken-index"
		if slices.ContainsFunc(p.Images, func(m systemimage.Image) bool {
			return m.NullVersion || m.Version > systemimage.MaxVersion || m.Version < 0
		}) {
			class = "version-range"
		}
		add(systemimage.Harmful, class, "", "devices drop the whole index: "+strings.ReplaceAll(err.Error(), "\n", "; "), "remove the image from the index with si-shell")
		return
	}
	seen := map[string]bool{}
	newest, _ := p.Newest()
	percentage := -1
	for _, m := range p.Images {
		if id := m.String(); seen[id] {
			add(systemimage.Risky, "duplicate-image", id, "is there twice: devices take the first", "remove one with si-shell")
		} else {
			seen[id] = true
		}
		switch {
		case m.Version < newest && m.Percentage != 100:
			add(systemimage.Risky, "old-percentage", m.String(), fmt.Sprintf("has a percentage, %d, though image %d is newer: the server drops it at its next commit", m.Percentage, newest),
				"nothing, when a commit is to come; no program sets it on older images")
		case m.Version < newest:
		case percentage < 0:
			percentage = m.Percentage
		case m.Percentage != percentage:
			add(systemimage.Harmful, "uneven-percentage", m.String(), fmt.Sprintf("is at %d %%, another way to image %d at %d %%: who gets it depends on where a device comes from", m.Percentage, newest, percentage),
				fmt.Sprintf("run set-phased-percentage -v %s %s %d P", p.Channel, p.Device, newest))
		}
	}
	t.checkPaths(p, newest, add)
}

// checkPaths looks where devices come from and whether they get on.
func (t *treeCheck) checkPaths(p *systemimage.PublishedIndex, newest int, add func(s systemimage.Severity, class, place, problem, remedy string)) {
	builds := []int{0}
	for _, m := range p.Fulls() {
		builds = append(builds, m.Version)
	}
	var stuck []string
	var most uint64
	for _, b := range builds {
		if ring := upgrade.Loop(p.Index, b); ring != nil {
			add(systemimage.Harmful, "delta-ring", fmt.Sprint(ring), fmt.Sprintf("deltas lead in a circle: a device at build %d searches without end", b), "remove one of the deltas with si-shell")
			return
		}
		if b >= newest {
			continue
		}
		o, err := upgrade.Choose(p.Index, upgrade.Request{Build: b})
		if err != nil {
			add(systemimage.Harmful, "broken-index", "", err.Error(), "remove the image with si-shell")
			return
		}
		if o.Paths == 0 {
			stuck = append(stuck, fmt.Sprint(b))
		}
		most = max(most, o.Paths)
	}
	if len(stuck) > 0 {
		add(systemimage.Harmful, "unreachable", "image "+fmt.Sprint(newest), "devices at build "+strings.Join(stuck, ", ")+" have no way to it", "publish a full image without minversion")
	}
	switch {
	case most > upgrade.TooManyPaths:
		add(systemimage.Harmful, "exploding-candidates", "", fmt.Sprintf("a device has %d ways to the newest image, and lists them all: it runs out of memory", most), "remove old deltas or old full images: lower fullcount")
	case most > upgrade.ManyPaths:
		add(systemimage.Risky, "exploding-candidates", "", fmt.Sprintf("a device has %d ways to the newest image, and lists them all before it chooses", most), "remove old deltas or old full images: lower fullcount")
	}
}

// follows tells whether an index belongs to another channel, by a redirect.
func (t *treeCheck) follows(channel, device string) bool {
	c := t.l.Channels[channel]
	return c.Redirect != "" || c.Devices[device].Redirect != ""
}

// checkChannel judges what channels.json says of a channel: aliases and redirects.
func (t *treeCheck) checkChannel(name string) {
	c := t.l.Channels[name]
	add := func(s systemimage.Severity, class, device, problem, remedy string) {
		t.add(systemimage.Finding{Severity: s, Class: class, Channel: name, Device: device, Problem: problem, Remedy: remedy})
	}
	for device, d := range c.Devices {
		to := d.Redirect
		if to == "" && c.Redirect != "" {
			to = c.Redirect
		}
		if to == "" {
			continue
		}
		target, ok := t.l.Channels[to].Devices[device]
		switch {
		case !ok:
			add(systemimage.Harmful, "redirect-nowhere", device, fmt.Sprintf("redirects to %s, which has no such device", to), "create the redirect again with si-shell, or remove the device")
		case target.Index != d.Index:
			add(systemimage.Harmful, "redirect-nowhere", device, fmt.Sprintf("redirects to %s but shows the index %s instead of %s", to, d.Index, target.Index), "create the redirect again with si-shell")
		}
	}
	if c.Redirect != "" {
		if _, ok := t.l.Channels[c.Redirect]; !ok && len(c.Devices) == 0 {
			add(systemimage.Harmful, "redirect-nowhere", "", "redirects to "+c.Redirect+", which does not exist", "remove the channel with si-shell")
		}
		for device, d := range t.l.Channels[c.Redirect].Devices {
			if _, ok := c.Devices[device]; !ok && d.Redirect == "" {
				add(systemimage.Risky, "stale-redirect", device, "is in "+c.Redirect+" but not in its redirect, whose copy is older", "run pub.sync_redirects with si-shell")
			}
		}
	}
	if t.l.Kind(name) == systemimage.KindAlias {
		t.checkAlias(name, c.Alias, add)
	}
}

// checkAlias compares an alias channel with its target by content; the server
// compares numbers only.
func (t *treeCheck) checkAlias(name, target string, add func(s systemimage.Severity, class, device, problem, remedy string)) {
	const sync = "run pub.sync_alias with si-shell; images that differ in content must be removed from the alias first"
	to, ok := t.l.Channels[target]
	if !ok {
		add(systemimage.Harmful, "alias-drift", "", "is an alias of "+target+", which does not exist", "change the alias with si-shell")
		return
	}
	for device := range to.Devices {
		theirs, mine := t.indexes[[2]string{target, device}], t.indexes[[2]string{name, device}]
		switch {
		case theirs == nil:
		case mine == nil:
			if _, listed := t.l.Channels[name].Devices[device]; !listed {
				add(systemimage.Harmful, "alias-drift", device, "is in "+target+" but not in its alias", sync)
			}
		default:
			if why := drift(mine.Index, theirs.Index); why != "" {
				add(systemimage.Harmful, "alias-drift", device, "is not what "+target+" is: "+why, sync)
			}
		}
	}
	for device := range t.l.Channels[name].Devices {
		if _, ok := to.Devices[device]; !ok {
			add(systemimage.Harmful, "alias-drift", device, "is in the alias but not in "+target, sync)
		}
	}
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
