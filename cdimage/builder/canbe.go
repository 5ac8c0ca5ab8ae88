package builder

import (
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage"
)

// canBe reports whether a log can be that of a run of this request: it has live file
// systems of the kind that was asked for, and of no other architecture. Archives are
// in no log.
func (r Request) canBe(log *cdimage.BuildLog) bool {
	building := slices.ContainsFunc(log.Stages, func(s cdimage.Stage) bool { return strings.HasPrefix(s.Name, "Building live filesystems") })
	switch live := !r.PublishOnly || r.Reuse; {
	case live && len(log.Stages) > 0 && !building, !live && building:
		return false
	}
	var asked []string
	for _, name := range r.Arches {
		asked = append(asked, log.Arches.Label(name))
	}
	for _, a := range log.Arches {
		reused := a.Reused != ""
		if reused && !r.PublishOnly || !reused && a.Link != "" && r.PublishOnly || len(asked) > 0 && !slices.Contains(asked, a.Label) {
			return false
		}
	}
	return true
}
