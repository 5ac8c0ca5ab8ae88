package runbooktest

import (
	"strings"

	"github.com/landingteam/landing/runbook/internal/linediff"
)

// diff shows the lines in which two texts differ, with - and +, and one line
// around them. It is empty when they are equal.
func diff(want, got string) string {
	lines := linediff.Lines(strings.Split(want, "\n"), strings.Split(got, "\n"))
	var out strings.Builder
	near := func(n int) bool { return n >= 0 && n < len(lines) && lines[n].Sign != " " }
	for n, line := range lines {
		if near(n-1) || near(n) || near(n+1) {
			out.WriteString(line.Sign + " " + line.Text + "\n")
		}
	}
	return out.String()
}
