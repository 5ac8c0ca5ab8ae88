package cdimage

import (
	"fmt"
	"strings"
)

// String returns the diagnosis as one would write it into a bug report.
func (d Diagnosis) String() string {
	var b strings.Builder
	name := "build"
	switch {
	case d.Project != "":
		name = d.Build.String()
	case !d.ID.IsZero():
		name = d.Type + " " + d.ID.String()
	}
	fmt.Fprintf(&b, "%s: %s\n", name, d.headline())
	width := 0
	for _, a := range d.Arches {
		width = max(width, len(a.Label))
	}
	for _, a := range d.Arches {
		state := a.State
		switch {
		case a.Published:
			state += ", published"
		case d.Publish == NotYet:
		default:
			state += ", not published"
		}
		fmt.Fprintf(&b, "  %-*s  %s\n", width, a.Label, state)
		if link := a.Link; link != "" || a.Reused != "" {
			if link == "" {
				link = "reused " + a.Reused
			}
			fmt.Fprintf(&b, "  %-*s  %s\n", width, "", link)
		}
	}
	for i, c := range d.Causes {
		head := "why"
		if i > 0 {
			head = "and"
		}
		fmt.Fprintf(&b, "%s: %s\n", head, c)
		if c.Line != "" {
			where := ""
			if c.Number > 0 {
				where = fmt.Sprintf("line %d", c.Number)
			}
			fmt.Fprintf(&b, "  %s> %s\n", where, strings.TrimSpace(c.Line))
		}
	}
	fmt.Fprintf(&b, "do: %s\n", d.Remedy)
	if d.Publish != Complete {
		safe := "no"
		switch {
		case d.Republish.Safe:
			safe = "yes"
		case d.Republish.First != "":
			safe = "no, first " + d.Republish.First
		}
		fmt.Fprintf(&b, "publish-only re-run safe: %s (%s)\n", safe, d.Republish.Why)
	}
	return b.String()
}

func (d Diagnosis) headline() string {
	switch d.Publish {
	case Complete:
		return "published, complete"
	case Partial:
		return "published, but not for all architectures"
	case None:
		return "nothing published"
	case Skipped:
		return "finished without publishing"
	case Broken:
		return "died while publishing, pending and current still point to the image before"
	}
	if d.Running {
		return "at work"
	}
	return "no verdict"
}
