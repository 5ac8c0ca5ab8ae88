package systemimagetest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// cleanup removes every file below www that no index mentions, except the
// keyrings in www/gpg and the metadata of mentioned tarballs; and empty folders.
func (p *process) cleanup() error {
	listed, err := p.referenced()
	if err != nil {
		return err
	}
	var orphans []string
	root := filepath.Clean(p.conf.PublishPath)
	err = filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			entries, err := os.ReadDir(path)
			if path != filepath.Join(root, "gpg") && len(entries) == 0 {
				orphans = append(orphans, path)
			}
			return err
		}
		if listed[path] || filepath.Dir(path) == filepath.Join(root, "gpg") {
			return nil
		}
		for _, ext := range []string{".json", ".json.asc"} {
			if tarball, ok := strings.CutSuffix(path, ext); ok && listed[tarball+".tar.xz"] {
				return nil
			}
		}
		orphans = append(orphans, path)
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(orphans)
	set := "set()"
	if len(orphans) > 0 {
		set = "{" + strings.Trim(repr(orphans), "[]") + "}"
	}
	p.debug("Orphaned files: %s", set)
	for _, path := range orphans {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// referenced is the set of files that an index mentions.
func (p *process) referenced() (map[string]bool, error) {
	listed := map[string]bool{p.channelsPath(): true, p.channelsPath() + ".asc": true}
	add := func(o object, keys ...string) {
		for _, k := range keys {
			listed[filepath.Join(p.conf.PublishPath, text(o, k))] = true
		}
	}
	channels, err := p.channels()
	if err != nil {
		return nil, err
	}
	for c := range channels {
		for name, entry := range devicesOf(channels, c) {
			if k, ok := entry.(object)["keyring"].(object); ok {
				add(k, "path", "signature")
			}
			d, err := p.deviceIn(channels, c, name)
			if err != nil {
				return nil, err
			}
			listed[d.indexPath], listed[d.indexPath+".asc"] = true, true
			images, err := d.images()
			if err != nil {
				return nil, err
			}
			for _, i := range images {
				for _, f := range filesOf(i) {
					add(f, "path", "signature")
				}
			}
		}
	}
	return listed, nil
}
