package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage/cause"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/examples/internal/killtest"
)

func TestMain(m *testing.M) { killtest.Main(m, main) }

const testdata = "../../cdimage/testdata"

// run runs the program and returns its exit status and what it printed.
func run(t *testing.T, args ...string) (int, string, string) {
	return runOn(t, nil, args...)
}

// runOn is run with a standard input.
func runOn(t *testing.T, stdin []byte, args ...string) (int, string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := program().Run(t.Context(), args, bytes.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// verdict is the JSON form, as a tool reads it.
type verdict struct {
	Arches map[string]struct {
		State     string  `json:"state"`
		Link      *string `json:"link"`
		Published bool    `json:"published"`
	} `json:"arches"`
	Causes []struct {
		Scope, Class, Line string
	} `json:"causes"`
	Publish  string   `json:"publish"`
	Remedy   string   `json:"remedy"`
	Actions  []string `json:"actions"`
	Finished bool     `json:"finished_marker"`
}

// expected is what is to be said of one recorded log.
type expected struct {
	File, Kind string
	Arches     map[string]struct {
		State, Link string
		LivefsLog   string `json:"livefs_log"`
		Published   bool
	}
	Causes   []cause.Cause
	Publish  string
	Finished bool `json:"finished_marker"`
	ExitCode *int `json:"exit_code"` // null: the run had not ended when the log was taken
	Remedy   string
	Actions  []string
}

// What is printed with -json agrees with the expected verdicts on the recorded
// logs, by their names of fields and classes.
func TestRecordedLogs(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(testdata, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []expected
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, c := range cases {
		var args []string
		switch c.Kind {
		case "cd-build-log", "command output":
			args = []string{"-json", "-log", existing(c.File)}
			if c.ExitCode != nil {
				args = append(args, "-ended")
			}
			for label, a := range c.Arches {
				// where the verdict is expected of the log alone, it is asked for
				bare := slices.ContainsFunc(c.Causes, func(x cause.Cause) bool { return x.Class == cause.Unknown })
				if a.LivefsLog != "" && !bare {
					args = append(args, "-livefs", label+"="+existing(a.LivefsLog))
				}
			}
		case "livefs-log":
			args = []string{"-json", "-livefs", existing(c.File)}
		default:
			continue
		}
		seen++
		t.Run(c.File, func(t *testing.T) {
			t.Parallel()
			code, out, errs := run(t, args...)
			var got verdict
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("%v\n%s%s", err, out, errs)
			}
			wrong := len(c.Causes) > 0 || c.Publish == "none" || c.Publish == "partial" || c.Publish == "broken"
			if want := map[bool]int{false: 0, true: 1}[wrong]; code != want {
				t.Errorf("exit status %d, want %d", code, want)
			}
			compare(t, c, got)
		})
	}
	if seen < 50 {
		t.Errorf("%d cases, want those of builds and live file systems", seen)
	}
}

func existing(name string) string {
	path := filepath.Join(testdata, name)
	if _, err := os.Stat(path); err != nil {
		return path + ".gz"
	}
	return path
}

func compare(t *testing.T, c expected, got verdict) {
	t.Helper()
	if len(got.Arches) != len(c.Arches) {
		t.Errorf("%d architectures, want %d", len(got.Arches), len(c.Arches))
	}
	for label, want := range c.Arches {
		a := got.Arches[label]
		link := ""
		if a.Link != nil {
			link = *a.Link
		}
		if a.State != want.State || link != want.Link || a.Published != want.Published {
			t.Errorf("%s: %+v, want %+v", label, a, want)
		}
	}
	if c.Kind != "livefs-log" && (got.Publish != c.Publish || got.Finished != c.Finished) {
		t.Errorf("publish %q, finished %v, want %q, %v", got.Publish, got.Finished, c.Publish, c.Finished)
	}
	for _, want := range c.Causes {
		if !slices.ContainsFunc(got.Causes, func(g struct{ Scope, Class, Line string }) bool {
			return g.Scope == want.Scope && g.Class == string(want.Class) && strings.Contains(g.Line, strings.TrimSpace(want.Line))
		}) {
			t.Errorf("cause %+v is not among %+v", want, got.Causes)
		}
	}
	if len(c.Causes) == 0 && len(got.Causes) > 0 {
		t.Errorf("causes %+v, want none", got.Causes)
	}
	if diff := cmp.Diff(c.Actions, got.Actions); diff != "" {
		t.Errorf("remedy %q, want %q (-want +got):\n%s", got.Remedy, c.Remedy, diff)
	}
}

func TestOnTheLab(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "lab")
	for _, tt := range []struct {
		name string
		args []string
		want int
		says []string
	}{
		{name: "newest", want: 1, says: []string{
			"ubuntu-touch-custom-i386: network", "ERROR 404", "publish-only re-run safe: yes",
			"can import ubuntu-touch-custom-armhf", "cannot import ubuntu-touch-custom-i386: not published; what the directory has for it is an older"}},
		{name: "followed to Launchpad", args: []string{"-project", "ubuntu-touch"}, want: 1, says: []string{
			"ubuntu-touch-i386: dependency, package ubuntu-touch", "publish-only re-run safe: no"}},
		{name: "no such build", args: []string{"-id", "20010101"}, want: 2, says: []string{"not found"}},
		{name: "no ID", args: []string{"-id", "yesterday"}, want: 2, says: []string{"yesterday"}},
		{name: "no project", args: []string{"-project", "Ubuntu Touch"}, want: 2, says: []string{"Ubuntu Touch"}},
		{name: "image", args: []string{"https://cdimage.example.net/ubuntu-touch/vivid/daily-preinstalled/20010101/x.tar.gz"}, want: 2, says: []string{"daily-preinstalled-20010101.log"}},
		{name: "image that names no build", args: []string{"https://cdimage.example.net/ubuntu-touch/vivid/daily-preinstalled/pending/"}, want: 2, says: []string{"pending"}},
		{name: "two builds", args: []string{"-id", "20010101", "http://x/ubuntu-touch/vivid/daily-preinstalled/20010101/"}, want: 2, says: []string{"leave"}},
	} {
		t.Run(tt.name, func(t *testing.T) { // one after the other: they share the folder
			code, out, errs := run(t, append([]string{"-lab", dir}, tt.args...)...)
			if code != tt.want {
				t.Errorf("exit status %d, want %d", code, tt.want)
			}
			for _, s := range tt.says {
				if !strings.Contains(out+errs, s) {
					t.Errorf("it does not say %q:\n%s%s", s, out, errs)
				}
			}
		})
	}
}

func TestLogAddress(t *testing.T) {
	t.Parallel()
	tree := httptest.NewServer(&cdimagetest.LogTree{Dir: filepath.Join(testdata, "cd-build-logs"), Prefix: "/~archive/cd-build-logs"})
	defer tree.Close()
	code, out, errs := run(t, tree.URL+"/~archive/cd-build-logs/ubuntu-touch-custom/vivid/daily-preinstalled-20160913.log")
	if code != 1 || !strings.HasPrefix(out, "ubuntu-touch-custom/vivid/daily-preinstalled-20160913: published, but not") {
		t.Errorf("exit status %d\n%s%s", code, out, errs)
	}
	if code, _, errs := run(t, tree.URL+"/~archive/cd-build-logs/ubuntu-touch-custom/vivid/daily-preinstalled-20010101.log"); code != 2 || !strings.Contains(errs, "not found") {
		t.Errorf("a log that is not there: exit status %d, %s", code, errs)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := filepath.Join(testdata, "cd-build-logs/ubuntu-touch-custom/vivid/daily-preinstalled-20160906.1.log")
	livefs := existing("livefs/vivid-i386-unmet.txt")
	other := existing("livefs/stonking-arm64-raspi-dpkg.txt")
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	_, plain, _ := runOn(t, text, "-log", "-")
	if _, unpacked, _ := runOn(t, z.Bytes(), "-log", "-"); plain == "" || unpacked != plain {
		t.Errorf("packed on the standard input:\n%s\nplain:\n%s", unpacked, plain)
	}
	packed := file("saved-from-mail", z.Bytes())
	named := file("daily-preinstalled-20160906.1.log.gz", z.Bytes())
	torn := file("torn", z.Bytes()[:z.Len()/2])
	killed := existing("cd-build-logs/ubuntu-touch-custom/vivid/daily-preinstalled-20161003.log")
	for _, tt := range []struct {
		name string
		args []string
		want int
		says string
	}{
		{"livefs log finds its architecture", []string{"-log", log, "-livefs", livefs}, 1, "ubuntu-touch-custom-i386: dependency"},
		{"livefs log of another build", []string{"-log", log, "-livefs", other}, 2, "say which architecture"},
		{"told its architecture", []string{"-log", log, "-livefs", "ubuntu-touch-custom-i386=" + other}, 1, "ubuntu-touch-custom-i386: package"},
		{"gzip by its first bytes", []string{"-log", packed}, 1, "build: published, but not"},
		{"named by flags", []string{"-log", packed, "-project", "ubuntu-touch-custom", "-series", "vivid", "-type", "daily-preinstalled", "-id", "20160906.1"}, 1, "ubuntu-touch-custom/vivid/daily-preinstalled-20160906.1: "},
		{"torn gzip", []string{"-log", torn}, 1, "do: fetch the log again"},
		{"torn livefs log", []string{"-log", log, "-livefs", "ubuntu-touch-custom-i386=" + torn}, 1, "note: livefs log of ubuntu-touch-custom-i386: "},
		{"named by its file", []string{"-log", named}, 1, "daily-preinstalled 20160906.1: published, but not"},
		{"livefs log in its place", []string{"-log", livefs}, 2, "a livefs log"},
		{"something else", []string{"-log", file("else", []byte("hello\n"))}, 0, "if it is a cd-build-log at all"},
		{"at work", []string{"-log", killed}, 0, "-ended"},
		{"killed", []string{"-log", killed, "-ended"}, 1, "nothing published"},
		{"hours later", []string{"-log", killed, "-now", "2016-10-03T20:00:00Z"}, 1, "nothing published"},
		{"soon after", []string{"-log", killed, "-now", "2016-10-03T03:00:00Z"}, 0, "at work"},
		{"odd time", []string{"-log", killed, "-now", "noon"}, 2, "-now noon"},
		{"directory", []string{"-log", dir}, 2, ""},
		{"page", []string{"-log", existing("html/touch-vivid-pre.html")}, 2, "HTML"},
		{"no file", []string{"-log", filepath.Join(dir, "absent")}, 2, "absent"},
		{"two standard inputs", []string{"-log", "-", "-livefs", "-"}, 2, "only one"},
		{"livefs logs of nothing", []string{"-livefs", livefs, "-livefs", other}, 2, "-log"},
		{"address too", []string{"-log", log, "http://x/y.log"}, 2, "no address"},
		{"good live file system", []string{"-livefs", existing("livefs/vivid-armhf-ok.txt")}, 0, "good"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := run(t, tt.args...)
			if code != tt.want || !strings.Contains(out+errs, tt.says) {
				t.Errorf("exit status %d, want %d; printed, without %q:\n%s%s", code, tt.want, tt.says, out, errs)
			}
		})
	}
}
