package systemimagetest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage/channelconfig"
)

// A deviceDir is the folder of one device of one channel.
type deviceDir struct {
	p         *process
	path      string
	indexPath string
}

func (p *process) channelsPath() string { return filepath.Join(p.conf.PublishPath, "channels.json") }

// openTree refuses to work without a published tree.
func (p *process) openTree() error {
	if st, err := os.Stat(p.conf.PublishPath); err != nil || !st.IsDir() {
		return raise("Exception", "Invalid path: %s", p.conf.PublishPath)
	}
	return nil
}

// channels reads channels.json.
func (p *process) channels() (object, error) { return p.readJSON(p.channelsPath(), object{}) }

// devicesOf is the list of devices of a channel.
func devicesOf(channels object, channel string) object {
	c, _ := channels[channel].(object)
	d, _ := c["devices"].(object)
	return d
}

// text is a string field of an object, "" when it is not there.
func text(o object, key string) string {
	s, _ := o[key].(string)
	return s
}

// isAlias says whether a channel follows another one; an alias of itself does not.
func isAlias(channels object, channel string) bool {
	c, _ := channels[channel].(object)
	a, ok := c["alias"]
	return ok && a != channel
}

func isRedirect(o any) bool {
	c, _ := o.(object)
	_, ok := c["redirect"]
	return ok
}

// device finds the folder of a device, following redirects by its index path.
func (p *process) device(channel, name string) (*deviceDir, error) {
	channels, err := p.channels()
	if err != nil {
		return nil, err
	}
	return p.deviceIn(channels, channel, name)
}

// deviceIn is device in a channels.json that was read: who goes over all devices reads
// it once.
func (p *process) deviceIn(channels object, channel, name string) (*deviceDir, error) {
	if _, ok := channels[channel]; !ok {
		return nil, keyError("Couldn't find channel: %s", channel)
	}
	d, ok := devicesOf(channels, channel)[name].(object)
	if !ok {
		return nil, keyError("Couldn't find device: %s", name)
	}
	path := filepath.Join(p.conf.PublishPath, filepath.Dir(text(d, "index")))
	return &deviceDir{p, path, filepath.Join(path, "index.json")}, nil
}

func (d *deviceDir) images() ([]object, error) {
	index, err := d.p.readIndex(d.indexPath)
	if err != nil {
		return nil, err
	}
	return imagesOf(index), nil
}

func isFull(i object) bool { return i["type"] == "full" }

// version is the version of an image; a null version counts as 0.
func version(i object) int {
	n, _ := i["version"].(int)
	return n
}

// fullImages are the full images in order of their versions.
func fullImages(images []object) []object {
	full := slices.DeleteFunc(slices.Clone(images), func(i object) bool { return !isFull(i) })
	slices.SortStableFunc(full, func(a, b object) int { return version(a) - version(b) })
	return full
}

func imageOfVersion(full []object, v any) object {
	for _, i := range slices.Backward(full) {
		if i["version"] == v {
			return i
		}
	}
	return nil
}

// filesOf are the file entries of an image.
func filesOf(image object) []object {
	list, _ := image["files"].([]any)
	files := make([]object, 0, len(list))
	for _, f := range list {
		if o, ok := f.(object); ok {
			files = append(files, o)
		}
	}
	return files
}

// prefix is the part of a file's name by which files of two images belong together.
func prefix(path string) string {
	name := filepath.Base(path)
	if i := strings.LastIndex(name, "-"); i >= 0 {
		return name[:i]
	}
	return name
}

// createImage adds an image to the index and commits it.
func (d *deviceDir) createImage(kind string, number any, details string, paths []string, base int) error {
	if len(paths) == 0 {
		return raise("Exception", "No file passed for this image.")
	}
	return d.p.editIndex(d.indexPath, func(index object) error {
		image, err := d.p.newImage(kind, number, details, paths, base)
		if err == nil {
			index["images"] = append(index["images"].([]any), image)
		}
		return err
	})
}

// newImage describes an image made of the files at paths.
func (p *process) newImage(kind string, number any, details string, paths []string, base int) (object, error) {
	image := object{"type": kind, "version": number, "description": details}
	var files []any
	for n, path := range paths {
		data, err := readFile(path)
		if err != nil {
			return nil, raise("Exception", "Specified file doesn't exists: %s", path)
		}
		if !exists(path + ".asc") {
			return nil, raise("Exception", "The GPG file signature doesn't exists: %s.asc", path)
		}
		files = append(files, p.fileEntry(path, data, n))
	}
	image["files"] = files
	if details != "" {
		image["version_detail"] = details
	}
	if kind == "delta" {
		if base == 0 {
			return nil, keyError("Missing base version for delta image.")
		}
		image["base"] = base
	}
	return image, nil
}

func (p *process) fileEntry(path string, data []byte, order int) object {
	url := "/" + p.relativeTo(path)
	return object{"order": order, "path": url, "signature": url + ".asc", "checksum": hexSum(data), "size": len(data)}
}

// relativeTo is the path of a file below the published tree.
func (p *process) relativeTo(path string) string {
	rel, err := filepath.Rel(p.conf.PublishPath, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(rel)
}

// removeImage takes an image out of the index.
func (d *deviceDir) removeImage(image object) error {
	return d.p.editIndex(d.indexPath, func(index object) error {
		list := index["images"].([]any)
		at := slices.IndexFunc(list, func(i any) bool {
			o := i.(object)
			return o["type"] == image["type"] && o["version"] == image["version"] && o["base"] == image["base"]
		})
		if at < 0 {
			return raise("IndexError", "Couldn't find a match.")
		}
		index["images"] = slices.Delete(list, at, at+1)
		return nil
	})
}

// expire removes the oldest full images beyond keep, and every delta to or from them.
func (d *deviceDir) expire(keep int) error {
	images, err := d.images()
	if err != nil {
		return err
	}
	full := fullImages(images)
	if len(full) <= keep {
		return nil
	}
	var gone []any
	for _, i := range full[:len(full)-keep] {
		gone = append(gone, i["version"])
	}
	for _, i := range images {
		if slices.Contains(gone, i["version"]) || !isFull(i) && slices.Contains(gone, i["base"]) {
			if err := d.removeImage(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// setPercentage phases the newest version; 100 takes the field away.
func (d *deviceDir) setPercentage(number any, percentage int) error {
	if percentage < 0 || percentage > 100 {
		return raise("ValueError", "percentage must be >= 0 and <= 100.")
	}
	return d.p.editIndex(d.indexPath, func(index object) error {
		last, _, err := lastVersion(index)
		if err != nil {
			return err
		}
		images := imagesOf(index)
		if !slices.ContainsFunc(images, func(i object) bool { return i["version"] == number }) {
			return raise("IndexError", "Version doesn't exist: %s", repr(number))
		}
		if number != last {
			return raise("Exception", "Phased percentage can only be set on the latest image")
		}
		for _, i := range images {
			if i["version"] != number {
				continue
			}
			if percentage == 100 {
				delete(i, "phased-percentage")
			} else {
				i["phased-percentage"] = percentage
			}
		}
		return nil
	})
}

// percentage is the share of devices that may take a version.
func (d *deviceDir) percentage(number any) (int, error) {
	images, err := d.images()
	if err != nil {
		return 0, err
	}
	for _, i := range images {
		if i["version"] == number {
			if n, ok := i["phased-percentage"].(int); ok {
				return n, nil
			}
			return 100, nil
		}
	}
	return 0, raise("IndexError", "Invalid version number: %s", repr(number))
}

// syncMirrors calls each mirror; its answer is ignored.
func (p *process) syncMirrors() {
	if !p.fault.Offline {
		return
	}
	byHost := func(a, b channelconfig.MirrorSettings) int { return strings.Compare(a.Host, b.Host) }
	for _, m := range slices.SortedStableFunc(slices.Values(p.conf.Mirrors), byHost) {
		if !exists(m.Key) {
			fmt.Fprintf(p.err, "Warning: Identity file %s not accessible: No such file or directory.\n", m.Key)
		}
		fmt.Fprintf(p.err, "ssh: connect to host %s port %d: Connection refused\n", m.Host, m.Port)
	}
}

func sortedKeys(o object) []string { return slices.Sorted(maps.Keys(o)) }
