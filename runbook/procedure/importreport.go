package procedure

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage/importlog"
)

// An ImportReport is what an investigation of the importer came to: a value for
// programs, and with WriteText a text for the bug.
type ImportReport struct {
	Channel string `json:"channel,omitempty"` // what was asked about; empty is every channel
	Device  string `json:"device,omitempty"`  // empty is every device

	Looked   []string        `json:"looked"`             // what was looked at, in words
	Outcomes []ImportTurn    `json:"outcomes,omitempty"` // what happened to the channels and devices that were asked about
	Findings []ImportFinding `json:"findings,omitempty"` // what is wrong, what keeps most from their turn first
	Notices  []string        `json:"notices,omitempty"`  // what one should know and is no cause
	Verdict  ImportVerdict   `json:"verdict"`
}

// An ImportVerdict is the end of an investigation.
type ImportVerdict string

const (
	ImportHealthy   ImportVerdict = "nothing wrong"      // there are no findings
	ImportCause     ImportVerdict = "cause found"        // by ImportReport.Findings
	ImportNotKnown  ImportVerdict = "cannot tell"        // what was looked at does not say
	ImportStillMiss ImportVerdict = "no cause, no image" // nothing is wrong, and the newest build is not published
)

// An ImportTurn is what an import came to for a device, or for a whole channel.
type ImportTurn struct {
	Channel   string            `json:"channel"`
	Device    string            `json:"device,omitempty"`
	Outcome   importlog.Outcome `json:"outcome"`
	Version   int               `json:"version,omitempty"`
	Detail    string            `json:"version_detail,omitempty"`
	Deltas    int               `json:"deltas,omitempty"`
	Generator string            `json:"generator,omitempty"`
	Line      int               `json:"line,omitempty"` // of the log, where it begins
}

func (t ImportTurn) place() ImportPlace { return ImportPlace{t.Channel, t.Device} }

// An ImportPlace is a channel, or a device of it.
type ImportPlace struct {
	Channel string `json:"channel"`
	Device  string `json:"device,omitempty"`
}

func (p ImportPlace) String() string {
	if p.Device == "" {
		return p.Channel
	}
	return p.Channel + " for " + p.Device
}

// An ImportFinding is something wrong, with what proves it and what mends it.
type ImportFinding struct {
	About  string        `json:"about"`            // importer, lock, configuration, run, source, tree or image
	Places []ImportPlace `json:"places,omitempty"` // empty: the run as a whole
	Cause  string        `json:"cause"`
	Quotes []ImportQuote `json:"quotes,omitempty"`
	Remedy string        `json:"remedy"`
	// Commands are for a shell in the server's root, in this order.
	Commands []string `json:"commands,omitempty"`
	// Waiting are channels and devices that never had their turn because of it.
	Waiting []ImportPlace `json:"waiting,omitempty"`
}

// An ImportQuote is a line of a log or of etc/config.
type ImportQuote struct {
	File string `json:"file,omitempty"` // empty: the log
	Line int    `json:"line"`           // from 1
	Text string `json:"text"`
}

// Found reports whether something is wrong or the image is missing: all but
// ImportHealthy.
func (r ImportReport) Found() bool { return r.Verdict != ImportHealthy }

// Headline is the report in one line.
func (r ImportReport) Headline() string {
	what := "the import"
	if r.Channel != "" {
		what += " of " + ImportPlace{r.Channel, r.Device}.String()
	} else if r.Device != "" {
		what += " for " + r.Device
	}
	switch {
	case len(r.Findings) > 0:
		more := ""
		if n := len(r.Findings) - 1; n > 0 {
			more = fmt.Sprintf(" (and %d more)", n)
		}
		return fmt.Sprintf("%s: %s%s", what, oneLine(r.Findings[0].Cause), more)
	case r.Verdict == ImportNotKnown:
		return what + ": what was looked at does not tell"
	}
	return what + ": " + string(r.Verdict)
}

// WriteText writes the report as one would paste it into the bug.
func (r ImportReport) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", capital(r.Headline()))
	list := func(title string, lines []string) {
		if len(lines) > 0 {
			fmt.Fprintf(&b, "\n%s\n", title)
		}
		for _, l := range lines {
			fmt.Fprintf(&b, "  * %s\n", l)
		}
	}
	list("Looked at:", r.Looked)
	r.writeOutcomes(&b)
	for i, f := range r.Findings {
		fmt.Fprintf(&b, "\nCause %d of %d (%s)", i+1, len(r.Findings), f.About)
		if len(f.Places) > 0 {
			fmt.Fprintf(&b, ", %s", joinPlaces(f.Places, 6))
		}
		fmt.Fprintf(&b, ":\n  %s\n", oneLine(f.Cause))
		for _, q := range f.Quotes {
			where := fmt.Sprintf("line %d", q.Line)
			if q.File != "" {
				where = q.File + " " + where
			}
			fmt.Fprintf(&b, "    > %s: %s\n", where, oneLine(q.Text))
		}
		if len(f.Waiting) > 0 {
			fmt.Fprintf(&b, "  It keeps from their turn, on every run: %s\n", joinPlaces(f.Waiting, 12))
		}
		fmt.Fprintf(&b, "  Remedy: %s\n", f.Remedy)
		for _, c := range f.Commands {
			fmt.Fprintf(&b, "    $ %s\n", c)
		}
	}
	list("Besides:", r.Notices)
	_, err := io.WriteString(w, b.String())
	return err
}

// maxShown is how many outcomes of one kind the text names one by one.
const maxShown = 40

func (r ImportReport) writeOutcomes(b *strings.Builder) {
	if len(r.Outcomes) == 0 {
		return
	}
	fmt.Fprint(b, "\nWhat happened:\n")
	shown, left := 0, 0
	for _, t := range r.Outcomes {
		if shown == maxShown {
			left++
			continue
		}
		shown++
		fmt.Fprintf(b, "  * %s: %s", t.place(), t.Outcome)
		switch {
		case t.Version > 0:
			fmt.Fprintf(b, ", version %d (%s), deltas: %d", t.Version, oneLine(t.Detail), t.Deltas)
		case t.Generator != "":
			fmt.Fprintf(b, " at the generator %s", t.Generator)
		}
		fmt.Fprintln(b)
	}
	if left > 0 {
		fmt.Fprintf(b, "  * and %d more\n", left)
	}
}

func joinPlaces(places []ImportPlace, limit int) string {
	var words []string
	for i, p := range places {
		if i == limit {
			words = append(words, fmt.Sprintf("%d more", len(places)-limit))
			break
		}
		words = append(words, p.String())
	}
	return strings.Join(words, ", ")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// asked reports whether a channel and device were asked about. The whole channel
// is about each of its devices.
func (r *ImportReport) asked(p ImportPlace) bool {
	return (r.Channel == "" || p.Channel == r.Channel) && (r.Device == "" || p.Device == "" || p.Device == r.Device)
}

// add adds a finding, or its places to the same one that is there already.
func (r *ImportReport) add(f ImportFinding) {
	f.Cause, f.Remedy = redact(f.Cause), redact(f.Remedy)
	for i, c := range f.Commands {
		f.Commands[i] = redact(c)
	}
	i := slices.IndexFunc(r.Findings, func(o ImportFinding) bool {
		return o.About == f.About && o.Cause == f.Cause && o.Remedy == f.Remedy && (len(o.Places) > 0) == (len(f.Places) > 0)
	})
	if i < 0 {
		r.Findings = append(r.Findings, f)
		return
	}
	o := &r.Findings[i]
	o.Places = append(o.Places, f.Places...)
	o.Waiting = append(o.Waiting, f.Waiting...)
}

func (r *ImportReport) notice(format string, a ...any) {
	if text := redact(fmt.Sprintf(format, a...)); !slices.Contains(r.Notices, text) {
		r.Notices = append(r.Notices, text)
	}
}
