package operate

import (
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// sameFiles reports whether two images consist of the same files in the same
// order, version tarballs apart: then copying one onto the other is refused.
func sameFiles(a, b systemimage.Image) bool { return slices.Equal(payload(a), payload(b)) }

// payload returns the base names of the files of m without its version tarball.
func payload(m systemimage.Image) []string {
	names := []string{}
	for _, f := range m.Files {
		if name := path.Base(f.Path); !strings.HasPrefix(name, "version-") {
			names = append(names, name)
		}
	}
	return names
}

// reusedDeltas returns the pool files that hold, if they are there, the deltas
// from base to target: a copy reuses them without looking into them.
func reusedDeltas(base, target systemimage.Image) []string {
	var list []string
	for _, f := range target.Files {
		name, ok := strings.CutSuffix(path.Base(f.Path), ".tar.xz")
		prefix := name
		if i := strings.LastIndexByte(name, '-'); i >= 0 {
			prefix = name[:i]
		}
		if !ok || slices.Contains([]string{"version", "keyring", "boot"}, prefix) {
			continue // put whole into the delta
		}
		for _, g := range base.Files {
			from, ok := strings.CutSuffix(path.Base(g.Path), ".tar.xz")
			if ok && strings.HasPrefix(from, prefix) {
				if p := "pool/" + name + ".delta-" + from + ".tar.xz"; from != name && plainPath(p) {
					list = append(list, p)
				}
				break
			}
		}
	}
	return list
}
