package importlog

import (
	"strings"
	"testing"
)

// What stops a run once is not said to stop every one.
func TestWaitingInText(t *testing.T) {
	const (
		passing = "  It kept from their turn: c\n"
		lasting = "  It keeps from their turn, on every run: c\n"
	)
	for name, want := range map[string]string{
		"killed": passing, "log-ends": passing, "locked": passing, "left-over": lasting, "unsigned-payload": lasting,
	} {
		r := Report{Findings: []Finding{{About: AboutRun, Waiting: []Place{{Channel: "c"}}}}}
		r.Findings[0].Class = name
		var b strings.Builder
		if err := r.WriteText(&b); err != nil || !strings.Contains(b.String(), want) {
			t.Errorf("%s: %v\n%swant %q", name, err, &b, want)
		}
	}
}
