package runbook

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
)

// String is the question as a person is shown it: the evidence, below it what is asked,
// and who may not answer and until when, if that is so. What could steer a terminal is
// replaced. What may be answered is [Question.Offers].
func (q Question) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", printable(q.Step))
	if len(q.Evidence) > 0 {
		if q.Doubt {
			b.WriteString("  expected result:\n")
		}
		fmt.Fprintf(&b, "%s\n\n", q.evidence("    "))
	}
	fmt.Fprintf(&b, "  %s\n", printable(q.Text))
	if len(q.Not) > 0 {
		fmt.Fprintf(&b, "  Not to be answered by %s.\n", printable(strings.Join(q.Not, ", ")))
	}
	if !q.Deadline.IsZero() {
		fmt.Fprintf(&b, "  Taken for no after %s.\n", clock(q.Deadline))
	}
	return b.String()
}

// choice is a verdict as it is offered.
type choice struct {
	verdict Verdict
	means   string
}

// choices are what a question can be answered with.
func (q Question) choices() []choice {
	if q.Doubt {
		return []choice{{Yes, "it happened"}, {No, "it did not: do it again"}, {Stop, "leave it open"}}
	}
	return []choice{{Yes, "go on"}, {No, cmp.Or(q.OnNo, "end this run for good")}, {Later, "leave it open"}}
}

// Offers says what may be answered, and what each leads to: "yes (go on), no (end this
// run for good), later (leave it open)".
func (q Question) Offers() string {
	var offers []string
	for _, c := range q.choices() {
		offers = append(offers, fmt.Sprintf("%s (%s)", c.verdict, printable(c.means)))
	}
	return strings.Join(offers, ", ")
}

// Verdict is what a word, or its first letter, means as an answer; false is none.
func (q Question) Verdict(word string) (Verdict, bool) {
	word = strings.ToLower(word)
	for _, c := range append(q.choices(), choice{verdict: Later}) {
		if word == string(c.verdict) || word == string(c.verdict[:1]) {
			return c.verdict, true
		}
	}
	return "", false
}

// printable keeps what others wrote from steering the terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
			return unicode.ReplacementChar
		}
		return c
	}, s)
}
