package systemimagetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage/channelconfig"
)

// importImages is the program import-images: for every automatic channel, in
// the order of the configuration, and every device of it, it asks the sources
// and publishes an image when one of the files is new.
func (p *process) importImages() error {
	a, err := p.parseArgs()
	if err != nil {
		return err
	}
	verbose := a.count["verbose"]
	if p.era != 2016 {
		verbose++
	}
	p.verbosity(verbose)
	release, err := p.start("")
	if err != nil {
		return err
	}
	defer release()
	for _, c := range p.conf.Channels {
		if err := p.importChannel(c); err != nil {
			return err
		}
	}
	return p.wrapUp()
}

// wrapUp is the end of the programs that walk over all channels.
func (p *process) wrapUp() error {
	p.info("Removing orphaned files from the pool")
	if err := p.cleanup(); err != nil {
		return err
	}
	p.info("Triggering a mirror sync")
	p.syncMirrors()
	return nil
}

func (p *process) importChannel(c channelconfig.ChannelSettings) error {
	if !c.Auto() {
		p.debug("Skipping non-auto channel: %s", c.Name)
		return nil
	}
	p.info("Processing channel: %s", c.Name)
	return p.eachDevice(c.Name, func(device string, d *deviceDir) error {
		if err := p.importDevice(c, device, d); err != nil {
			return err
		}
		return p.expireDevice(c, d)
	})
}

// eachDevice visits the devices of a channel that are no redirects, and syncs
// the channel's aliases afterwards.
func (p *process) eachDevice(channel string, visit func(name string, d *deviceDir) error) error {
	channels, err := p.channels()
	if err != nil {
		return err
	}
	if _, ok := channels[channel]; !ok {
		p.record(failure, "Invalid channel name: %s", channel)
		return nil
	}
	devices := devicesOf(channels, channel)
	for _, name := range sortedKeys(devices) {
		p.info("Processing device: %s", name)
		if isRedirect(devices[name]) {
			p.info("Device is a redirect, not considering.")
			continue
		}
		d, err := p.deviceIn(channels, channel, name)
		if err != nil {
			return err
		}
		if err := visit(name, d); err != nil {
			return err
		}
	}
	p.info("Syncing any existing alias")
	return p.syncAliases(channel)
}

func (p *process) expireDevice(c channelconfig.ChannelSettings, d *deviceDir) error {
	if c.FullCount <= 0 {
		return nil
	}
	p.info("Expiring old images")
	return d.expire(c.FullCount)
}

// An importing is the image that one device may get.
type importing struct {
	env    environment
	last   object   // newest full image, or nil
	bases  []object // images that get a delta to the new one
	files  []string
	deltas [][]string
}

func (p *process) importDevice(c channelconfig.ChannelSettings, name string, d *deviceDir) error {
	images, err := d.images()
	if err != nil {
		return err
	}
	i := &importing{}
	if full := fullImages(images); len(full) > 0 {
		i.last = full[len(full)-1]
		p.debug("Last full image: %s", repr(i.last["version"]))
	} else {
		p.debug("This is the first full image.")
	}
	if i.bases, err = p.requiredDeltas(c.Name, name, p.warnDelta); err != nil {
		return err
	}
	i.deltas = make([][]string, len(i.bases))
	number := c.VersionBase
	if i.last != nil {
		number = version(i.last) + 1
	}
	p.debug("Version for next image: %d", number)
	i.env = environment{channel: c.Name, name: name, device: d, version: number, details: new([]string), newFiles: new([]string)}
	complete, err := p.importFiles(i, c.Files)
	if err != nil || !complete || len(*i.env.newFiles) == 0 {
		return err
	}
	details := strings.Join(*i.env.details, ",")
	p.info("Publishing new image '%d' (%s) with %d files.", number, details, len(i.files))
	if err := d.createImage("full", number, details, i.files, 0); err != nil {
		return err
	}
	for n, base := range i.bases {
		p.info("Publishing new delta from '%s' (%s) to '%d' (%s) with %d files",
			repr(base["version"]), text(base, "description"), number, details, len(i.deltas[n]))
		if err := d.createImage("delta", number, details, i.deltas[n], version(base)); err != nil {
			return err
		}
	}
	return nil
}

// importFiles walks over the files of a channel; false when a source has
// nothing, which cancels the image.
func (p *process) importFiles(i *importing, files []channelconfig.FileEntry) (bool, error) {
	var done []string
	for _, f := range files {
		name, device, specific := strings.Cut(f.Entry, ",")
		if specific && device != i.env.name {
			p.debug("Skipping '%s' because the device namedoesn't match", f.Entry)
			continue
		}
		if slices.Contains(done, name) {
			p.debug("Skipping '%s' because a more specificgenerator was already called.", f.Entry)
			continue
		}
		done = append(done, name)
		if name == "ubports" && p.era != 2016 {
			if err := p.dateTag(i); err != nil {
				return false, err
			}
		}
		p.info("Calling '%s' generator for a new file", f.Generator)
		path, err := p.generate(f, i.env)
		if err != nil {
			return false, err
		}
		if path == "" {
			p.info("No image will be produced because the '%s' generator returned None", f.Generator)
			return false, nil
		}
		i.files = append(i.files, path)
		url := "/" + p.relativeTo(path)
		if i.last != nil && slices.ContainsFunc(filesOf(i.last), func(o object) bool { return text(o, "path") == url }) {
			p.info("File from '%s' is already current", f.Generator)
		} else {
			p.info("New file from '%s': %s", f.Generator, url[1:])
			*i.env.newFiles = append(*i.env.newFiles, path)
		}
		for n, base := range i.bases {
			delta, err := p.deltaFile(base, path, f.Generator)
			if err != nil {
				return false, err
			}
			if delta != "" {
				i.deltas[n] = append(i.deltas[n], delta)
			}
		}
	}
	return true, nil
}

// dateTag tags an image of a channel with the entry "ubports" with the day; a
// second image of a day gets /2 behind it, and so on.
func (p *process) dateTag(i *importing) error {
	tag := p.now().Format("2006-01-02")
	if i.last != nil {
		last := ""
		if _, ok := i.last["version_detail"]; !ok {
			return keyError("version_detail")
		}
		details := text(i.last, "version_detail")
		for d := range strings.SplitSeq(details, ",") {
			if v, ok := strings.CutPrefix(d, "tag="); ok && last == "" && strings.Contains(details, ",") {
				last = v
			}
		}
		var said any
		if last != "" {
			said = last
		}
		p.debug("Last image tag was %v", map[bool]any{true: said, false: "None"}[said != nil])
		if day, n, many := strings.Cut(last, "/"); day == tag {
			count := 1
			if many {
				count, _ = atoi(n)
			}
			tag = fmt.Sprintf("%s/%d", tag, count+1)
		}
	}
	p.debug("Setting tag to UBports image %s", tag)
	*i.env.details = setTag(*i.env.details, tag)
	return nil
}

// warnDelta says that a delta base is not there. The call used for it is out
// of date, of which the interpreter warns as well.
func (p *process) warnDelta(format string, args ...any) {
	line := 113
	source := `"Invalid base channel: %s" % base_channel)`
	if strings.HasPrefix(format, "Missing device") {
		line, source = 119, `"Missing device in base channel: %s in %s" %`
	}
	p.complain(fmt.Sprintf("%s/bin/import-images:%d: DeprecationWarning: The 'warn' function is deprecated, use 'warning' instead\n  logging.warn(%s", p.home, line, source))
	p.record(warning, format, args...)
}
