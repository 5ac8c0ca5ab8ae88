package systemimage

import (
	"strings"
)

// A Severity says how bad a [Finding] is.
type Severity string

// The severities, the worst first.
const (
	Harmful Severity = "error"   // devices fail, or get what they should not
	Risky   Severity = "warning" // works today; the next publication or some devices will not
	Worth   Severity = "note"    // worth knowing
)

// A Finding is something that a release manager should know about a tree, the
// channel configuration or an import, with what mends it.
type Finding struct {
	Severity Severity `json:"severity,omitempty"`
	Class    string   `json:"class,omitempty"`   // a short word for programs, such as "missing-file"
	Channel  string   `json:"channel,omitempty"` // what it is about; empty for the whole
	Device   string   `json:"device,omitempty"`
	Place    string   `json:"place,omitempty"`  // a path of the tree or of the host, or a part of a document
	Problem  string   `json:"problem"`          // what is wrong and what it does
	Remedy   string   `json:"remedy"`           // what to do about it, with the command where there is one
	Blocks   bool     `json:"blocks,omitempty"` // copying, tagging, phasing or importing would fail or publish damage
}

// String is the finding in one line.
func (f Finding) String() string {
	var parts []string
	for _, part := range []string{string(f.Severity), strings.Join(strings.Fields(f.Channel+" "+f.Device+" "+f.Place), " "), f.Problem} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	text := strings.Join(parts, ": ")
	if f.Remedy != "" {
		text += "; " + f.Remedy
	}
	return text
}
