package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func TestMain(m *testing.M) {
	if lab.Program() {
		return
	}
	os.Exit(systemimagetest.InMemory(m.Run))
}

func run(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	status = program().Run(t.Context(), args, strings.NewReader(""), &o, &e)
	return status, o.String(), e.String()
}

func TestWhy(t *testing.T) {
	t.Parallel()
	const phased = "ubuntu-touch/stable/meizu.en"
	for name, tt := range map[string]struct {
		args   string
		status int
		says   string
	}{
		"all numbers": {phased + " arale 0", 0, `phones with the numbers 31 to 100, 69.3 % of all:
  nothing is offered to a device at build 0 with number 31 for version 1
  full 1 is at 30 % and reaches devices with numbers up to 30
  let in one after the other while the percentage rises from 31 to 100
`},
		"a number":      {"-draw 42 " + phased + " arale 0", 0, "let in from 42 % on\n"},
		"number 0":      {"-draw 0 " + phased + " arale 0", 0, "offered to a device at build 0"},
		"a machine":     {"-machine-id 0123456789abcdef0123456789abcdef " + phased + " arale 0", 0, "with number 67 for version 1"},
		"up to date":    {phased + " arale 1", 0, "up to date: build 1 is the newest version\n"},
		"ahead":         {phased + " arale 9", 0, "build 9 is ahead of the newest version"},
		"alias":         {"ubuntu-touch/ubuntu-15.04/bq-aquaris.en krillin 1", 0, "is an alias of"},
		"switch":        {"-target x/y ubuntu-touch/ubuntu-15.04/bq-aquaris.en krillin 1", 0, "counts from build 0, not 1"},
		"redirect":      {"ubuntu-touch/rc-proposed/bq-aquaris.en mako 2", 0, "For mako the channel leads to ubuntu-touch/rc-proposed/ubuntu."},
		"no channel":    {"ubuntu-touch/stabel/meizu.en arale 0", 1, "ubuntu-touch/stable/meizu.en"},
		"no device":     {phased + " aral 0", 1, "devices: arale"},
		"no build":      {phased + " arale x", 2, `"x" is no build`},
		"two arguments": {phased + " arale", 2, "want CHANNEL DEVICE BUILD"},
		"draw beyond":   {"-draw 101 " + phased + " arale 0", 2, "phones draw 0 to 100"},
		"both":          {"-draw 1 -machine-id x " + phased + " arale 0", 2, "leave one out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, out, errs := run(t, strings.Fields(tt.args)...)
			if status != tt.status || !strings.Contains(out+errs, tt.says) {
				t.Errorf("exit status %d, want %d; it does not say %q:\n%s%s", status, tt.status, tt.says, out, errs)
			}
			for line := range strings.Lines(out) {
				if len(line) > 81 {
					t.Errorf("longer than 80 columns: %s", line)
				}
			}
		})
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	_, out, errs := run(t, "-json", "ubuntu-touch/stable/meizu.en", "arale", "0")
	var got []answer
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err, out, errs)
	}
	for i := range got {
		got[i].Why = nil
	}
	want := []answer{
		{First: 0, Last: 30, Offered: true, Target: 1, EntersAt: 1, Path: []string{"full 1"}},
		{First: 31, Last: 100, Target: 1, EntersAt: 31},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("answers (-want +got)\n%s", d)
	}
}
