package importlog

import (
	"fmt"
	"slices"
)

// A Report is what a diagnosis came to: a value for programs, and with WriteText a
// text for the bug.
type Report struct {
	Channel string `json:"channel,omitempty"` // what was asked about; empty is every channel
	Device  string `json:"device,omitempty"`  // empty is every device

	Looked   []string  `json:"looked"`             // what was looked at, in words
	Outcomes []Turn    `json:"outcomes,omitempty"` // what happened to the channels and devices that were asked about
	Findings []Finding `json:"findings,omitempty"` // what is wrong, what keeps most from their turn first
	Notices  []string  `json:"notices,omitempty"`  // what one should know and is no cause
	Verdict  Verdict   `json:"verdict"`
}

// A Verdict is the end of a diagnosis.
type Verdict string

// The verdicts.
const (
	Healthy      Verdict = "nothing wrong"      // there are no findings
	CauseFound   Verdict = "cause found"        // by Report.Findings
	CannotTell   Verdict = "cannot tell"        // what was looked at does not say
	StillMissing Verdict = "no cause, no image" // nothing is wrong, and the newest build is not published
)

// A Turn is what an import came to for a device, or for a whole channel.
type Turn struct {
	Channel   string  `json:"channel"`
	Device    string  `json:"device,omitempty"`
	Outcome   Outcome `json:"outcome"`
	Version   int     `json:"version,omitempty"`
	Detail    string  `json:"version_detail,omitempty"`
	Deltas    int     `json:"deltas,omitempty"`
	Generator string  `json:"generator,omitempty"`
	Line      int     `json:"line,omitempty"` // of the log, where it begins
}

func (t Turn) place() Place { return Place{t.Channel, t.Device} }

// Wrong reports whether something is wrong or the image is missing: all but
// Healthy.
func (r Report) Wrong() bool { return r.Verdict != Healthy }

// Asked reports whether a channel and device were asked about. The whole channel
// is about each of its devices.
func (r *Report) Asked(p Place) bool {
	return (r.Channel == "" || p.Channel == r.Channel) && (r.Device == "" || p.Device == "" || p.Device == r.Device)
}

// Add adds a finding, or its places to the same one that is there already. What
// may be secret in an address is left out.
func (r *Report) Add(f Finding) {
	f.Problem, f.Remedy, f.Commands = Redact(f.Problem), Redact(f.Remedy), slices.Clone(f.Commands)
	for i, c := range f.Commands {
		f.Commands[i] = Redact(c)
	}
	i := slices.IndexFunc(r.Findings, func(o Finding) bool {
		return o.About == f.About && o.Problem == f.Problem && o.Remedy == f.Remedy && (o.Channel != "") == (f.Channel != "")
	})
	if i < 0 {
		r.Findings = append(r.Findings, f)
		return
	}
	o := &r.Findings[i]
	o.add(f.Places()...)
	o.Waiting = append(o.Waiting, f.Waiting...)
}

// Notice adds what one should know and is no cause, once. What may be secret in an
// address is left out.
func (r *Report) Notice(format string, a ...any) {
	if text := Redact(fmt.Sprintf(format, a...)); !slices.Contains(r.Notices, text) {
		r.Notices = append(r.Notices, text)
	}
}

// Take adds what another report has found about the same channels and devices. A
// finding about the lock or the configuration that is here already has the better
// remedy: it gets the lines that prove it.
func (r *Report) Take(o Report) {
	r.Looked = append(r.Looked, o.Looked...)
	r.Outcomes = append(r.Outcomes, o.Outcomes...)
	for _, f := range o.Findings {
		at := slices.IndexFunc(r.Findings, func(h Finding) bool {
			return h.About == f.About && (f.About == AboutLock || f.About == AboutConfig && (h.Channel == "" || f.Channel == "" || h.Channel == f.Channel))
		})
		if at < 0 {
			r.Findings = append(r.Findings, f)
			continue
		}
		h := &r.Findings[at]
		h.Quotes, h.Waiting = append(h.Quotes, f.Quotes...), append(h.Waiting, f.Waiting...)
	}
	r.Notices = append(r.Notices, o.Notices...)
	if o.Verdict != CauseFound {
		r.Verdict = o.Verdict
	}
}

// Conclude says what the findings amount to, when nothing else did.
func (r *Report) Conclude() {
	switch {
	case len(r.Findings) > 0:
		r.Verdict = CauseFound
	case r.Verdict == "":
		r.Verdict = Healthy
	}
}
