package systemimagetest

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// requiredDeltas are the images of a device that a new image of it gets a
// delta from: for each delta base channel the newest full image of the
// device, if the destination has a full image of the same number. Nothing
// compares their content.
func (p *process) requiredDeltas(channel, device string, missing func(format string, args ...any)) ([]object, error) {
	d, err := p.device(channel, device)
	if err != nil {
		return nil, err
	}
	images, err := d.images()
	if err != nil {
		return nil, err
	}
	full := fullImages(images)
	bases := []string{channel}
	if c, ok := p.conf.Channel(channel); ok {
		bases = c.DeltaBase
	}
	var deltas []object
	for _, base := range bases {
		channels, err := p.channels()
		if err != nil {
			return nil, err
		}
		if _, ok := channels[base]; !ok {
			missing("Invalid base channel: %s", base)
			continue
		}
		if _, ok := devicesOf(channels, base)[device]; !ok {
			missing("Missing device in base channel: %s in %s", device, base)
			continue
		}
		b, err := p.device(base, device)
		if err != nil {
			return nil, err
		}
		images, err := b.images()
		if err != nil {
			return nil, err
		}
		newest := fullImages(images)
		if len(newest) == 0 {
			continue
		}
		number := newest[len(newest)-1]["version"]
		image := imageOfVersion(full, number)
		if image == nil || slices.ContainsFunc(deltas, func(o object) bool { return o["version"] == number }) {
			continue
		}
		deltas = append(deltas, image)
		p.debug("Source version for delta: %s", repr(number))
	}
	return deltas, nil
}

// deltaFile is the file that the delta from image needs for the file at path
// of the new image: "" when it has not changed. said is what the record calls
// the file.
func (p *process) deltaFile(image object, path, said string) (string, error) {
	source := ""
	for _, f := range filesOf(image) {
		if strings.HasPrefix(filepath.Base(text(f, "path")), prefix(path)) {
			source = p.realpath(filepath.Join(p.conf.PublishPath, text(f, "path")))
			break
		}
	}
	if source == "" {
		return path, nil
	}
	name := filepath.Base(source)
	passed := strings.Contains(name, "keyring-") || strings.Contains(name, "boot-") && p.name == "import-images" && p.era != 2016
	if source == path && !passed {
		return "", nil
	}
	p.info("Generating delta from '%s' for '%s'", repr(image["version"]), said)
	return p.generateDelta(source, path)
}

// generateDelta makes the delta between two tarballs in the pool, or returns
// the one that is there. Version, keyring and boot files are passed whole.
func (p *process) generateDelta(source, target string) (string, error) {
	from := strings.Replace(filepath.Base(source), ".tar.xz", "", 1)
	to := strings.Replace(filepath.Base(target), ".tar.xz", "", 1)
	whole := []string{"version-", "keyring-"}
	if p.era != 2016 {
		whole = append(whole, "boot-")
	}
	for _, kind := range whole {
		if strings.HasPrefix(from, kind) && strings.HasPrefix(to, kind) {
			return target, nil
		}
	}
	path := p.realpath(filepath.Join(p.conf.PublishPath, "pool", fmt.Sprintf("%s.delta-%s.tar.xz", to, from)))
	p.debug("Path generated: %s", path)
	if exists(path) {
		return path, nil
	}
	old, err := p.unpack(source, "source.tar")
	if err != nil {
		return "", err
	}
	young, err := p.unpack(target, "target.tar")
	if err != nil {
		return "", err
	}
	if err := p.packPool(path, diffMembers(old, young)); err != nil {
		return "", err
	}
	sourceMeta, err := p.readMetadata(source)
	if err != nil {
		return "", err
	}
	targetMeta, err := p.readMetadata(target)
	if err != nil {
		return "", err
	}
	return path, p.writeMetadata(path, object{"generator": "delta", "source": sourceMeta, "target": targetMeta})
}

// unpack reads a tarball of the pool. What is no xz stream makes xz complain
// and leaves an empty file, at which the real program stops.
func (p *process) unpack(path, name string) ([]member, error) {
	p.debug("Unxzipping file: %s", filepath.Join(p.tempDir(), name))
	data, err := readFile(path)
	if err != nil {
		fmt.Fprintf(p.err, "xz: %s: No such file or directory\n", path)
		return nil, raise("tarfile.ReadError", "empty file")
	}
	if !bytes.HasPrefix(data, []byte("\xfd7zXZ\x00")) {
		fmt.Fprintf(p.err, "xz: %s: File format not recognized\n", path)
		return nil, raise("tarfile.ReadError", "empty file")
	}
	members, err := unpackXZ(data)
	if err != nil {
		fmt.Fprintf(p.err, "xz: %s: Unexpected end of input\n", path)
		return nil, raise("tarfile.ReadError", "unexpected end of data")
	}
	return members, nil
}

// diffMembers is the content of a delta: first the list of what goes away,
// deleted and modified paths alike, then what is added or modified.
func diffMembers(source, target []member) []member {
	old, young := byName(source), byName(target)
	var removed []string
	var added []member
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if n, ok := young[name]; !ok || !sameMember(old[name], n) {
			removed = append(removed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(young)) {
		if o, ok := old[name]; !ok || !sameMember(o, young[name]) {
			added = append(added, young[name])
		}
	}
	list := member{name: "removed", mode: 0o644, data: []byte(strings.Join(removed, "\n") + "\n")}
	return append([]member{list}, added...)
}

func byName(members []member) map[string]member {
	m := make(map[string]member, len(members))
	for _, e := range members {
		m[strings.TrimSuffix(e.name, "/")] = e
	}
	return m
}

func sameMember(a, b member) bool {
	return a.mode == b.mode && a.kind == b.kind && a.link == b.link && bytes.Equal(a.data, b.data)
}
