package cdimage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Verdicts are those of one build, in the order in which the architectures
// were asked for. Their JSON form is an object with the labels as names.
type Verdicts []Verdict

type verdictJSON struct {
	State     string  `json:"state"`
	Link      *string `json:"link"`
	Reused    string  `json:"reused,omitempty"`
	Published bool    `json:"published"`
}

// MarshalJSON writes {"label": {"state": …, "link": …, "published": …}, …}.
func (v Verdicts) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, a := range v {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(a.Label)
		if err != nil {
			return nil, err
		}
		j := verdictJSON{State: a.State, Reused: a.Reused, Published: a.Published}
		if a.Link != "" {
			j.Link = &a.Link
		}
		value, err := json.Marshal(j)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:%s", name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, in the order of the labels.
func (v *Verdicts) UnmarshalJSON(b []byte) error {
	var m map[string]verdictJSON
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*v = nil
	for label, j := range m {
		a := Verdict{Label: label, State: j.State, Reused: j.Reused, Published: j.Published}
		if j.Link != nil {
			a.Link = *j.Link
		}
		*v = append(*v, a)
	}
	slices.SortFunc(*v, func(x, y Verdict) int { return strings.Compare(x.Label, y.Label) })
	return nil
}

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
		if d.Republish.Safe {
			safe = "yes"
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

// String says the cause in one line, without the line of the log.
func (c Cause) String() string {
	s := string(c.Class)
	if c.Scope != "" {
		s = c.Scope + ": " + s
	}
	if c.Underlying != "" {
		s += ", underlying " + string(c.Underlying)
	}
	if c.Package != "" {
		s += ", package " + c.Package
	}
	if c.Severity != "" {
		s += " (" + c.Severity + ")"
	}
	if c.Needs != "" {
		s += " (needs the " + c.Needs + ")"
	}
	return s
}
