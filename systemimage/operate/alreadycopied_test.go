package operate

import (
	"regexp"
	"strings"
	"testing"
)

// What a remedy says of a percentage must not do harm: raise what was taken back, or
// take from devices what is out.
func TestRemediesOfPercentages(t *testing.T) {
	command := regexp.MustCompile(`set-phased-percentage -v .* (\d+)`)
	got := CopyResult{Channel: "ubuntu touch/stable", Device: "krillin", Version: 2}
	for _, tt := range []struct {
		name    string
		text    string
		says    string
		advises string // the percentage of a command
	}{
		{"there before, taken back", otherPercentage(0, 100), "if it was taken back it stays so", ""},
		{"there before, on its way", otherPercentage(30, 100), "a rollout that goes on raises it", ""},
		{"there before, out already", otherPercentage(100, 0), "if it was released meanwhile it goes on", ""},
		{"just copied, stopped at once", otherThanCopied(got, 0, 100), "somebody may have stopped it", ""},
		{"just copied, at too much", otherThanCopied(got, 100, 0), "unless it was released since, run set-phased-percentage -v 'ubuntu touch/stable' krillin 2 0", "0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			advises := ""
			if m := command.FindStringSubmatch(tt.text); m != nil {
				advises = m[1]
			}
			if !strings.Contains(tt.text, tt.says) || advises != tt.advises {
				t.Errorf("%q, want %q and advice of %q", tt.text, tt.says, tt.advises)
			}
		})
	}
}
