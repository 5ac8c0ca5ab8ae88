package systemimagetest

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// syncAliases brings the aliases of a channel up to date.
func (p *process) syncAliases(channel string) error {
	channels, err := p.channels()
	if err != nil {
		return err
	}
	if _, ok := channels[channel]; !ok {
		return keyError("Couldn't find channel: %s", channel)
	}
	for _, name := range sortedKeys(channels) {
		c := channels[name].(object)
		if name != channel && c["alias"] == channel && !isRedirect(c) {
			if err := p.syncAlias(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// An imageKey is all that tells images apart when an alias is synced.
type imageKey struct {
	version, base int
	kind          string
}

func keyOf(i object) imageKey {
	base, _ := i["base"].(int)
	return imageKey{version(i), base, text(i, "type")}
}

// syncAlias makes an alias hold the devices and images of its target.
func (p *process) syncAlias(channel string) error {
	channels, err := p.channels()
	if err != nil {
		return err
	}
	if _, ok := channels[channel]; !ok {
		return keyError("Couldn't find channel: %s", channel)
	}
	if !isAlias(channels, channel) {
		return raise("TypeError", "Not a channel alias")
	}
	target := text(channels[channel].(object), "alias")
	if _, ok := channels[target]; !ok {
		return keyError("Couldn't find target channel: %s", target)
	}
	have, want := devicesOf(channels, channel), devicesOf(channels, target)
	for _, d := range sortedKeys(have) {
		if _, ok := want[d]; !ok {
			if err := p.removeDevice(channel, d); err != nil {
				return err
			}
		}
	}
	for _, d := range sortedKeys(want) {
		if _, ok := have[d]; !ok {
			if err := p.createDevice(channel, d); err != nil {
				return err
			}
		}
		if err := p.syncAliasDevice(channel, target, d); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) syncAliasDevice(channel, target, name string) error {
	to, err := p.device(channel, name)
	if err != nil {
		return err
	}
	from, err := p.device(target, name)
	if err != nil {
		return err
	}
	have, err := to.images()
	if err != nil {
		return err
	}
	want, err := from.images()
	if err != nil {
		return err
	}
	holds := func(list []object, k imageKey) bool {
		return slices.ContainsFunc(list, func(i object) bool { return keyOf(i) == k })
	}
	for _, i := range have {
		if !holds(want, keyOf(i)) {
			if err := to.removeImage(i); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(to.path, 0o755); err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(want), func(i object) bool { return holds(have, keyOf(i)) })
	slices.SortStableFunc(missing, func(a, b object) int {
		x, y := keyOf(a), keyOf(b)
		return cmp.Or(x.version-y.version, x.base-y.base, cmp.Compare(x.kind, y.kind))
	})
	err = p.editIndex(to.indexPath, func(index object) error {
		for _, i := range missing {
			entry := clone(i).(object)
			if err := p.aliasVersion(to, channel, target, name, entry); err != nil {
				return err
			}
			index["images"] = append(index["images"].([]any), entry)
		}
		return nil
	})
	if err != nil || len(want) == 0 {
		return err
	}
	last := want[0]["version"]
	for _, i := range want {
		if version(i) > version(object{"version": last}) {
			last = i["version"]
		}
	}
	percentage, err := from.percentage(last)
	if err != nil {
		return err
	}
	return to.setPercentage(last, percentage)
}

// aliasVersion replaces the version file of an image by one that names the
// alias. It comes last in the list and keeps its order.
func (p *process) aliasVersion(to *deviceDir, channel, target, name string, entry object) error {
	number := repr(entry["version"])
	files := entry["files"].([]any)
	order, details := len(files), ""
	for n, f := range files {
		path := text(f.(object), "path")
		if !strings.HasSuffix(path, fmt.Sprintf("version-%s.tar.xz", number)) {
			continue
		}
		meta, err := p.readMetadata(filepath.Join(p.conf.PublishPath, path))
		if err != nil {
			return err
		}
		ini, _ := meta["channel.ini"].(object)
		details = text(ini, "version_detail")
		order, _ = f.(object)["order"].(int)
		files = slices.Delete(slices.Clone(files), n, n+1)
		break
	}
	path := filepath.Join(to.path, fmt.Sprintf("version-%s.tar.xz", number))
	if !exists(path) {
		members, err := p.versionMembers(channel, name, number, details, target)
		if err != nil {
			return err
		}
		if err := p.pack(path, members); err != nil {
			return err
		}
		if err := p.signFile(path, path+".asc"); err != nil {
			return err
		}
	}
	data, err := readFile(path)
	if err != nil {
		return err
	}
	entry["files"] = append(files, p.fileEntry(path, data, order))
	return nil
}

// createDevice adds a device with an empty index to a channel.
func (p *process) createDevice(channel, name string) error {
	err := p.editChannels(func(channels object) error {
		if _, ok := channels[channel]; !ok {
			return keyError("Couldn't find channel: %s", channel)
		}
		devices := devicesOf(channels, channel)
		if _, ok := devices[name]; ok {
			return keyError("Device already exists: %s", name)
		}
		dir := filepath.Join(p.conf.PublishPath, channel, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := p.editIndex(filepath.Join(dir, "index.json"), func(object) error { return nil }); err != nil {
			return err
		}
		devices[name] = object{"index": fmt.Sprintf("/%s/%s/index.json", channel, name)}
		return nil
	})
	if err != nil {
		return err
	}
	return p.syncAliases(channel)
}

// removeDevice takes a device and its folder away.
func (p *process) removeDevice(channel, name string) error {
	return p.editChannels(func(channels object) error {
		devices := devicesOf(channels, channel)
		d, ok := devices[name].(object)
		if !ok {
			return keyError("Couldn't find device: %s", name)
		}
		delete(devices, name)
		if isRedirect(d) {
			return nil
		}
		return os.RemoveAll(filepath.Join(p.conf.PublishPath, channel, name))
	})
}
