package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPhase(t *testing.T) {
	t.Parallel()
	plot := filepath.Join(t.TempDir(), "ramp.svg")
	for _, tt := range []struct {
		name  string
		args  []string
		stdin string
		says  []string
		usage bool
		fails bool
	}{
		{name: "shares", says: []string{"        1%      1.980 %", "       50%     50.495 %", "     100%    100.000 %"}},
		{name: "ramp", args: []string{"-schedule", "1% 2h ask, 10% 6h, 100%", "-svg", plot},
			says: []string{"2026-01-01T02:00Z               2h         10%     10.89 %", "then ask"}},
		{name: "ramp at fixed times, over a change of clocks", args: []string{"-schedule", "1% at 2026-03-28T09:00+01:00, 10% at 2026-03-29T09:00+02:00, 100% at 2026-04-04T09:00+02:00"},
			says: []string{"2026-03-28T09:00+01:00           0          1%", "2026-03-29T09:00+02:00         23h         10%", "2026-04-04T09:00+02:00       6d23h        100%"}},
		{name: "who", args: []string{"-ids", "-", "-version", "42", "-alias", "ubuntu-touch/stable", "-at", "10"},
			stdin: "0123456789abcdef0123456789abcdef\n\nabc\n",
			says:  []string{"     0         1%  yes        0123456789abcdef0123456789abcdef", "1 of 2 devices"}},
		{name: "repeated and unset ids", args: []string{"-ids", "-", "-version", "42"},
			stdin: "abc\nuninitialized\ndef\n abc\nabc\n00000000000000000000000000000000\n",
			says: []string{"6 of 6 devices", "2 ids are repeated", "line 4: abc stands in line 1 already", "line 5: abc stands in line 1 already",
				"2 lines are no id", "the first is line 2"}},
		{name: "many repeated ids", args: []string{"-ids", "-", "-version", "42"}, stdin: strings.Repeat("abc\n", 20), says: []string{"19 ids are repeated", "and 14 more"}},
		{name: "no version", args: []string{"-ids", "-"}, usage: true},
		{name: "bad percentage", args: []string{"-ids", "-", "-version", "1", "-at", "110"}, usage: true},
		{name: "bad schedule", args: []string{"-schedule", "10%, 5%"}, usage: true},
		{name: "bad time", args: []string{"-schedule", "100%", "-start", "noon"}, usage: true},
		{name: "plot of nothing", args: []string{"-svg", plot}, usage: true},
		{name: "start of nothing", args: []string{"-start", "2026-01-01T00:00Z"}, usage: true},
		{name: "empty schedule", args: []string{"-schedule", ""}, usage: true},
		{name: "percentage of nothing", args: []string{"-at", "10"}, usage: true},
		{name: "long line", args: []string{"-ids", "-", "-version", "1"}, stdin: strings.Repeat("x", 1<<17), fails: true},
		{name: "argument", args: []string{"x"}, usage: true},
		{name: "ids that are none", args: []string{"-ids", "-", "-version", "1"}, stdin: "abc\n\xff\xfe\n", fails: true},
		{name: "no such file", args: []string{"-ids", "/nonexistent/ids", "-version", "1"}, fails: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(tt.args, strings.NewReader(tt.stdin), &out, io.Discard)
			var usage usageError
			if errors.As(err, &usage) != tt.usage || (err != nil) != (tt.usage || tt.fails) {
				t.Fatalf("run(%q) = %v, want usage %v, failure %v", tt.args, err, tt.usage, tt.fails)
			}
			for _, s := range tt.says {
				if !strings.Contains(out.String(), s) {
					t.Errorf("it does not say %q:\n%s", s, out.String())
				}
			}
		})
	}
	b, err := os.ReadFile(plot)
	if err != nil {
		t.Fatal(err)
	}
	for dec := xml.NewDecoder(bytes.NewReader(b)); ; {
		if _, err := dec.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("the plot is no XML: %v", err)
		}
	}
}
