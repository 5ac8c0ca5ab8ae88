package systemimagetest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// TestArguments compares the reading of a command line with what the
// interpreter's own parser makes of it.
func TestArguments(t *testing.T) {
	tests := []struct{ args, want string }{
		{"a b c --ver 3", "ambiguous option: --ver could match --version, --verbose"},
		{"a b c --ver=3", "ambiguous option: --ver=3 could match --version, --verbose"},
		{"a b c --vers 3", "a b c r=3"},
		{"a b c --version=3 -kvvv", "a b c r=3 k v=3"},
		{"a b c -r", "argument -r/--version: expected one argument"},
		{"a b c -r3", "a b c r=3"},
		{"a b c -tOTA-1", "a b c t=OTA-1"},
		{"a b c --tag=", "a b c t="},
		{"a b c -x", "unrecognized arguments: -x"},
		{"a b c -x 5", "unrecognized arguments: -x 5"},
		{"a b c 5 -x", "unrecognized arguments: 5 -x"},
		{"a b c -vx", "argument --verbose/-v: ignored explicit argument 'x'"},
		{"a b c --verbose=3", "argument --verbose/-v: ignored explicit argument '3'"},
		{"a b", "the following arguments are required: DEVICE"},
		{"a -v b c", "a b c v=1"},
		{"-r 3 a b c -k", "a b c r=3 k"},
		{"a b c -- -d", "unrecognized arguments: -d"},
		{"a b c -r -1", "a b c r=-1"},
		{"a b c -r -v", "argument -r/--version: expected one argument"},
		{"a b c -t -x", "argument -t/--tag: expected one argument"},
		{`a b c -t "-x y"`, "a b c t=-x y"},
		{"a b c --keep", "a b c k"},
		{"a b c -p 1_0", "a b c p=10"},
		{`a b c -p " 7 "`, "a b c p=7"},
		{"a b c -r=3", "a b c r=3"},
		{"a b c d e", "unrecognized arguments: d e"},
		{"a b -- c", "a b c"},
		{"-- a b c", "a b c"},
		{"a b c -kx", "argument -k/--keep-version: ignored explicit argument 'x'"},
		{"a b c --nope=3 d", "unrecognized arguments: --nope=3 d"},
		{`a b c -p ""`, "argument -p/--phased-percentage: invalid int value: ''"},
		{"a b c -v -v --verb", "a b c v=3"},
		{"a b c -pv", "argument -p/--phased-percentage: invalid int value: 'v'"},
		{"a b c --p 5", "ambiguous option: --p could match --phased-percentage, --push-notify"},
		{"a b c --ph 5", "a b c p=5"},
		{`a "b b" c -1`, "unrecognized arguments: -1"},
		{"-vvh", "help"},
		{"a b c --help", "help"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			p := (&Server{}).process("copy-image", &stdout, &stderr)
			for i, part := range strings.Split(tt.args, `"`) {
				if i%2 == 1 {
					p.args = append(p.args, part)
				} else {
					p.args = append(p.args, strings.Fields(part)...)
				}
			}
			a, err := p.parseArgs()
			p.out.Flush()
			got := ""
			switch {
			case err == exit(0) && strings.HasPrefix(stdout.String(), "usage: copy-image"):
				got = "help"
			case err != nil:
				last := lines(stderr.String())
				got = strings.TrimPrefix(last[len(last)-1], "copy-image: error: ")
			default:
				got = strings.Join([]string{a.text["SOURCE-CHANNEL"], a.text["DESTINATION-CHANNEL"], a.text["DEVICE"]}, " ")
				for _, o := range []struct{ short, name string }{{"r", "version"}, {"o", "offset"}, {"p", "phased-percentage"}} {
					if n, ok := a.num[o.name]; ok {
						got += fmt.Sprintf(" %s=%d", o.short, n)
					}
				}
				if tag, ok := a.text["tag"]; ok {
					got += " t=" + tag
				}
				if a.count["keep-version"] > 0 {
					got += " k"
				}
				if n := a.count["verbose"]; n > 0 {
					got += fmt.Sprintf(" v=%d", n)
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A device that is gone from a channel goes from its alias too.
func TestAliasLosesDevice(t *testing.T) {
	s := sampleServer(t)
	path := s.root + "/www/channels.json"
	channels := readObject(t, path)
	delete(devicesOf(channels, stable), "vegetahd")
	if err := writeFile(path, encodeJSON(channels)); err != nil {
		t.Fatal(err)
	}
	if out := run(t, s, "set-phased-percentage", "-v", stable, "krillin", "1", "5"); out.Exit != 0 {
		t.Fatalf("%s", out.Stderr)
	}
	devices := devicesOf(readObject(t, path), "ubuntu-touch/ubuntu-15.04/bq-aquaris.en")
	if _, ok := devices["vegetahd"]; ok || len(devices) != 1 || exists(s.root+"/www/ubuntu-touch/ubuntu-15.04/bq-aquaris.en/vegetahd") {
		t.Errorf("devices of the alias: %v", devices)
	}
}
