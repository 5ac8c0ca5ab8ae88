package linediff_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/internal/linediff"
)

// lines are those of a text; none of an empty one.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func TestLines(t *testing.T) {
	for _, tc := range []struct{ name, before, now, want string }{
		{"nothing", "", "", ""},
		{"the same", "a\nb", "a\nb", " a\n b\n"},
		{"one line", "arale 42\nkrillin 7", "arale 43\nkrillin 7", "-arale 42\n+arale 43\n krillin 7\n"},
		{"added", "a\nc", "a\nb\nc", " a\n+b\n c\n"},
		{"taken away", "a\nb\nc", "a\nc", " a\n-b\n c\n"},
		{"all", "a", "b", "-a\n+b\n"},
		{"moved", "a\nb\nc\nd", "c\na\nb\nd", "+c\n a\n b\n-c\n d\n"},
		{"from nothing", "", "a", "+a\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, joined(linediff.Lines(lines(tc.before), lines(tc.now)), " -+", true)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// joined is the lines of a difference that have one of the signs.
func joined(list []linediff.Line, signs string, signed bool) string {
	var b strings.Builder
	for _, line := range list {
		if !strings.Contains(signs, line.Sign) {
			continue
		}
		if signed {
			b.WriteString(line.Sign)
		}
		b.WriteString(line.Text + "\n")
	}
	return b.String()
}

// A difference has all lines of both texts, in order.
func FuzzLines(f *testing.F) {
	f.Add("a\nb\nc", "a\nx\nc")
	f.Add("", "\n\n")
	f.Fuzz(func(t *testing.T, before, now string) {
		if strings.Count(before, "\n")+strings.Count(now, "\n") > 500 {
			return // the time is quadratic
		}
		list := linediff.Lines(lines(before), lines(now))
		for _, tc := range []struct{ text, signs string }{{before, " -"}, {now, " +"}} {
			want := tc.text + "\n"
			if tc.text == "" {
				want = ""
			}
			if got := joined(list, tc.signs, false); got != want {
				t.Errorf("the lines %q are %q, want %q", tc.signs, got, want)
			}
		}
	})
}
