package importlog

import (
	"strings"
	"testing"
)

// What is secret in an address does not reach the report.
func TestDiagnoseKeepsSecrets(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"2026-11-22 09:58:02,122 ERROR Failed to retrieve url http://robot:hunter2@a.example.net/x?token=hunter2",
		"ValueError: unknown url type: 'robot:hunter2@a.example.net/x'",
		"2026-11-22 09:58:02,122 ERROR see https://hunter2@a.example.net/",
	} {
		r, err := Diagnose(strings.NewReader("2026-11-22 09:58:01,122 ERROR <urlopen error>\nTraceback (most recent call last):\n"+line+"\n"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := r.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		if text := b.String(); strings.Contains(text, "hunter2") || !strings.Contains(text, "a.example.net") {
			t.Errorf("%s is told as\n%s", line, text)
		}
	}
}
