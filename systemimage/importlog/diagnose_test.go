package importlog

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// logCase is what a report on a recording must say. The first name that a
// recording's begins with counts. Without a cause nothing is wrong.
type logCase struct {
	name, channel, device string
	verdict               Verdict
	about, cause, remedy  string
	command               string // part of one of the commands
}

const bqProposed = "ubuntu-touch/rc-proposed/bq-aquaris.en"

var logCases = []logCase{
	// what a log of this level cannot tell
	{name: "import-ok-one-device-v0", verdict: CannotTell},
	{name: "import-ok-one-device-v1", verdict: CannotTell},
	{name: "era2016-import-ok-one-device-v0", verdict: CannotTell},
	{name: "era2016-import-ok-one-device-v1", verdict: CannotTell},
	{name: "era2016-import-ok-one-device-v2", verdict: CannotTell},
	{name: "import-nothing-new-v0", verdict: CannotTell},
	{name: "import-nothing-new-v1", verdict: CannotTell},
	{name: "import-lock-held-v0", verdict: CannotTell},
	{name: "import-lock-held-v1", verdict: CannotTell},
	{name: "import-config-missing-deltabase-v1", verdict: CannotTell},
	// well
	{name: "import-ok-one-device"}, {name: "era2016-import-ok-one-device"}, {name: "import-nothing-new"}, {name: "import-several-channels"},
	{name: "import-first-images"}, {name: "import-flock1-does-not-lock"}, {name: "import-good-newer-marked"}, {name: "import-good-older-marked"},
	{name: "import-tmpdir-missing"}, {name: "import-config-missing-deltabase-v2"}, {name: "import-config-unknown-option"},
	// published, and what is wrong with it is not in any log
	{name: "import-auto-channel-alias-configured"}, {name: "import-bad-html-tarball-first-image"},
	{name: "import-disk-full-v2-after-space-freed"}, {name: "import-expired-key-v2-after-fix"},
	// nothing done, exit status 0
	{name: "import-lock-held", about: "lock", cause: "held the global lock", remedy: "find out what holds it", command: "fuser"},
	{name: "era2016-import-lock-held", about: "lock", cause: "held the global lock", remedy: "find out what holds it"},
	{name: "import-config-malformed-line", about: "configuration", cause: "empty configuration", remedy: "mend line 48 "},
	{name: "import-config-duplicate-section", about: "configuration", cause: "empty configuration", remedy: "mend line 52 "},
	{name: "import-config-duplicate-option", about: "configuration", cause: "empty configuration", remedy: "mend line 17 "},
	{name: "import-config-type-atuo-v2", channel: bqProposed, about: "configuration", cause: "type is not exactly the word auto", remedy: "type = auto", command: "[channel_" + bqProposed + "]"},
	{name: "import-config-type-atuo-v3", channel: bqProposed, about: "configuration", cause: "type is not exactly the word auto", remedy: "type = auto"},
	{name: "import-config-inline-comment", channel: bqProposed, about: "configuration", cause: "with a comment behind it", remedy: "type = auto"},
	{name: "import-config-channel-not-in-tree", about: "tree", cause: "never created in the tree", remedy: "pub.create_channel"},
	// a source failed, exit status 0
	{name: "import-fail-device-404", about: "source", cause: "HTTP Error 404", remedy: "upload it, or correct the address", command: "http://jenkins.example.net/krillin/device_krillin.tar.xz"},
	{name: "import-fail-device-500", about: "source", cause: "HTTP Error 500", remedy: "tell its owner", command: "/_500/arale/device_arale.tar.xz"},
	{name: "import-fail-custom-refused", about: "source", cause: "Connection refused", remedy: "cannot be reached", command: ":81/aquaris/"},
	{name: "import-fail-dns", about: "source", cause: "name resolution", remedy: "cannot be resolved", command: "custom.nowhere.example"},
	{name: "import-fail-monitor-404", about: "source", cause: "Failed to download", remedy: "upload it, or correct the address", command: ".build"},
	{name: "import-fail-monitor-html", about: "source", cause: "Invalid or missing version number", remedy: "one line, the version"},
	{name: "import-fail-monitor-refused", about: "source", cause: "Connection refused", remedy: "cannot be reached"},
	{name: "import-good-none-marked", about: "source", cause: "marked good", remedy: ".marked_good"},
	{name: "import-config-wrong-cdimage-path-v3", about: "source", cause: "Directory not found: /srv/cdimage.ubuntu.com/full/ubuntu-touch/daily-preinstaled", remedy: "correct the path"},
	{name: "import-config-wrong-cdimage-path-v2", about: "source", cause: "wrong path, series or product", remedy: "correct path"},
	{name: "import-config-wrong-series-v3", about: "source", cause: "wily-preinstalled", remedy: "series"},
	{name: "import-config-wrong-series-v2", about: "source", cause: "wrong path, series", remedy: "series"},
	{name: "import-config-series-comma-option", about: "source", cause: "vivid,import=any-preinstalled", remedy: "series"},
	{name: "import-config-system-image-bad-channel", about: "source", cause: "Channel not in the published list", remedy: "correct the channel"},
	{name: "import-config-system-image-bad-device", about: "source", cause: "Device not in the channel list", remedy: "device="},
	{name: "import-config-system-image-file-eq", about: "source", cause: "No match found", remedy: "plain prefix"},
	{name: "import-config-missing-keyring", about: "configuration", cause: "keyring tarball", remedy: "secret/gpg/keyrings"},
	{name: "import-config-version-first", about: "configuration", cause: "stands first", remedy: "last in files"},
	{name: "import-mirror-unreachable", about: "run", cause: "a mirror was not told", remedy: "mirrors in [global]"},
	{name: "import-bad-monitor-one-line-html", about: "image", cause: "<html>login please</html>", remedy: "take the image back"},
	// the run died
	{name: "import-config-unknown-generator", about: "configuration", cause: "Invalid generator: cdimage-ubunut", remedy: "every channel after this one waits", command: "cdimage-ubunut;"},
	{name: "import-config-unknown-generator", channel: bqProposed, device: "krillin", about: "configuration", cause: "Invalid generator: cdimage-ubunut", remedy: "every channel after this one waits"},
	{name: "era2016-import-unknown-generator", about: "configuration", cause: "Invalid generator: cdimage-ubunut", remedy: "every channel after"},
	{name: "import-abort-url-without-scheme", about: "configuration", cause: "unknown url type", remedy: "begin with http://", command: "custom.example.net/aquaris/custom-aquaris.en-new.tar.xz"},
	{name: "import-config-comma-space-in-options", about: "configuration", cause: "'split'", remedy: "blank behind a comma", command: "^file_"},
	{name: "import-config-fullcount-not-number", about: "configuration", cause: "'three'", remedy: "whole numbers"},
	{name: "import-config-mirror-section-missing", about: "configuration", cause: "Missing mirror_default section", remedy: "etc/config"},
	{name: "import-config-missing-file-key", about: "configuration", cause: "Missing file entry: file_custom", remedy: "add file_custom"},
	{name: "import-config-missing-section", about: "configuration", cause: "Missing channel section", remedy: "add the section [channel_ubuntu-touch/rc/meizu.en]"},
	{name: "import-config-missing-v2", about: "configuration", cause: "Configuration file doesn't exist", remedy: "missing on the server"},
	{name: "import-config-no-public-fqdn", about: "configuration", cause: "public_fqdn", remedy: "add public_fqdn"},
	{name: "import-corrupt-channels-json", about: "run", cause: "JSONDecodeError", remedy: "channels.json"},
	{name: "import-disk-full-v2", about: "run", cause: "No space left", remedy: "make room", command: "df"},
	{name: "import-tmp-full", about: "run", cause: "No space left", remedy: "make room", command: "/tmp"},
	{name: "import-expired-key-v2", about: "run", cause: "InvalidSigners", remedy: "expired", command: "gpg"},
	{name: "import-missing-signing-key-v2-after-fix", about: "run", cause: "signature doesn't exists", remedy: "delete it", command: "rm -f -- /srv/system-image.ubuntu.com/www/pool/device-"},
	{name: "import-missing-signing-key", about: "run", cause: "Invalid GPG key name", remedy: "missing or expired"},
	{name: "import-bad-html-tarball-v2", about: "run", cause: "ReadError", remedy: "no archive", command: "rm -f -- www/pool/custom-c2dae4c837c17d1ae2857475fbcd10b4db67e365f96c59942c3ce1f7cf5923c7.tar.xz www/pool"},
	{name: "import-state-dir-missing", about: "run", cause: "global.lock", remedy: "missing on the server"},
	{name: "import-www-missing", about: "run", cause: "Invalid path", remedy: "missing on the server"},
}

// Every recorded run ends in its cause and its remedy, with lines that are in the
// log.
func TestDiagnoseRecorded(t *testing.T) {
	t.Parallel()
	for _, rec := range importRecordings(t) {
		cases := slices.DeleteFunc(slices.Clone(logCases), func(c logCase) bool { return !strings.HasPrefix(rec.Name, c.name) })
		if len(cases) == 0 {
			t.Errorf("%s (%s): what should be said of it is not in the table", rec.Name, rec.outcome)
			continue
		}
		for _, c := range cases {
			if c.name != cases[0].name {
				continue // a more general one
			}
			t.Run(rec.Name+" "+c.channel, func(t *testing.T) { checkLog(t, rec, c) })
		}
	}
}

func checkLog(t *testing.T, rec importRecording, c logCase) {
	log := rec.Stdout + rec.Stderr
	r, err := Diagnose(strings.NewReader(log), Options{Channel: c.channel, Device: c.device})
	if err != nil {
		t.Fatal(err)
	}
	want := c.verdict
	switch {
	case want == "" && c.cause == "":
		want = Healthy
	case want == "":
		want = CauseFound
	}
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if r.Verdict != want {
		t.Fatalf("%s: verdict %q, want %q\n%s", rec.outcome, r.Verdict, want, text.String())
	}
	if rec.Exit != 0 && len(r.Findings) == 0 {
		t.Errorf("exit status %d and no finding", rec.Exit)
	}
	if c.cause != "" {
		f := r.Findings[0]
		if string(f.About) != c.about || !strings.Contains(f.Problem, c.cause) || !strings.Contains(f.Remedy, c.remedy) || !strings.Contains(strings.Join(f.Commands, "\n"), c.command) {
			t.Errorf("%s: about %q, cause %q, remedy %q, commands %q\nwant %q, %q, %q, %q", rec.outcome, f.About, f.Problem, f.Remedy, f.Commands, c.about, c.cause, c.remedy, c.command)
		}
	}
	// What is quoted stands there.
	lines := strings.Split(log, "\n")
	for _, f := range r.Findings {
		// A channel that INFO does not mention is the one cause without a line.
		if len(f.Quotes) == 0 && !strings.Contains(rec.Name, "atuo-v2") {
			t.Errorf("nothing is quoted for %q", f.Problem)
		}
		for _, q := range f.Quotes {
			if q.Line < 1 || q.Line > len(lines) || !strings.HasPrefix(lines[q.Line-1], strings.TrimSuffix(q.Text, "…")) {
				t.Errorf("line %d is quoted as %q", q.Line, q.Text)
			}
		}
		if !strings.Contains(text.String(), f.Remedy) {
			t.Errorf("the text lacks the remedy %q", f.Remedy)
		}
	}
	// A log of INFO names each image that the indexes gained.
	if c.channel == "" && strings.Contains(log, " INFO ") {
		var got, published []string
		for _, o := range r.Outcomes {
			if o.Version > 0 {
				got = append(got, fmt.Sprint(o.Channel, " ", o.Device, " ", o.Version))
			}
		}
		for _, p := range rec.published {
			if words := strings.Fields(p); len(words) >= 3 {
				published = append(published, strings.Join(words[:3], " "))
			}
		}
		slices.Sort(got)
		slices.Sort(published)
		if d := cmp.Diff(published, got); d != "" {
			t.Errorf("published (-indexes +report)\n%s", d)
		}
	}
	if c.device != "" {
		want := []Place{{Channel: c.channel}}
		if d := cmp.Diff(want, r.Findings[0].Waiting); d != "" {
			t.Errorf("waiting (-want +got)\n%s", d)
		}
	}
	// The value survives JSON.
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, back); d != "" {
		t.Errorf("through JSON (-before +after)\n%s", d)
	}
}

// Whatever a log holds, the report quotes lines that are in it, and is small.
func FuzzDiagnose(f *testing.F) {
	for i, rec := range importRecordings(f) {
		if i%6 == 0 && len(rec.Stdout) < 20000 {
			f.Add(rec.Stdout+rec.Stderr, bqProposed, "krillin")
		}
	}
	f.Add("2026-11-22 09:58:02,122 INFO Something else holds the global lock. exiting.\r\n\n2026-11-22 09:58:02,122 ERROR \xff", "", "")
	f.Fuzz(func(t *testing.T, log, channel, device string) {
		r, err := Diagnose(strings.NewReader(log), Options{Channel: channel, Device: device})
		if err != nil {
			t.Fatal(err)
		}
		if (r.Verdict == Healthy) != !r.Wrong() || r.Verdict == "" || len(r.Findings) > 0 && r.Verdict != CauseFound {
			t.Errorf("verdict %q with %d findings", r.Verdict, len(r.Findings))
		}
		lines := strings.Count(log, "\n") + 1
		for _, x := range r.Findings {
			if x.Remedy == "" || x.Problem == "" {
				t.Errorf("finding without cause or remedy: %+v", x)
			}
			for _, q := range x.Quotes {
				if q.Line < 1 || q.Line > lines || len(q.Text) > 3000 {
					t.Errorf("quote %d of %d lines, %d bytes", q.Line, lines, len(q.Text))
				}
			}
		}
		if err := r.WriteText(io.Discard); err != nil {
			t.Fatal(err)
		}
	})
}

// A crontab line that appends to one file: the last run counts that got the lock,
// and the lock that is held since is told.
func TestDiagnoseManyRuns(t *testing.T) {
	t.Parallel()
	var good, bad, lock string
	for _, rec := range importRecordings(t) {
		switch rec.Name {
		case "import-ok-one-device-v2":
			good = rec.Stdout
		case "import-fail-device-404-v2":
			bad = rec.Stdout + rec.Stderr
		case "import-lock-held-v2":
			lock = rec.Stdout
		}
	}
	for _, tt := range []struct {
		name, log string
		verdict   Verdict
		causes    []string
	}{
		{"mended", bad + bad + good, Healthy, nil},
		{"broken since", good + good + bad, CauseFound, []string{"HTTP Error 404"}},
		{"locked once, long ago", lock + good, Healthy, nil},
		{"locked at the end", good + lock + lock, CauseFound, []string{"in 2 runs one after the other"}},
		{"broken, then locked", bad + lock, CauseFound, []string{"held the global lock", "HTTP Error 404"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Diagnose(strings.NewReader(tt.log), Options{Channel: bqProposed, Device: "krillin"})
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != tt.verdict || len(r.Findings) != len(tt.causes) {
				t.Fatalf("%s: %+v, want %s with %d findings", r.Verdict, r.Findings, tt.verdict, len(tt.causes))
			}
			for i, c := range tt.causes {
				if !strings.Contains(r.Findings[i].Problem, c) {
					t.Errorf("cause %d is %q, want %q", i, r.Findings[i].Problem, c)
				}
			}
		})
	}
}
