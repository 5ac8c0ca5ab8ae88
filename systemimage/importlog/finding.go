package importlog

import (
	"encoding/json"
	"slices"

	"github.com/landingteam/landing/systemimage"
)

// An About is the part of an import that a finding is about.
type About string

// The parts of an import.
const (
	AboutImporter About = "importer"      // its line in the crontab
	AboutLock     About = "lock"          // the global lock of the server
	AboutConfig   About = "configuration" // etc/config
	AboutRun      About = "run"           // the run as a whole, and the server it is on
	AboutSource   About = "source"        // where a file comes from
	AboutTree     About = "tree"          // what is published
	AboutImage    About = "image"         // an image that was published and should not have been
)

// A Finding is something wrong with an import, with what proves it. Class names
// the rule that knew it; Channel and Device are the first place that it was seen
// at, empty for the run as a whole; Problem is the cause.
//
// In JSON the cause is called cause, and all places are one list.
type Finding struct {
	systemimage.Finding

	About     About
	Elsewhere []Place  // the same in further channels and devices
	Quotes    []Quote  // lines that prove it
	Commands  []string // that help, for a shell in the server's root, in this order
	Waiting   []Place  // what did not have its turn because of it, and mostly never has
}

// A Place is a channel, or a device of it.
type Place struct {
	Channel string `json:"channel"`
	Device  string `json:"device,omitempty"`
}

// String is the place in words.
func (p Place) String() string {
	if p.Device == "" {
		return p.Channel
	}
	return p.Channel + " for " + p.Device
}

// A Quote is a line of a log or of a file on the server.
type Quote struct {
	File string `json:"file,omitempty"` // empty: the log
	Line int    `json:"line"`           // from 1
	Text string `json:"text"`
}

// NewFinding is a finding about the run as a whole, or about places.
func NewFinding(about About, class, problem, remedy string, places ...Place) Finding {
	f := Finding{About: about, Finding: systemimage.Finding{Severity: systemimage.Harmful, Class: class, Problem: problem, Remedy: remedy}}
	f.add(places...)
	return f
}

// Places are all channels and devices that it was seen at; none for the run as a
// whole.
func (f Finding) Places() []Place {
	if f.Channel == "" {
		return nil
	}
	return append([]Place{{f.Channel, f.Device}}, f.Elsewhere...)
}

// FailedURLs are the addresses that the quoted lines complain about, with dots in
// place of what may be secret.
func (f Finding) FailedURLs() []string {
	return failedURLs(func(yield func(string) bool) {
		for _, q := range f.Quotes {
			if !yield(q.Text) {
				return
			}
		}
	})
}

// findingJSON is how a finding stands in journals and in the JSON of programs.
type findingJSON struct {
	About    About                `json:"about"`
	Class    string               `json:"class,omitempty"`
	Severity systemimage.Severity `json:"severity,omitempty"`
	Places   []Place              `json:"places,omitempty"`
	Path     string               `json:"place,omitempty"`
	Cause    string               `json:"cause"`
	Quotes   []Quote              `json:"quotes,omitempty"`
	Remedy   string               `json:"remedy"`
	Commands []string             `json:"commands,omitempty"`
	Waiting  []Place              `json:"waiting,omitempty"`
	Blocks   bool                 `json:"blocks,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (f Finding) MarshalJSON() ([]byte, error) {
	return json.Marshal(findingJSON{f.About, f.Class, f.Severity, f.Places(), f.Place, f.Problem, f.Quotes, f.Remedy, f.Commands, f.Waiting, f.Blocks})
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *Finding) UnmarshalJSON(b []byte) error {
	var j findingJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*f = Finding{About: j.About, Quotes: j.Quotes, Commands: j.Commands, Waiting: j.Waiting, Finding: systemimage.Finding{
		Severity: j.Severity, Class: j.Class, Place: j.Path, Problem: j.Cause, Remedy: j.Remedy, Blocks: j.Blocks}}
	f.add(j.Places...)
	return nil
}

// add adds places, each once.
func (f *Finding) add(places ...Place) {
	for _, p := range places {
		switch {
		case p.Channel == "": // the run as a whole
		case f.Channel == "":
			f.Channel, f.Device = p.Channel, p.Device
		case !slices.Contains(f.Places(), p):
			f.Elsewhere = append(f.Elsewhere, p)
		}
	}
}
