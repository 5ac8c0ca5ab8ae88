package systemimagetest

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// A copying is one run of copy-image.
type copying struct {
	source, destination, device string
	version                     any // of the source: int, or nil when not given
	number                      any // of the copy
	percentage                  int
	tag                         string
	push                        bool
	from, to                    *deviceDir
	image                       object // the source's full image
}

// copyImage is the program copy-image.
func (p *process) copyImage() error {
	a, err := p.parseArgs()
	if err != nil {
		return err
	}
	p.verbosity(a.count["verbose"])
	release, err := p.start("Something else holds the global lock. exiting.\n")
	if err != nil {
		return err
	}
	defer release()
	c := &copying{
		source: a.text["SOURCE-CHANNEL"], destination: a.text["DESTINATION-CHANNEL"], device: a.text["DEVICE"],
		percentage: 100, tag: a.text["tag"], push: a.count["push-notify"] > 0,
	}
	for _, key := range []string{"version", "VERSION"} {
		if n, ok := a.num[key]; ok {
			c.version = n
		}
	}
	if n, ok := a.num["phased-percentage"]; ok {
		c.percentage = n
	}
	if err := p.checkCopy(c); err != nil {
		return err
	}
	if err := p.chooseCopy(c, a.count["keep-version"] > 0, a.num["offset"]); err != nil {
		return err
	}
	if err := p.publishCopy(c); err != nil {
		return err
	}
	return p.settle(c.destination, c.to)
}

// checkCopy refuses channels and devices that cannot be copied from or to.
func (p *process) checkCopy(c *copying) error {
	channels, err := p.channels()
	if err != nil {
		return err
	}
	var entries [2]object
	for i, name := range []string{c.source, c.destination} {
		if _, ok := channels[name]; !ok {
			return p.usageError("Invalid %s channel: %s", []string{"source", "destination"}[i], name)
		}
	}
	for i, name := range []string{c.source, c.destination} {
		d, ok := devicesOf(channels, name)[c.device].(object)
		if !ok {
			return p.usageError("Invalid device for %s channel: %s", []string{"source", "destination"}[i], c.device)
		}
		entries[i] = d
	}
	sides := []string{"Source", "Destination"}
	for i, name := range []string{c.source, c.destination} {
		if isAlias(channels, name) {
			return p.usageError("%s channel is an alias.", sides[i])
		}
	}
	for i, name := range []string{c.source, c.destination} {
		if isRedirect(channels[name]) {
			return p.usageError("%s channel is a redirect.", sides[i])
		}
	}
	for i, d := range entries {
		if isRedirect(d) {
			return p.usageError("%s device is a redirect. Use original channel %s instead.", sides[i], text(d, "redirect"))
		}
	}
	if strings.Contains(c.tag, ",") {
		return p.usageError("Image tag cannot include the character ','.")
	}
	if c.from, err = p.device(c.source, c.device); err != nil {
		return err
	}
	c.to, err = p.device(c.destination, c.device)
	return err
}

// chooseCopy finds the source image and the number of the copy.
func (p *process) chooseCopy(c *copying, keep bool, offset int) error {
	existing, err := c.to.images()
	if err != nil {
		return err
	}
	available, err := c.from.images()
	if err != nil {
		return err
	}
	if !keep && slices.ContainsFunc(existing, func(i object) bool { return i["version"] == nil }) {
		return raise("TypeError", "'>=' not supported between instances of 'NoneType' and 'int'")
	}
	c.number = c.version
	if keep {
		if slices.ContainsFunc(existing, func(i object) bool { return i["version"] == c.version }) {
			return p.usageError("Version number is already used: %s", repr(c.version))
		}
	} else {
		c.number = highest(existing) + 1
	}
	p.debug("Version for next image: %s", repr(c.number))
	if c.version == nil || c.version == 0 {
		c.version = max(highest(available), 1)
	}
	if offset != 0 {
		p.debug("Offsetting version by %d versions", offset)
		c.version = c.version.(int) - offset
	}
	if p.era != 2016 {
		p.debug("Using version %s for next image", repr(c.version))
	}
	for _, i := range slices.Backward(available) {
		if isFull(i) && i["version"] == c.version {
			c.image = i
		}
	}
	if c.image == nil {
		return p.usageError("Can't find version: %s", repr(c.version))
	}
	full := fullImages(existing)
	var latest []string
	if len(full) > 0 {
		latest = payloadNames(full[len(full)-1])
	}
	if slices.Equal(payloadNames(c.image), latest) {
		return p.usageError("Source image is already latest full in destination channel.")
	}
	return nil
}

func highest(images []object) int {
	n := 0
	for _, i := range images {
		n = max(n, version(i))
	}
	return n
}

// payloadNames are the names of an image's files other than its version file.
func payloadNames(image object) []string {
	var names []string
	for _, f := range filesOf(image) {
		if name := filepath.Base(text(f, "path")); !strings.HasPrefix(name, "version-") {
			names = append(names, name)
		}
	}
	return names
}

// publishCopy makes what is new and commits the full image, the deltas and the
// percentage, in this order: in between the copy is open to every device.
func (p *process) publishCopy(c *copying) error {
	bases, err := p.requiredDeltas(c.destination, c.device, func(string, ...any) {})
	if err != nil {
		return err
	}
	files, detail, err := p.imageFiles(c.image, c.version)
	if err != nil {
		return err
	}
	details := withoutVersion(detail)
	if c.tag != "" {
		details = setTag(details, c.tag)
		p.info("Setting tag for image to '%s'", c.tag)
	}
	p.info("Generating new version tarball for '%s' (%s)", repr(c.number), strings.Join(details, ","))
	env := environment{channel: c.destination, name: c.device, device: c.to, version: c.number, details: &details, newFiles: &files}
	path, err := p.generateVersion(env)
	if err != nil {
		return err
	}
	if path != "" {
		files = append(files, path)
	}
	deltas := make([][]string, len(bases))
	for _, path := range files {
		for n, base := range bases {
			delta, err := p.deltaFile(base, path, prefix(path))
			if err != nil {
				return err
			}
			if delta != "" {
				deltas[n] = append(deltas[n], delta)
			}
		}
	}
	joined := strings.Join(details, ",")
	p.info("Publishing new image '%s' (%s) with %d files.", repr(c.number), joined, len(files))
	if err := c.to.createImage("full", c.number, joined, files, 0); err != nil {
		return err
	}
	for n, base := range bases {
		p.info("Publishing new delta from '%s' (%s) to '%s' (%s) with %d files",
			repr(base["version"]), text(base, "description"), repr(c.number), joined, len(deltas[n]))
		if err := c.to.createImage("delta", c.number, joined, deltas[n], version(base)); err != nil {
			return err
		}
	}
	p.info("Setting phased percentage of the new image to %d%%", c.percentage)
	if err := c.to.setPercentage(c.number, c.percentage); err != nil {
		return err
	}
	if !c.push {
		return nil
	}
	p.info("Sending broadcast push notification for device '%s' on channel '%s' and version '%s'", c.device, c.destination, repr(c.number))
	if p.fault.Offline {
		return raise("requests.exceptions.ConnectionError", "HTTPSConnectionPool(host='push.ubports.com', port=443): Max retries exceeded with url: /broadcast "+
			"(Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object at 0x7f0000000000>: "+
			"Failed to establish a new connection: [Errno -3] Temporary failure in name resolution'))")
	}
	return nil
}

// imageFiles prints the paths of an image's files, one a line, and returns
// those other than the version file, and the details from that file's
// metadata. The index is not asked: without the metadata the details are lost.
func (p *process) imageFiles(image object, number any) (files []string, detail string, err error) {
	for _, f := range filesOf(image) {
		path := p.realpath(filepath.Join(p.conf.PublishPath, text(f, "path")))
		fmt.Fprintln(p.out, path)
		if filepath.Base(path) != fmt.Sprintf("version-%s.tar.xz", repr(number)) {
			files = append(files, path)
			continue
		}
		meta, err := p.readMetadata(path)
		if err != nil {
			return nil, "", err
		}
		if ini, ok := meta["channel.ini"].(object); ok {
			if _, ok := ini["version_detail"]; !ok {
				return nil, "", raise("AttributeError", "'NoneType' object has no attribute 'split'")
			}
			detail = text(ini, "version_detail")
		}
	}
	return files, detail, nil
}

func withoutVersion(detail string) []string {
	return slices.DeleteFunc(strings.Split(detail, ","), func(d string) bool { return strings.HasPrefix(d, "version=") })
}

// settle is what follows a new image: expiry, aliases, orphans, mirrors.
func (p *process) settle(channel string, d *deviceDir) error {
	if c, ok := p.conf.Channel(channel); ok && c.FullCount > 0 {
		p.info("Expiring old images")
		if err := d.expire(c.FullCount); err != nil {
			return err
		}
	}
	p.info("Syncing any existing alias")
	if err := p.syncAliases(channel); err != nil {
		return err
	}
	p.info("Removing orphaned files from the pool")
	if err := p.cleanup(); err != nil {
		return err
	}
	p.info("Triggering a mirror sync")
	p.syncMirrors()
	return nil
}
