package operate

import (
	"fmt"
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

// copiedDetail is the version_detail that copy-image and tag-image give a copy:
// the entries of the source without its number, the tag replaced, the new number.
func copiedDetail(source string, setTag bool, tag string, version int) string {
	var entries []string
	for entry := range strings.SplitSeq(source, ",") {
		if strings.HasPrefix(entry, "version=") || setTag && strings.HasPrefix(entry, "tag=") {
			continue
		}
		entries = append(entries, entry)
	}
	if setTag && tag != "" {
		entries = append(entries, "tag="+tag)
	}
	return strings.Join(append(entries, fmt.Sprintf("version=%d", version)), ",")
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
