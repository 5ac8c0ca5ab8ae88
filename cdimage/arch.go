package cdimage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// An Arch is one live file system of a run. In a [Diagnosis] it has no builder and
// no times.
type Arch struct {
	Label   string    // "ubuntu-touch-custom-armhf"
	Builder string    // "Launchpad", or a builder's host name before 2014-06
	Start   time.Time // when it was asked for
	End     time.Time // zero without an end line

	// State is Launchpad's word in the end line. Without one it is empty; in a
	// [Diagnosis] it is then "in progress" or "unknown".
	State  string
	Link   string // web page of the build in Launchpad, may be empty
	Reused string // API address of an older build taken instead of a new one

	Published bool // its image is in the published directory
}

// Good reports whether the live file system was built.
func (a Arch) Good() bool { return a.State == "Successfully built" || a.State == "success" }

// Arches are those of one build, in the order in which they were asked for.
// Their JSON form is an object with the labels as names; it is that of a
// [Diagnosis].
type Arches []Arch

type archJSON struct {
	State     string  `json:"state"`
	Link      *string `json:"link"`
	Reused    string  `json:"reused,omitempty"`
	Published bool    `json:"published"`
}

// MarshalJSON writes {"label": {"state": …, "link": …, "published": …}, …}.
func (v Arches) MarshalJSON() ([]byte, error) {
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
		j := archJSON{State: a.State, Reused: a.Reused, Published: a.Published}
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
func (v *Arches) UnmarshalJSON(b []byte) error {
	var m map[string]archJSON
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*v = nil
	for label, j := range m {
		a := Arch{Label: label, State: j.State, Reused: j.Reused, Published: j.Published}
		if j.Link != nil {
			a.Link = *j.Link
		}
		*v = append(*v, a)
	}
	slices.SortFunc(*v, func(x, y Arch) int { return strings.Compare(x.Label, y.Label) })
	return nil
}

// diagnosed returns them as a [Diagnosis] has them: without times, and with a word
// for the state of those that have no end line.
func (v Arches) diagnosed(running bool) (out Arches) {
	for _, a := range v {
		a = Arch{Label: a.Label, State: a.State, Link: a.Link, Reused: a.Reused, Published: a.Published}
		switch {
		case a.State != "":
		case running:
			a.State = "in progress"
		default:
			a.State = "unknown"
		}
		out = append(out, a)
	}
	return out
}

// find returns the entry for a label, nil when there is none.
func (v Arches) find(label string) *Arch {
	for i := range v {
		if v[i].Label == label {
			return &v[i]
		}
	}
	return nil
}

// flavourNames are the flavours of an architecture that labels call otherwise than
// ARCHES and the publisher do: the plain one first.
var flavourNames = [][2]string{{"", "generic"}, {"unleashed", "sifive_fu540"}, {"unmatched", "sifive_hifive_unmatched_fu740"}}

// Label returns the label of the architecture that ARCHES, the publisher or a file
// calls name, "" when there is none: arm64+raspi stands for ...-arm64-raspi and
// amd64, where that is so called, for ...-amd64-generic. The files of an Android
// device say armhf+mako, those of its recovery armel+mako.
func (v Arches) Label(name string) string {
	cpu, flavour, _ := strings.Cut(name, "+")
	suffixes := []string{"-" + strings.ReplaceAll(name, "+", "-")}
	for _, f := range flavourNames {
		if f[0] == flavour {
			suffixes = append(suffixes, "-"+cpu+"-"+f[1])
		}
	}
	switch cpu {
	case "armel", "armhf":
		suffixes = append(suffixes, "-armhf")
	case "i386":
		suffixes = append(suffixes, "-i386")
	case "":
		return ""
	}
	for _, suffix := range suffixes {
		for _, a := range v {
			if strings.HasSuffix(a.Label, suffix) {
				return a.Label
			}
		}
	}
	return ""
}

// archInLabel finds the architecture behind the project, and its flavour.
var archInLabel = regexp.MustCompile(`-(amd64v3|amd64|arm64|armel|armhf|hppa|i386|ia64|lpia|powerpc|ppc64el|riscv64|s390x|sparc)(?:-(\S+))?$`)

// Name returns what ARCHES and the publisher call the architecture with the label:
// arm64+raspi for ubuntu-server-arm64-raspi. It is "" when Label is none.
func (a Arch) Name() string {
	m := archInLabel.FindStringSubmatch(a.Label)
	if m == nil {
		return ""
	}
	flavour := m[2]
	for _, f := range flavourNames {
		if f[1] == flavour {
			flavour = f[0]
		}
	}
	if flavour == "" {
		return m[1]
	}
	return m[1] + "+" + flavour
}

// LabelOfFile returns the label of the architecture that a file of the published
// directory is of, "" when it is of none: the name ends in a dash, the architecture
// as [Arches.Label] knows it, and what kind of file it is.
func (v Arches) LabelOfFile(file string) string {
	name, _, _ := strings.Cut(file[strings.LastIndexByte(file, '-')+1:], ".")
	if name == "" {
		return ""
	}
	return v.Label(name)
}

// labelOfBuild returns the label of the livefs build with a number.
func (v Arches) labelOfBuild(number string) string {
	for _, a := range v {
		if strings.HasSuffix(a.Link, "/+build/"+number) || strings.HasSuffix(a.Reused, "/+build/"+number) {
			return a.Label
		}
	}
	return ""
}
