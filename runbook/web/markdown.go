package web

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/landingteam/landing/runbook"
)

// ReportMarkdown writes the report of a run for a mail, a wiki or a bug.
func ReportMarkdown(w io.Writer, s runbook.Status) error {
	v := viewOf(s, nil)
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\n", mark(cmp.Or(s.Procedure, "no run yet")), mark(s.State()))
	facts := [][2]string{{"run", s.Run}, {"input", compact(s.Input)}, {"world", compact(s.World)}, {"begun", clock(s.Began)},
		{"last", clock(s.Last)}, {"by", s.Operator}, {"starts", fmt.Sprint(s.Starts)}, {"next", s.Next()}}
	for _, f := range facts {
		if f[1] != "" {
			fmt.Fprintf(&b, "- %s: %s\n", f[0], mark(f[1]))
		}
	}
	if fault := v.Fault(); fault != "" {
		fmt.Fprintf(&b, "\n%s", fenced(fault))
	}
	v.marked(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// marked writes the parts of a report that stand below its head.
func (v *view) marked(b *strings.Builder) {
	title := "Still held"
	if v.UnderWay() {
		title = "Held"
	}
	list(b, title, v.Owed, func(s runbook.StepStatus) string {
		return fmt.Sprintf("**%s**, taken %s%s", mark(s.Intent), clock(s.Began), why(s.Error))
	})
	list(b, "In doubt", v.Doubt, func(s runbook.StepStatus) string {
		return fmt.Sprintf("**%s**, begun %s%s", mark(s.Intent), clock(s.Began), why(s.Error))
	})
	list(b, "Asked", v.Asked, func(q question) string {
		text := fmt.Sprintf("**%s** since %s", mark(q.Text), clock(q.Asked))
		if !q.Deadline.IsZero() {
			text += ", taken for no after " + clock(q.Deadline)
		}
		if len(q.Not) > 0 {
			text += ", not to be answered by " + mark(strings.Join(q.Not, ", "))
		}
		return text + evidence(q.Question)
	})
	list(b, "Later", v.Later, func(s runbook.StepStatus) string { return fmt.Sprintf("%s: %s", mark(s.Step), clock(*s.Due)) })
	list(b, "Notes", v.Notes, func(s runbook.StepStatus) string { return mark(s.Reason) })
	list(b, "Answered", v.Gates, func(g gate) string {
		return fmt.Sprintf("**%s** %s%s, %s%s", mark(g.Intent), g.Kind, by(g.StepStatus), clock(g.Time), evidence(g.Question))
	})
	if v.Ramp != nil {
		fmt.Fprint(b, "\n## Ramp\n\n| time | image | from | to | true share |\n| --- | --- | --- | --- | --- |\n")
		for _, p := range v.Ramp.Points {
			fmt.Fprintf(b, "| %s | %s | %d %% | %d %% | %.2f %% |\n", clock(p.Time), mark(p.Image), p.From, p.To, p.Share)
		}
	}
	for _, g := range v.Groups {
		list(b, "Steps"+mark(strings.TrimSuffix(": "+g.Name, ": ")), g.Steps, func(s runbook.StepStatus) string {
			text := fmt.Sprintf("%s  %s", clock(s.Time), mark(s.String()))
			if d := took(g.Lasted(s)); d != "" {
				text += ", took " + d
			}
			return text
		})
	}
}

// by says who answered, and why.
func by(s runbook.StepStatus) string {
	if s.By == "" {
		return ": " + mark(s.Reason)
	}
	return strings.TrimSuffix(fmt.Sprintf(" by %s: %s", mark(s.By), mark(s.Reason)), ": ")
}

func why(text string) string {
	if text == "" {
		return ""
	}
	return ": " + mark(text)
}

func list[T any](b *strings.Builder, title string, all []T, text func(T) string) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", title)
	for _, one := range all {
		fmt.Fprintf(b, "- %s\n", text(one))
	}
}

// marks are the characters that mean something in Markdown.
var marks = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "#", `\#`,
	"|", `\|`, "~", `\~`, "!", `\!`, "&", `\&`, "$", `\$`, "\n", " ", "\t", " ")

// mark makes a text of others mean nothing in Markdown.
func mark(text string) string { return marks.Replace(printable(text)) }

// evidence is what a person was shown, indented below its item.
func evidence(q runbook.Question) string {
	text := textOf(q)
	if text == "" {
		return ""
	}
	return "\n\n  " + strings.ReplaceAll(strings.TrimRight(fenced(text), "\n"), "\n", "\n  ")
}

// fenced is a text between fences that are longer than any in it.
func fenced(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fmt.Sprintf("%s\n%s\n%s\n", fence, printable(text), fence)
}
