package importlog

import (
	"fmt"
	"io"
	"strings"
)

// Headline is the report in one line.
func (r Report) Headline() string {
	what := "the import"
	if r.Channel != "" {
		what += " of " + Place{r.Channel, r.Device}.String()
	} else if r.Device != "" {
		what += " for " + r.Device
	}
	switch {
	case len(r.Findings) > 0:
		more := ""
		if n := len(r.Findings) - 1; n > 0 {
			more = fmt.Sprintf(" (and %d more)", n)
		}
		return fmt.Sprintf("%s: %s%s", what, oneLine(r.Findings[0].Problem), more)
	case r.Verdict == CannotTell:
		return what + ": what was looked at does not tell"
	}
	return what + ": " + string(r.Verdict)
}

// WriteText writes the report as one would paste it into the bug.
func (r Report) WriteText(w io.Writer) error {
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
		if f.Channel != "" {
			fmt.Fprintf(&b, ", %s", joinPlaces(f.Places(), 6))
		}
		fmt.Fprintf(&b, ":\n  %s\n", oneLine(f.Problem))
		for _, q := range f.Quotes {
			where := fmt.Sprintf("line %d", q.Line)
			if q.File != "" {
				where = q.File + " " + where
			}
			fmt.Fprintf(&b, "    > %s: %s\n", where, oneLine(q.Text))
		}
		if len(f.Waiting) > 0 {
			how := "keeps from their turn, on every run"
			switch f.Class {
			case "killed", "log-ends", "locked": // not the next one
				how = "kept from their turn"
			}
			fmt.Fprintf(&b, "  It %s: %s\n", how, joinPlaces(f.Waiting, 12))
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

func (r Report) writeOutcomes(b *strings.Builder) {
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

func joinPlaces(places []Place, limit int) string {
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
