package cdimage

import (
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// recordedLines are those of the recorded logs, and each with other bytes at its begin.
func recordedLines(t *testing.T) (lines []string) {
	t.Helper()
	seen := map[string]bool{}
	err := fs.WalkDir(os.DirFS("testdata"), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".log") && !strings.HasSuffix(path, ".gz") {
			return err
		}
		f, err := os.Open("testdata/" + path)
		if err != nil {
			return err
		}
		defer f.Close()
		plain, err := unpack(f)
		if err != nil {
			return nil // recorded because it is broken
		}
		text, _ := io.ReadAll(io.LimitReader(plain, 8<<20))
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\r\n")
			if kind := strings.Join(strings.FieldsFunc(line, func(c rune) bool { return c >= '0' && c <= '9' }), "#"); !seen[kind] {
				seen[kind] = true
				lines = append(lines, line)
			}
		}
		return nil
	})
	if err != nil || len(lines) < 2000 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for _, line := range slices.Clone(lines) {
		for _, begin := range []string{"E: ", "Error: ", "  ", "apt: wget: ", "\xff"} {
			lines = append(lines, begin+line[min(len(line), 3):])
		}
	}
	return lines
}

// literalLines finds the lines that hold one of some literals: in all of them at once,
// which is much faster than in one after the other.
func literalLines(lines []string) func(literals []string) []bool {
	text := strings.Join(lines, "\n")
	ends := make([]int, len(lines)) // the first byte behind each line and its end
	for n, line := range lines {
		ends[n] = len(line) + 1
		if n > 0 {
			ends[n] += ends[n-1]
		}
	}
	return func(literals []string) []bool {
		holds := make([]bool, len(lines))
		for _, l := range literals {
			for at := 0; at < len(text); {
				i := strings.Index(text[at:], l)
				if i < 0 {
					break
				}
				n, _ := slices.BinarySearch(ends, at+i+1)
				holds[n], at = true, ends[n]
			}
		}
		return holds
	}
}

// No line that a pattern matches is passed over for its begin, most of the anchored
// patterns have one, and what was taken apart matches the same.
func TestBeginnings(t *testing.T) {
	lines := recordedLines(t)
	with := literalLines(lines)
	anchored, known, parted := 0, 0, 0
	for _, tab := range []*table{defaultRules().livefs, defaultRules().build} {
		for _, r := range tab.rules {
			if strings.HasPrefix(r.Pattern, "^") {
				anchored++
			}
			if len(r.begins) > 0 {
				known++
			}
			if len(r.parts) > 1 {
				parted++
			}
			holds := with(r.Literals)
			for n, line := range lines {
				if n%50 > 0 && !holds[n] {
					continue // it is not tried; a few are, for what a rule may be given
				}
				if len(r.parts) > 1 && r.re.MatchString(line) != slices.ContainsFunc(r.parts, func(re *regexp.Regexp) bool { return re.MatchString(line) }) {
					t.Fatalf("%s: its parts say something else of %q", r.Pattern, line)
				}
				if !r.begins.may([]byte(line)) && r.re.MatchString(line) {
					t.Fatalf("%s: %q is passed over", r.Pattern, line)
				}
			}
		}
	}
	if known*10 < anchored*8 || parted == 0 {
		t.Errorf("%d of %d anchored patterns have a begin, %d have parts", known, anchored, parted)
	}
	for pattern, want := range map[string][2]string{ // lines that match, and that are told apart by their begin
		`^(?:E|Error): x`: {"Error: x", "W: x"},
		`^[\w.-]+: x`:     {"a-b: x", " a: x"},
		`(?i)^ok`:         {"O\u212a", "no"},
		`^.é`:             {"aé", ""},
		`^a?b*`:           {"", ""},
		`^a$|^bc`:         {"bc", ""},
	} {
		re, b := regexp.MustCompile(pattern), beginnings(pattern)
		if !re.MatchString(want[0]) || !b.may([]byte(want[0])) || want[1] != "" && b.may([]byte(want[1])) {
			t.Errorf("%s: %q %v, %q %v", pattern, want[0], b.may([]byte(want[0])), want[1], b.may([]byte(want[1])))
		}
	}
}

// Noise is told as by the one pattern that says what it is.
func TestNoise(t *testing.T) {
	pattern := regexp.MustCompile(`^(?:initctl|invoke-rc\.d|start-stop-daemon|runlevel|update-rc\.d|gconftool|dbus|systemctl|Failed to connect to (?:bus|socket)|Get:\d|Selecting previously|Preparing to |Unpacking |Setting up |Processing triggers|I: Retrieving |I: Validating )|policy-rc\.d|Upstart|D-Bus|/dbus|system_bus_socket`)
	lines := append(recordedLines(t), "Get:", "Get:1", "Get:x", "policy-rc-d", "xpolicy-rc.d", "Failed to connect to bus", "Failed to connect to x", "I: Retrieving", "I: Retrieving x")
	noisy := 0
	for _, line := range lines {
		want := pattern.MatchString(line)
		if want {
			noisy++
		}
		if isNoise([]byte(line)) != want {
			t.Fatalf("%q: noise %v, want %v", line, !want, want)
		}
	}
	if noisy < 100 {
		t.Errorf("%d lines are noise", noisy)
	}
}
