package systemimagetest

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/landingteam/landing/systemimage/channelconfig"
)

// payload makes the file of one entry of an image's details, or finds the one
// that another image has. A channel with sources names it as the importer would.
func (l *layout) payload(channel, device, key, value string) (string, error) {
	if key == "keyring" {
		details, files := []string{}, []string{"some"}
		path, err := l.generateKeyring([]string{value}, environment{details: &details, newFiles: &files})
		if err == nil && path == "" {
			err = fmt.Errorf("no keyring %q", value)
		}
		return path, err
	}
	detail := key + "=" + value
	settings, _ := l.conf.Channel(channel)
	for _, f := range settings.Files {
		if _, only, specific := strings.Cut(f.Entry, ","); specific && only != device || l.detailKey(f) != key {
			continue
		}
		path, err := l.sourced(f, device, key, value)
		if err != nil {
			return "", err
		}
		if path != "" {
			l.pool[detail+" "+device], l.pool[detail] = path, path
			return path, nil
		}
	}
	for _, known := range []string{detail + " " + device, detail} {
		if path, ok := l.pool[known]; ok {
			return path, nil
		}
	}
	address := fmt.Sprintf("http://builds.example.net/%s/%s.tar.xz", device, key)
	path, err := l.httpPayload(address, key, value)
	l.pool[detail+" "+device] = path
	return path, err
}

// detailKey is the key of the entry that a source adds to the details.
func (l *layout) detailKey(f channelconfig.FileEntry) string {
	switch f.Generator {
	case "http", "http-cdimage":
		if name, ok := l.options(argument(f.Arguments, 1))["name"]; ok {
			return name
		}
		return f.Generator
	case "cdimage-ubuntu":
		return "ubuntu"
	case "system-image":
		return argument(f.Arguments, 1)
	}
	return ""
}

// sourced makes a payload the way a generator of the configuration names it.
func (l *layout) sourced(f channelconfig.FileEntry, device, key, value string) (string, error) {
	if len(f.Arguments) == 0 {
		return "", nil
	}
	opts := l.options(f.Arguments[len(f.Arguments)-1])
	switch f.Generator {
	case "http", "http-cdimage":
		return l.httpPayload(f.Arguments[0], key, value)
	case "cdimage-ubuntu":
		if len(f.Arguments) < 2 {
			return "", nil
		}
		b := build{generator: f.Generator, kind: "ubuntu", word: "rootfs", series: f.Arguments[1], product: opts["product"], version: value}
		b.path = filepath.Join(f.Arguments[0], value, b.series+"-preinstalled-touch-armhf.tar.gz")
		var err error
		if b.data, err = rootfs(b.series, value); err != nil {
			return "", err
		}
		b.sum = hexSum(b.data)
		return l.poolBuild(b, environment{details: new([]string)})
	case "system-image":
		from := device
		if d, ok := opts["device"]; ok {
			from = d
		}
		// Channels that take from one another would send this around for ever.
		l.depth++
		defer func() { l.depth-- }()
		if l.depth > 20 {
			return "", fmt.Errorf("the sources of %s=%s go around in a circle at %s", key, value, f.Arguments[0])
		}
		return l.payload(f.Arguments[0], from, key, value)
	}
	return "", nil
}

func (l *layout) httpPayload(address, name, value string) (string, error) {
	path := l.poolPath(name, hexSum([]byte(address+":"+value)))
	if exists(path) {
		return path, nil
	}
	data, err := payload(address, value)
	if err != nil {
		return "", err
	}
	meta := object{"generator": "http", "version": value, "version_detail": name + "=" + value, "url": address}
	if strings.HasSuffix(address, ".tar.gz") {
		members, err := unpackGZ(data)
		if err != nil {
			return "", err
		}
		if data, err = packXZ(repack(members, "", true), payloadTime); err != nil {
			return "", err
		}
		meta["generator"], meta["rootfs_path"] = "cdimage-ubports", "/tmp/download"
	}
	return path, l.addToPool(path, data, meta)
}
