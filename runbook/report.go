package runbook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A report is for people: longer results stay in the journal, which has all of
// them, and a long input is cut. Both are in bytes.
const (
	maxResult = 60
	maxShown  = 200
)

// WriteReport writes what a colleague wants to find in the mail: first in three lines
// what happened, what is owed and what comes next, then what is still held and asked,
// and what was done by whom and when. Times are UTC. Steps that went the same way in
// many groups are one line, and so is a cause that many steps share.
func (s Status) WriteReport(w io.Writer) error {
	var b strings.Builder
	header(&b, s)
	held, doubt := "STILL HELD", "In doubt"
	if s.underWay() {
		held, doubt = "Held", "At work"
	}
	section(&b, held, s.Owed(), func(step StepStatus) {
		fmt.Fprintf(&b, "  %s: %s\n", printable(step.Step), printable(step.Intent))
		fmt.Fprintf(&b, "    taken %s%s\n", clock(step.Began), because(step.Error))
	})
	section(&b, doubt, s.InDoubt(), func(step StepStatus) {
		fmt.Fprintf(&b, "  %s: %s\n", printable(step.Step), printable(step.Intent))
		fmt.Fprintf(&b, "    begun %s%s\n", clock(step.Began), because(step.Error))
	})
	section(&b, "Asked", s.Waiting(), func(step StepStatus) {
		label := ""
		if step.Verb == VerbDo {
			label = "    expected result:\n"
		}
		fmt.Fprintf(&b, "  %s: %s\n    since %s", printable(step.Step), printable(step.question()), clock(step.Asked))
		if step.Deadline != nil {
			fmt.Fprintf(&b, ", taken for no after %s", clock(*step.Deadline))
		}
		if len(step.Not) > 0 {
			fmt.Fprintf(&b, ", not to be answered by %s", printable(strings.Join(step.Not, ", ")))
		}
		b.WriteString("\n")
		if len(step.Evidence) > 0 {
			fmt.Fprintf(&b, "%s%s\n", label, Question{Evidence: step.Evidence, Shown: step.Shown}.evidence("    "))
		}
	})
	if s.underWay() && len(s.Far) > 0 {
		b.WriteString("\nHow far\n")
		for _, rec := range s.Far {
			at := clock(rec.Time)
			rec.Time = s.Read
			fmt.Fprintf(&b, "  %s, %s\n", printable(rec.far()), at)
		}
	}
	section(&b, "Due", s.only(func(step StepStatus) bool { return step.Kind == Deferred }), func(step StepStatus) {
		fmt.Fprintf(&b, "  %s: %s\n", printable(step.Step), until(*step.Due, s.Read))
	})
	section(&b, "Notes", s.only(func(step StepStatus) bool { return step.Verb == VerbNote }), func(step StepStatus) {
		fmt.Fprintf(&b, "  %s\n", printable(step.Reason))
	})
	inOrder := slices.SortedStableFunc(slices.Values(s.Steps), func(a, b StepStatus) int { return a.N - b.N })
	inOrder = slices.DeleteFunc(inOrder, func(step StepStatus) bool { return step.Verb == VerbNote })
	section(&b, "Steps", foldSteps(inOrder), func(step StepStatus) {
		fmt.Fprintf(&b, "  %s  %s\n", step.Time.UTC().Format("01-02 15:04:05"), line(step.Record))
		if took := step.Time.Sub(step.Began).Round(time.Second); took > 0 && step.ended() {
			fmt.Fprintf(&b, "                  took %v", took)
			if step.Tries > 1 {
				fmt.Fprintf(&b, " in %d tries", step.Tries)
			}
			b.WriteString("\n")
		}
	})
	fmt.Fprintf(&b, "\nNext\n  %s\n", s.Next())
	section(&b, "Seen", s.only(func(step StepStatus) bool { return step.Seen != "" }), func(step StepStatus) {
		fmt.Fprintf(&b, "  %s: %s, %s\n", printable(step.Step), printable(step.Seen), clock(step.Time))
	})
	_, err := io.WriteString(w, b.String())
	return err
}

// ended reports whether this is work that was begun and came to an end.
func (s StepStatus) ended() bool {
	if s.Verb != VerbDo && s.Verb != VerbWait || s.Tries == 0 {
		return false
	}
	return s.Kind == Done || s.Kind == Failed || s.Kind == Doubt
}

func header(b *strings.Builder, s Status) {
	if s.Starts == 0 {
		b.WriteString("no run yet\n")
		return
	}
	fmt.Fprintf(b, "%s\n", printable(s.Procedure))
	row := func(label, text string) { fmt.Fprintf(b, "  %-8s %s\n", label, text) }
	row("state", s.State())
	if state := s.StateWord(); s.Error != "" && state != StateTime && state != StatePerson { // what is waited for is said
		row("", strings.ReplaceAll(printableLines(s.Cause()), "\n", "\n           "))
	}
	row("owed", s.Held())
	row("next", s.Next())
	b.WriteString("\n")
	row("run", printable(s.Run))
	if len(s.Input) > 0 {
		row("input", few(s.Input))
	}
	if len(s.World) > 0 {
		row("world", few(s.World))
	}
	row("begun", clock(s.Began))
	text := clock(s.Last)
	if s.Operator != "" {
		text += " by " + printable(s.Operator)
	}
	if s.Starts > 1 {
		text += fmt.Sprintf(", start %d", s.Starts)
	}
	row("last", text)
}

// few is JSON in some lines for a person; the journal has all of it.
func few(m json.RawMessage) string {
	const most = 6
	lines := strings.Split(readable(m), "\n")
	if len(lines) > most {
		lines = append(lines[:most], "…")
	}
	for i, line := range lines {
		if len(line) > maxShown {
			lines[i] = strings.ToValidUTF8(line[:maxShown], "") + "…"
		}
	}
	return strings.Join(lines, "\n           ")
}

func section(b *strings.Builder, title string, steps []StepStatus, f func(StepStatus)) {
	if len(steps) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for _, s := range steps {
		f(s)
	}
}

// line is one record in one line, with the name and the result of its step: it
// is read beside the journal and the procedure.
func line(rec Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-9s  %s", rec.word(), rec.Step)
	if rec.Verb == VerbNote {
		b.Reset()
		fmt.Fprintf(&b, "%-9s  %s", rec.word(), rec.Reason)
		return printable(b.String())
	}
	if rec.Intent != "" {
		fmt.Fprintf(&b, ": %s", rec.Intent)
	}
	if short := brief(rec.Result); rec.Verb != VerbGate && short != "" {
		fmt.Fprintf(&b, " -> %s", short)
	}
	if rec.By != "" {
		fmt.Fprintf(&b, ", %s", said(rec))
	} else if rec.Reason != "" {
		fmt.Fprintf(&b, ", %s", rec.Reason)
	}
	if rec.Kind == Deferred && rec.Due != nil {
		fmt.Fprintf(&b, ", until %s", until(*rec.Due, time.Time{}))
	} else if rec.Error != "" {
		fmt.Fprintf(&b, ": %s", strings.ReplaceAll(rec.Error, "\n", "; "))
	}
	return printable(b.String())
}

// brief is what a step returned, if it says something and is short.
func brief(result json.RawMessage) string {
	if len(result) == 0 || len(result) > 2*maxResult || slices.Contains([]string{"null", "{}", "[]", "true"}, compact(result)) {
		return ""
	}
	text := strings.Join(strings.Fields(strings.ReplaceAll(readable(result), "\n", ", ")), " ")
	if len(text) > maxResult {
		return ""
	}
	return text
}

func because(text string) string {
	if text == "" {
		return ""
	}
	return ": " + printable(strings.ReplaceAll(text, "\n", "; "))
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func compact(m json.RawMessage) string {
	var b bytes.Buffer
	text := string(m)
	if json.Compact(&b, m) == nil {
		text = b.String()
	}
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return printable(text)
}

func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}
