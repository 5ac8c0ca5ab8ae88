package procedure

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/phasing"
)

// HotfixInput is what one run of [Hotfix] is asked to do. It stands in the
// journal: until the fix is public, that must be as private as the fix.
type HotfixInput struct {
	Problem         string        `json:"problem"`                   // one line, for those who assess and decide
	Countermeasures []string      `json:"countermeasures,omitempty"` // what is switched off until users have the fix
	Support         string        `json:"support"`                   // the team that is on stand-by
	Grace           time.Duration `json:"grace"`                     // between announcement and the end of the countermeasures

	Security    string   `json:"security"`               // private PPA with the fix, "ppa:OWNER/NAME"
	AllowPublic bool     `json:"allow_public,omitempty"` // the fix is public anyway: take it from a public PPA
	Packages    []string `json:"packages"`               // source packages of the fix
	Series      string   `json:"series"`                 // of the packages

	Snapshot string              `json:"snapshot"`         // PPA that the images are built from
	Origin   string              `json:"origin,omitempty"` // PPA that the snapshot is made of; empty: it is used as it is
	Replay   *launchpad.Manifest `json:"replay,omitempty"` // of the last stable image: the versions to take from Origin
	Create   bool                `json:"create,omitempty"` // make the snapshot PPA when there is none
	Overlay  string              `json:"overlay"`          // PPA that rc-proposed is built with

	Builds []HotfixBuild `json:"builds"`
	From   string        `json:"from"` // path element of the rc channels' names, such as "rc"
	To     string        `json:"to"`   // such as "stable"
	Tag    string        `json:"tag"`  // such as "OTA-13.1"

	Schedule phasing.Schedule `json:"schedule,omitzero"` // none: linear over phasing.EmergencyRamp
	Not      []string         `json:"not,omitempty"`     // who may not answer the gates, such as who prepared the fix
}

// A HotfixBuild is a root file system and the rc channels that get it.
type HotfixBuild struct {
	Project  string   `json:"project"`          // such as "ubuntu-touch" or "ubuntu-pd"
	Type     string   `json:"image_type"`       // such as "daily-preinstalled"
	Series   string   `json:"series"`           // such as "vivid"
	Folder   string   `json:"images"`           // folder of the published builds on the image server's host
	File     string   `json:"file"`             // entry of the channels' files that it is, such as "ubuntu"
	Channels []string `json:"channels"`         // rc channels
	Arches   []string `json:"arches,omitempty"` // that their devices need; empty: all of the project
}

func (b HotfixBuild) set() cdimage.ImageSet {
	return cdimage.ImageSet{Project: b.Project, Series: b.Series, Type: b.Type}
}

// An InputFault is something that is wrong with an input.
type InputFault struct {
	Field string // its name in JSON; of builds[1].file, that
	Text  string
}

func (f InputFault) Error() string { return f.Text }

// Faults lists all that is wrong with the input, in the order of its fields.
func (in HotfixInput) Faults() (faults []InputFault) {
	fault := func(field, format string, args ...any) {
		faults = append(faults, InputFault{field, fmt.Sprintf(format, args...)})
	}
	for _, f := range [...]struct{ name, value string }{
		{"problem", in.Problem}, {"support", in.Support}, {"series", in.Series}, {"from", in.From}, {"to", in.To}, {"tag", in.Tag},
	} {
		if f.value == "" {
			fault(f.name, "a hotfix needs to know: %s", f.name)
		}
	}
	for _, f := range [...]struct{ name, ppa string }{{"security", in.Security}, {"snapshot", in.Snapshot}, {"overlay", in.Overlay}} {
		if _, _, ok := ppaName(f.ppa); !ok {
			fault(f.name, "%q: the PPAs of fix, snapshot and overlay are named ppa:OWNER/NAME", f.ppa)
		}
	}
	for _, rule := range [...]struct {
		broken      bool
		field, text string
	}{
		{in.Security != "" && (in.Security == in.Snapshot || in.Security == in.Overlay) || in.Snapshot != "" && in.Snapshot == in.Overlay, "security", "fix, snapshot and overlay are three PPAs"},
		{in.Replay != nil && in.Origin == "", "origin", "a manifest is replayed from an origin: say which PPA"},
		{len(in.Packages) == 0, "packages", "a hotfix needs the source packages of the fix: without them all of the security PPA would be public"},
		{len(in.Builds) == 0, "builds", "a hotfix needs at least one build"},
		{in.Grace < 0, "grace", "the grace period is negative"},
		{strings.Contains(in.Tag, ","), "tag", fmt.Sprintf("tag %q: no comma can be in it", in.Tag)},
	} {
		if rule.broken {
			fault(rule.field, "%s", rule.text)
		}
	}
	return append(faults, in.buildFaults()...)
}

// check joins the faults.
func (in HotfixInput) check() error {
	var all []error
	for _, f := range in.Faults() {
		all = append(all, f)
	}
	return errors.Join(all...)
}

// buildFaults makes sure that every channel gets one build.
func (in HotfixInput) buildFaults() (faults []InputFault) {
	seen, sets := map[string]bool{}, map[cdimage.ImageSet]bool{}
	for i, b := range in.Builds {
		fault := func(field, format string, args ...any) {
			faults = append(faults, InputFault{fmt.Sprintf("builds[%d]%s", i, field), fmt.Sprintf(format, args...)})
		}
		if b.Folder == "" || b.File == "" || len(b.Channels) == 0 {
			fault("", "build of %s: images, file and channels are needed", b.Project)
		}
		if err := (builder.Request{ImageSet: b.set()}).Validate(); err != nil {
			fault("", "%v", err)
		}
		if sets[b.set()] {
			fault(".project", "%s is listed twice: name all its channels in one build", b.Project)
		}
		sets[b.set()] = true
		for _, channel := range b.Channels {
			if seen[channel] {
				fault(".channels", "channel %s would get two builds", channel)
			} else if _, ok := replaceElement(channel, in.From, in.To); !ok {
				fault(".channels", "channel %s has no path element %q", channel, in.From)
			}
			seen[channel] = true
		}
	}
	return faults
}

func (in HotfixInput) channels() (list []string) {
	for _, b := range in.Builds {
		list = append(list, b.Channels...)
	}
	slices.Sort(list)
	return list
}
