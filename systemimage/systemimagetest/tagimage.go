package systemimagetest

import (
	"path/filepath"
	"slices"
	"strings"
)

// tagImage is the program tag-image. It publishes a new version of the newest
// image with the same files and another tag, at 100 %.
func (p *process) tagImage() error {
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
	channel, name, number, tag := a.text["CHANNEL"], a.text["DEVICE"], a.num["VERSION"], a.text["TAG"]
	channels, err := p.channels()
	if err != nil {
		return err
	}
	if _, ok := channels[channel]; !ok {
		return p.usageError("Invalid channel: %s", channel)
	}
	target, ok := devicesOf(channels, channel)[name].(object)
	switch {
	case !ok:
		return p.usageError("Invalid device for channel: %s", name)
	case isAlias(channels, channel):
		return p.usageError("Channel is an alias.")
	case isRedirect(channels[channel]):
		return p.usageError("Channel is a redirect.")
	case isRedirect(target):
		return p.usageError("Target device is a redirect. Use original channel %s instead.", text(target, "redirect"))
	case strings.Contains(tag, ","):
		return p.usageError("Image tag cannot include the character ','.")
	}
	d, err := p.device(channel, name)
	if err != nil {
		return err
	}
	images, err := d.images()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(images, func(i object) bool { return isFull(i) && i["version"] == number })
	switch {
	case len(images) == 0:
		return p.usageError("No images in selected channel/device.")
	case number != highest(images):
		return p.usageError("You can only tag the latest image.")
	case at < 0:
		return p.usageError("Can't find version: %d", number)
	}
	if err := p.publishTag(d, channel, name, images[at], number, tag); err != nil {
		return err
	}
	return p.settle(channel, d)
}

func (p *process) publishTag(d *deviceDir, channel, name string, image object, number int, tag string) error {
	bases, err := p.requiredDeltas(channel, name, func(string, ...any) {})
	if err != nil {
		return err
	}
	files, detail, err := p.imageFiles(image, number)
	if err != nil {
		return err
	}
	p.debug("Original version_detail is: %s", detail)
	details := setTag(withoutVersion(detail), tag)
	next := number + 1
	p.info("Setting tag for image to '%s'", tag)
	p.info("Generating new version tarball for '%d' (%s)", next, strings.Join(details, ","))
	path, err := p.generateVersion(environment{channel: channel, name: name, device: d, version: next, details: &details, newFiles: &files})
	if err != nil {
		return err
	}
	if path != "" {
		files = append(files, path)
	}
	joined := strings.Join(details, ",")
	p.info("Publishing new image '%d' (%s) with %d files.", next, joined, len(files))
	if err := d.createImage("full", next, joined, files, 0); err != nil {
		return err
	}
	small := slices.DeleteFunc(slices.Clone(files), func(path string) bool {
		base := filepath.Base(path)
		return !strings.HasPrefix(base, "version-") && !strings.HasPrefix(base, "keyring-")
	})
	for _, base := range bases {
		p.info("Publishing new delta from '%s' (%s) to '%d' (%s)", repr(base["version"]), text(base, "description"), next, joined)
		if err := d.createImage("delta", next, joined, small, version(base)); err != nil {
			return err
		}
	}
	// By now the tagged image is an older version, and has lost its percentage:
	// what was phased is open to every device from here on.
	percentage, err := d.percentage(number)
	if err != nil {
		return err
	}
	p.info("Setting phased percentage of the new image to %d%%", percentage)
	return d.setPercentage(next, percentage)
}
