package importlog

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/fixture"
	"github.com/landingteam/landing/systemimage/internal/serverlog"
)

// The automatic channels of the recordings' world, in the order of etc/config.
var autoChannels = []string{"ubuntu-touch/rc-proposed/ubuntu", "ubuntu-touch/rc-proposed/bq-aquaris.en",
	"ubuntu-touch/rc-proposed/meizu.en", "20.04/arm64/android9plus/devel"}

// importRecording is one run of import-images with what the indexes gained.
type importRecording struct {
	*fixture.Recording
	outcome   string
	published []string // CHANNEL DEVICE VERSION FILES BASE:FILES... -EXPIRED..., or "?" where that is not known
}

func importRecordings(t testing.TB) []importRecording {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "recorded", "import.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var list []importRecording
	parts := regexp.MustCompile(`(?m)^-- (\S+?)/(\S+) --\n`).FindAllSubmatchIndex(text, -1)
	for i, h := range parts {
		end := len(text)
		if i+1 < len(parts) {
			end = parts[i+1][0]
		}
		name, part, body := string(text[h[2]:h[3]]), string(text[h[4]:h[5]]), string(text[h[1]:end])
		if part == "command" {
			list = append(list, importRecording{Recording: &fixture.Recording{Name: name}})
		}
		r := &list[len(list)-1]
		switch part {
		case "command":
			r.Command = strings.TrimSpace(body)
		case "exit":
			fmt.Sscan(body, &r.Exit)
		case "outcome":
			r.outcome = strings.TrimSpace(body)
		case "stdout":
			r.Stdout = body
		case "stderr":
			r.Stderr = body
		case "published":
			r.published = strings.Split(strings.TrimSpace(body), "\n")
		}
	}
	if len(list) < 80 {
		t.Fatalf("%d recordings", len(list))
	}
	return list
}

// Every recorded import: what the log says was published is what the indexes
// gained, and a run that died has its exception, and what it kept from its turn.
func TestParseImportLogRecorded(t *testing.T) {
	for _, r := range importRecordings(t) {
		t.Run(r.Name, func(t *testing.T) {
			for _, with := range []string{"both streams", "standard output alone"} {
				log := r.Stdout
				if with == "both streams" {
					log += r.Stderr
				}
				run, err := Parse(strings.NewReader(log))
				if err != nil {
					t.Fatal(err)
				}
				checkImport(t, r, run, with == "both streams")
			}
		})
	}
}

func checkImport(t *testing.T, r importRecording, run *Run, both bool) {
	t.Helper()
	told := regexp.MustCompile(`(?m)^\S+ \S+ (INFO|DEBUG) `).MatchString(r.Stdout)
	if got := run.Level == "INFO" || run.Level == "DEBUG"; got != told {
		t.Errorf("level %q, but the log has INFO: %v", run.Level, told)
	}
	var got, want []string
	for _, e := range run.Published() {
		s := fmt.Sprintf("%s %s %d %d", e.Channel, e.Device, e.Version, e.Files)
		for _, d := range e.Deltas {
			s += fmt.Sprintf(" %d:%d", d.Base, d.Files)
		}
		got = append(got, s)
	}
	if told {
		want = slices.Clone(r.published)
	}
	slices.Sort(got)
	for i, w := range want {
		// A delta whose base expired in the same run was published and is gone.
		for _, m := range regexp.MustCompile(` -(\d+)`).FindAllStringSubmatch(w, -1) {
			want[i] = strings.Replace(want[i], m[0], "", 1)
			if i < len(got) {
				got[i] = regexp.MustCompile(" "+m[1]+`:\d+`).ReplaceAllString(got[i], "")
			}
		}
		if w, unknown := strings.CutSuffix(w, " ?"); unknown && i < len(got) && strings.HasPrefix(got[i], w+" ") {
			want[i] = got[i]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("published (-index +log):\n%s", diff)
	}
	if run.Complete != strings.Contains(r.Stdout, "Triggering a mirror sync") || run.Locked != strings.Contains(r.Stdout, serverlog.LockText) {
		t.Errorf("complete %v, locked %v", run.Complete, run.Locked)
	}
	if both && r.Exit != 0 {
		if run.Exception == "" || !strings.Contains(r.Stderr, run.Exception) || run.Cause == nil || run.Cause.Problem == "" || run.Cause.Remedy == "" {
			t.Errorf("exit %d: exception %q, cause %+v", r.Exit, run.Exception, run.Cause)
		}
		if run.Cause != nil && strings.HasPrefix(run.Cause.Remedy, "look at the traceback") {
			t.Errorf("no remedy is known for %q", run.Exception)
		}
	}
	if r.Exit == 0 && run.Exception != "" {
		t.Errorf("took %q for the end of a run that exited with 0", run.Exception)
	}
	// Each None of the log has its entry.
	cancelled := 0
	for _, e := range run.Entries {
		switch e.Outcome {
		case Cancelled:
			cancelled++
			if e.Generator == "" || e.Cause == nil || e.Cause.Problem == "" || e.Cause.Remedy == "" {
				t.Errorf("cancelled without a reason: %+v", e)
			}
		case NothingNew:
			if e.Device == "" {
				t.Errorf("a channel with devices has an entry of its own: %+v", e)
			}
		case Aborted:
			if run.Complete {
				t.Errorf("aborted in a complete run: %+v", e)
			}
		}
	}
	if said := strings.Contains(r.outcome, "cancelled"); said && told && cancelled == 0 {
		t.Errorf("outcome is %q, but nothing counts as cancelled", r.outcome)
	} else if strings.Contains(r.outcome, "nothing published; normal") && cancelled > 0 {
		t.Errorf("outcome is %q, but %d devices count as cancelled", r.outcome, cancelled)
	}
	if strings.Contains(r.outcome, "later channels skipped") || strings.Contains(r.outcome, "every later channel") || strings.Contains(r.outcome, "ALL channels after it") {
		cs, err := os.ReadFile(filepath.Join("..", "testdata", "tree", "channels.json"))
		if err != nil {
			t.Fatal(err)
		}
		var channels systemimage.Channels
		err = channels.UnmarshalJSON(cs)
		if err != nil {
			t.Fatal(err)
		}
		run.Expect(autoChannels, channels)
		last := run.Entries[len(run.Entries)-1]
		if last.Outcome != Unreached || last.Channel != autoChannels[3] {
			t.Errorf("outcome is %q, but the last entry is %+v", r.outcome, last)
		}
	}
}

// Outcomes that must be told apart, with their causes, one per recording.
func TestParseImportLogCauses(t *testing.T) {
	recs := importRecordings(t)
	tests := []struct {
		name            string
		channel, device string
		outcome         Outcome
		generator       string
		cause, remedy   string // parts of them
	}{
		{"import-fail-device-404-v3", "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin", Cancelled, "http", "404", "not at this address"},
		{"import-fail-device-404-v2", "ubuntu-touch/rc-proposed/bq-aquaris.en", "mako", Redirect, "", "", ""},
		{"import-fail-device-404-v3", "ubuntu-touch/rc/bq-aquaris.en", "", Skipped, "", "", ""},
		{"import-fail-device-500-v2", "ubuntu-touch/rc-proposed/meizu.en", "arale", Cancelled, "http", "500", "server fails"},
		{"import-fail-dns-v2", "ubuntu-touch/rc-proposed/bq-aquaris.en", "vegetahd", Cancelled, "http", "resolution", "cannot be resolved"},
		{"import-fail-monitor-refused-v2", "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin", Cancelled, "http", "refused", "cannot be reached"},
		{"import-fail-monitor-html-v2", "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin", Cancelled, "http", "Invalid or missing version number", "one line"},
		{"import-config-missing-keyring-v3", "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin", Cancelled, "keyring", "keyring tarball", "secret/gpg/keyrings"},
		{"import-config-missing-keyring-v3", "ubuntu-touch/rc-proposed/bq-aquaris.en", "vegetahd", NothingNew, "", "", ""},
		{"import-config-version-first-v3", "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin", Cancelled, "version", "stands first", "last in files"},
		{"import-config-wrong-cdimage-path-v3", "ubuntu-touch/rc-proposed/ubuntu", "mako", Cancelled, "cdimage-ubuntu", "Directory not found: /srv/cdimage", "correct the path"},
		{"import-config-wrong-cdimage-path-v2", "ubuntu-touch/rc-proposed/ubuntu", "mako", Cancelled, "cdimage-ubuntu", "no build fits", ".marked_good"},
		{"import-config-system-image-bad-device-v2", "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin", Cancelled, "system-image", "Device not in the channel list", "device="},
		{"import-config-system-image-file-eq-v2", "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin", Cancelled, "system-image", "No match found", "plain prefix"},
		{"import-config-channel-not-in-tree-v2", "ubuntu-touch/rc-proposed/nexus", "", NotInTree, "", "never created", "create_channel"},
		{"import-config-unknown-generator-v2", "ubuntu-touch/rc-proposed/ubuntu", "mako", Aborted, "cdimage-ubunut", "Invalid generator: cdimage-ubunut", "every channel after"},
		{"import-bad-html-tarball-v2", "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin", Aborted, "http", "File format not recognized", "delete it from the pool"},
		{"import-expired-key-v2", "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin", Aborted, "http", "InvalidSigners", "signing key"},
	}
	for _, tt := range tests {
		t.Run(tt.name+"/"+tt.device, func(t *testing.T) {
			r := recs[slices.IndexFunc(recs, func(r importRecording) bool { return r.Name == tt.name })]
			run, err := Parse(strings.NewReader(r.Stdout + r.Stderr))
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(run.Entries, func(e Entry) bool {
				return (e.Channel == tt.channel || tt.outcome == NotInTree && e.Outcome == NotInTree) && e.Device == tt.device
			})
			if i < 0 {
				t.Fatalf("no entry in %+v", run.Entries)
			}
			e := run.Entries[i]
			cause := Finding{}
			if e.Cause != nil {
				cause = *e.Cause
			}
			if e.Outcome != tt.outcome || e.Generator != tt.generator || !strings.Contains(cause.Problem, tt.cause) || !strings.Contains(cause.Remedy, tt.remedy) || (cause.Problem == "") != (tt.cause == "") {
				t.Errorf("got %+v, cause %+v", e, cause)
			}
		})
	}
	for name, want := range map[string]string{
		"import-config-malformed-line-v2": "an empty configuration was used",
		"import-config-malformed-line-v0": "an empty configuration was used",
		"import-lock-held-v2":             "held the global lock",
	} {
		r := recs[slices.IndexFunc(recs, func(r importRecording) bool { return r.Name == name })]
		run, err := Parse(strings.NewReader(r.Stdout))
		if err != nil || run.Cause == nil || !strings.Contains(run.Cause.Problem, want) {
			t.Errorf("%s: %+v, %v", name, run, err)
		}
	}
	r := recs[slices.IndexFunc(recs, func(r importRecording) bool { return r.Name == "import-mirror-unreachable-v2" })]
	if run, err := Parse(strings.NewReader(r.Stdout + r.Stderr)); err != nil || len(run.Mirrors) == 0 || !run.Complete {
		t.Errorf("mirrors: %+v, %v", run, err)
	}
	r = recs[slices.IndexFunc(recs, func(r importRecording) bool { return r.Name == "import-config-type-atuo-v2" })]
	run, err := Parse(strings.NewReader(r.Stdout))
	if err != nil {
		t.Fatal(err)
	}
	run.Expect(autoChannels, nil)
	if !slices.ContainsFunc(run.Entries, func(e Entry) bool {
		return e.Outcome == Skipped && strings.Contains(e.Cause.Remedy, "exactly the word auto")
	}) {
		t.Errorf("misspelt type: %+v", run.Entries)
	}
}

// A log grows run by run, and all recordings in one file are still told apart.
func TestImportRuns(t *testing.T) {
	var log strings.Builder
	var want []string
	for _, r := range importRecordings(t) {
		told := regexp.MustCompile(`(?m)^\S+ \S+ (INFO|DEBUG) `).MatchString(r.Stdout)
		if !told || r.Exit != 0 && r.Stderr == "" {
			continue // such a run has no beginning that could be seen
		}
		log.WriteString(r.Stdout + r.Stderr)
		want = append(want, fmt.Sprint(len(r.published)))
	}
	var got []string
	for run, err := range Runs(strings.NewReader(log.String())) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(len(run.Published())))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("published images by run (-want +got):\n%s", diff)
	}

	// A run that was killed without a word, and its successor.
	const head = "2026-11-22 09:57:53,103 INFO Processing channel: a\n2026-11-22 09:57:53,103 INFO Processing device: x\n"
	n := 0
	for run, err := range Runs(strings.NewReader(head + head + "2026-11-22 09:57:54,103 INFO Triggering a mirror sync\n")) {
		if n++; err != nil || run.Complete != (n == 2) {
			t.Errorf("run %d: %+v, %v", n, run, err)
		}
	}
	if n != 2 {
		t.Errorf("%d runs, want 2", n)
	}
}

// Where a log is cut, it tells what is certain by then.
// Where nothing says that a run begins, as at the level that a crontab line has without
// any -v, what cannot be of one run tells them apart: old errors are no news.
func TestRunsApart(t *testing.T) {
	at := func(stamp, level, text string) string { return stamp + ",000 " + level + " " + text + "\n" }
	const day, next = "2026-11-20 09:58:00", "2026-11-21 09:58:00"
	refused := func(stamp string) string {
		return at(stamp, "ERROR", "HTTP Error 404: File not found") + at(stamp, "ERROR", "Failed to retrieve url http://a.example.net/x")
	}
	misread := func(stamp string) string {
		return at(stamp, "ERROR", "Source contains parsing errors: '/srv/s/etc/config'\n\t[line 48]: 'type manual\\n'") +
			at(stamp, "ERROR", "Failed to parse configuration file, using empty configuration.")
	}
	whole := at(day, "INFO", "Processing channel: a") + at(day, "INFO", "Processing device: m") + at(day, "INFO", "Triggering a mirror sync")
	type found struct {
		Runs    int
		Problem string // of the last run
		Entries int
	}
	for _, tt := range []struct {
		name, log string
		want      found
	}{
		{"two days", at(day, "ERROR", "timed out") + refused(next), found{2, "HTTP Error 404: File not found", 0}},
		{"one night", at("2026-11-20 01:00:00", "ERROR", "timed out") + refused("2026-11-20 04:30:00"), found{1, "timed out", 0}},
		{"over midnight", at("2026-11-20 23:59:59", "ERROR", "timed out") + refused("2026-11-21 00:00:01"), found{1, "timed out", 0}},
		{"the clock was set back", at(next, "ERROR", "timed out") + refused(day), found{2, "HTTP Error 404: File not found", 0}},
		{"misread, then mended", misread(day) + refused("2026-11-20 09:59:00"), found{2, "HTTP Error 404: File not found", 0}},
		{"misread twice", misread(day) + misread("2026-11-20 09:59:00"), found{2, "Source contains parsing errors: '/srv/s/etc/config'", 0}},
		{"refused, then misread", refused(day) + misread("2026-11-20 09:59:00"), found{2, "Source contains parsing errors: '/srv/s/etc/config'", 0}},
		{"died before its first record", whole + traceback("KeyError: 'Missing channel section: channel_b'", "<module>", "load_config"), found{2, "KeyError: 'Missing channel section: channel_b'", 0}},
		{"died while mirrors were told", whole + traceback("OSError: [Errno 12] Cannot allocate memory", "<module>", "sync_mirrors"), found{1, "OSError: [Errno 12] Cannot allocate memory", 1}},
		{"Python tidies up", whole + "Exception ignored in: <function Context.__del__ at 0x7f>\n" + traceback("TypeError: 'NoneType' object is not callable", "__del__"), found{1, "", 1}},
		{"Python tidies up without a traceback, then it dies", at(day, "INFO", "Processing channel: a") + "Exception ignored in: <_io.TextIOWrapper name='<stdout>'>\nBrokenPipeError: [Errno 32] Broken pipe\n" + traceback("KeyError: 'x'", "main"),
			found{1, "KeyError: 'x'", 1}},
		{"a long run that tells", at("2026-11-20 01:00:00", "INFO", "Processing channel: a") + at("2026-11-20 23:00:00", "INFO", "Processing channel: b"), found{1, "", 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got found
			for run, err := range Runs(strings.NewReader(tt.log)) {
				if err != nil {
					t.Fatal(err)
				}
				got = found{got.Runs + 1, strings.Join(append(run.Problems, run.Exception, "")[:1], ""), len(run.Entries)}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			// One run is given to Parse, whatever stands behind its records.
			if last, err := Parse(strings.NewReader(tt.log)); err != nil || strings.HasPrefix(tt.log, whole) && !last.Complete {
				t.Errorf("%+v, %v, want the run that has records", last, err)
			}
		})
	}
}

func TestParseImportLogCut(t *testing.T) {
	recs := importRecordings(t)
	r := recs[slices.IndexFunc(recs, func(r importRecording) bool { return r.Name == "import-ok-one-device-v2" })]
	lines := strings.SplitAfter(r.Stdout, "\n")
	for i := range lines {
		log := strings.Join(lines[:i], "")
		run, err := Parse(strings.NewReader(log))
		if err != nil {
			t.Fatal(err)
		}
		announced := strings.Contains(log, "Publishing new image '4'")
		committed := announced && !strings.HasPrefix(lines[i-1][24:], "INFO Publishing new image")
		if got := len(run.Published()) == 1; got != committed {
			t.Errorf("cut after line %d: published %v, want %v", i, got, committed)
		}
	}
}

func FuzzParseImportLog(f *testing.F) {
	for _, r := range importRecordings(f) {
		if len(r.Stdout) < 6000 {
			f.Add([]byte(r.Stdout + r.Stderr))
		}
	}
	f.Fuzz(func(t *testing.T, log []byte) {
		run, err := Parse(bytes.NewReader(log))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range run.Entries {
			if e.Outcome == "" || e.Cause != nil && len(e.Cause.Problem) > 4000 {
				t.Fatalf("%+v", e)
			}
		}
		run.Expect([]string{"a"}, nil)
	})
}

// The error records of a log without INFO have their causes too.
func TestImportProblem(t *testing.T) {
	for text, want := range map[string]string{
		"HTTP Error 404: File not found; Failed to retrieve url http://jenkins.example.net/device.tar.xz": "upload it, or correct the address",
		"Invalid channel name: ubuntu-touch/rc/none":                                                      "pub.create_channel",
		"Device not in the channel list: krillin":                                                         "device=",
		"an error that nobody has seen":                                                                   "",
	} {
		f := explainProblem(text)
		if f.Problem == "" || (f.Class == sourceUnknown) != (want == "") || !strings.Contains(f.Remedy, want) {
			t.Errorf("%q is explained as %+v, want a remedy with %q", text, f, want)
		}
	}
}
