package systemimagetest

import (
	"os"
	"strings"
)

// cleanupTree is the program cleanup-tree. It reads no arguments: --help runs it.
func (p *process) cleanupTree() error {
	p.level = debug
	release, err := p.start("")
	if err != nil {
		return err
	}
	defer release()
	for _, c := range p.conf.Channels {
		p.info("Processing channel: %s", c.Name)
		err := p.eachDevice(c.Name, func(_ string, d *deviceDir) error { return p.expireDevice(c, d) })
		if err != nil {
			return err
		}
	}
	return p.wrapUp()
}

// reSignIndexes is the program re-sign-indexes: with the current key it signs
// again every index, the files of each newest version, and all deltas. It
// takes no lock.
func (p *process) reSignIndexes() error {
	a, err := p.parseArgs()
	if err != nil {
		return err
	}
	p.verbosity(a.count["verbose"])
	if err := p.loadConfig(); err != nil {
		return err
	}
	if err := p.openTree(); err != nil {
		return err
	}
	p.info("Re-signing the channels index file: %s...", p.channelsPath())
	if err := p.reSign(p.channelsPath(), p.channelsPath()+".asc"); err != nil {
		return err
	}
	channels, err := p.channels()
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for _, channel := range sortedKeys(channels) {
		if isRedirect(channels[channel]) {
			p.info("Skipping %s, channel redirect.", channel)
			continue
		}
		for _, name := range sortedKeys(devicesOf(channels, channel)) {
			p.info("Looking at %s/%s.", channel, name)
			d, err := p.device(channel, name)
			if err != nil {
				return err
			}
			if err := p.reSignDevice(d, done); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *process) reSignDevice(d *deviceDir, done map[string]bool) error {
	images, err := d.images()
	if err != nil {
		return err
	}
	p.info("Re-signing the device index file: %s...", d.indexPath)
	if err := p.reSign(d.indexPath, d.indexPath+".asc"); err != nil {
		return err
	}
	if len(images) == 0 {
		p.info("No images in channel.")
		return nil
	}
	latest := images[len(images)-1]["version"]
	for n := len(images) - 1; n >= 0; n-- {
		image := images[n]
		if image["version"] != latest && (isFull(image) || p.era == 2016) {
			continue
		}
		for _, f := range filesOf(image) {
			tarball, signature := p.conf.PublishPath+text(f, "path"), p.conf.PublishPath+text(f, "signature")
			if done[tarball] {
				continue
			}
			done[tarball] = true
			for _, ext := range []string{".tar.xz", ".json"} {
				path, sig := strings.Replace(tarball, ".tar.xz", ext, 1), strings.Replace(signature, ".tar.xz", ext, 1)
				if !exists(path) {
					continue
				}
				p.info("Re-signing %s...", path)
				if err := p.reSign(path, sig); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (p *process) reSign(path, signature string) error {
	if err := p.signFile(path, signature+".new"); err != nil {
		return err
	}
	return os.Rename(signature+".new", signature)
}
