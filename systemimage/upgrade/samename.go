package upgrade

import (
	"fmt"
	"path"

	"github.com/landingteam/landing/systemimage"
)

// clash finds two files of a path that a device stores under one name though they are
// not one: it refuses the whole update then, at each check anew. Only what is
// downloaded in one round counts, see [Offer.Files].
func clash(images []systemimage.Image) error {
	type source struct{ path, checksum string }
	stored := map[string]source{}
	o := Offer{Way: Way{Path: images}}
	for _, f := range o.Files() {
		for _, s := range []source{{f.Path, f.Checksum}, {f.Signature, ""}} {
			name := path.Base(s.path)
			if s.path == "" {
				continue
			}
			if other, ok := stored[name]; ok && other != s {
				place, what := other.path+" and "+s.path, "are stored under one name"
				if other.path == s.path {
					place, what = s.path, "is there with two checksums"
				}
				return &systemimage.Error{Op: "find upgrade", Place: place, Kind: systemimage.ErrBroken,
					Err: fmt.Errorf("%s on the way %s, and devices refuse the update because of it", what, pathText(images))}
			}
			stored[name] = s
		}
	}
	return nil
}
