package systemimagetest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Recordings that the fake does not play, with the reason.
var notPlayed = map[string]string{
	"copy-reader-goes-away-v0":    "a shell pipeline; see TestReaderGoesAway",
	"copy-reader-goes-away-v3":    "a shell pipeline; the reports on standard error are call stacks of the real source",
	"shell-alias-redirect-hide":   "the fake has no si-shell, which is a console of the real program's language",
	"shell-create-channel-device": "no si-shell",
	"shell-error-exit-zero":       "no si-shell",
	"shell-list-channels":         "no si-shell",
	"shell-script-argument":       "no si-shell",
}

// A recording is one scenario of testdata: files by name.
type recording map[string]string

// readRecordings reads all of testdata. The format is that of txtar, with
// SCENARIO/FILE as names.
func readRecordings(t *testing.T) map[string]recording {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	all := map[string]recording{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var to *strings.Builder
		var flush func()
		for line := range strings.Lines(string(data)) {
			name, ok := strings.CutPrefix(line, "-- ")
			if name, ok2 := strings.CutSuffix(name, " --\n"); ok && ok2 {
				if flush != nil {
					flush()
				}
				scenario, part, _ := strings.Cut(name, "/")
				if all[scenario] == nil {
					all[scenario] = recording{}
				}
				to = &strings.Builder{}
				text := to
				flush = func() { all[scenario][part] = text.String() }
				continue
			}
			if to != nil {
				to.WriteString(line)
			}
		}
		flush()
	}
	return all
}

// TestRecordings plays every recorded scenario and compares standard output,
// standard error, exit status, changed files and resulting indexes.
//
// Compared after normalising: times, checksums, sizes, key ids, temporary
// folders, and the hashes of root file systems and keyrings in names.
// Of a traceback only the last line counts, the exception: the lines in
// between quote the source of the real program.
func TestRecordings(t *testing.T) {
	all := readRecordings(t)
	delete(all, "tree")
	if len(all) != 206 {
		t.Errorf("%d recordings, want 206", len(all))
	}
	w := SampleWorld()
	w.Now = clock(9)
	base := &worlds{t: t, first: New(t, w), hashes: ownHashes(t)}
	base.first.Now = clock(10)
	if err := base.first.Freeze(); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r := all[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if reason, ok := notPlayed[name]; ok {
				t.Skip(reason)
			}
			g := &stage{t: t, base: base, all: all}
			g.play(name, func(out played) { compare(t, r, out, base.hashes) })
			if g.clean {
				base.giveBack(g.s)
			} else if err := os.RemoveAll(g.s.root); err != nil {
				t.Error(err)
			}
		})
	}
}

var (
	stamp     = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} `)
	hash      = regexp.MustCompile(`[0-9a-f]{64}`)
	keyID     = regexp.MustCompile(`\b[0-9A-F]{16}\b`)
	temporary = regexp.MustCompile(`/tmp/tmp\w+`)
	address   = regexp.MustCompile(`0x[0-9a-f]{8,}`)
	traceback = regexp.MustCompile(`(Traceback \(most recent call last\):\n)(?:  .*\n)+`)
	orphans   = regexp.MustCompile(`Orphaned files: \{(.*)\}`)
	keyrings  = regexp.MustCompile(`keyring-[0-9a-f]{64}`)
	pySize    = regexp.MustCompile(`'(size|checksum)': ('[0-9a-f]+'|\d+)`)
	jsonNoise = regexp.MustCompile(`"(size|checksum|generated_at)": [^,\n]*`)
	changed   = regexp.MustCompile(`(?m) \d+( -> \d+)?( \+asc| NO-ASC| ZERO-LENGTH-ASC|)$`)
)

// recordedHashes are the names of files that hash what differs between the
// recorded world and the fake's: root file systems and the keyring.
var recordedHashes = map[string]string{
	"28569bbec342bae4dee4088ba9057a658c7e0c11c353986dec920e552f1f8e4d": "20150610",
	"6630244cdcd44c66a39463b3a87ed4b5d218e72e3b9c4697d76bc79badcc1636": "20150611",
	"66ec309545363fc425772caedc81714895acf8f419ad149602c398f771a10ee6": "20150620",
	"f53bf1c95fb62de5e1bb538bf72d540e97b8aac2311971e579b4eaca909b936a": "20150621",
}

// ownHashes is the same for the fake.
func ownHashes(t *testing.T) map[string]string {
	t.Helper()
	m := map[string]string{}
	for _, version := range recordedHashes {
		data, err := rootfs("vivid", version)
		if err != nil {
			t.Fatal(err)
		}
		m[hexSum(data)] = version
	}
	return m
}

// normal makes texts of both sides comparable.
func normal(s string, hashes map[string]string) string {
	s = stamp.ReplaceAllString(s, "")
	s = traceback.ReplaceAllString(s, "$1")
	s = keyID.ReplaceAllString(s, "KEY")
	s = temporary.ReplaceAllString(s, "/tmp/tmp")
	s = address.ReplaceAllString(s, "0x")
	s = pySize.ReplaceAllString(s, "'$1': N")
	s = keyrings.ReplaceAllString(s, "keyring-KEYRING")
	for h, label := range hashes {
		s = strings.ReplaceAll(s, h, label)
	}
	return orphans.ReplaceAllStringFunc(s, func(m string) string {
		files := strings.Split(strings.TrimSuffix(strings.TrimPrefix(m, "Orphaned files: {"), "}"), ", ")
		slices.Sort(files)
		return "Orphaned files: " + strings.Join(files, ", ")
	})
}

func compare(t *testing.T, r recording, out played, own map[string]string) {
	t.Helper()
	wanted := func(s string) string { return normal(s, recordedHashes) }
	got := func(s string) string { return normal(recordedPaths(s, out.root), own) }
	if status := fmt.Sprintln(out.exit); status != r["exit"] {
		t.Errorf("exit status %s, want %s", status, r["exit"])
	}
	if diff := difference(wanted(r["stdout"]), got(out.stdout)); diff != "" {
		t.Errorf("standard output (-want +got):\n%s", diff)
	}
	recorded := strings.TrimSuffix(r["stderr"], "Killed\n")
	if diff := difference(wanted(recorded), got(out.stderr)); diff != "" {
		t.Errorf("standard error (-want +got):\n%s", diff)
	}
	for _, name := range slices.Sorted(maps.Keys(r)) {
		path, ok := strings.CutPrefix(name, "after/")
		if !ok {
			continue
		}
		w := jsonNoise.ReplaceAllString(r[name], `"$1": N`)
		g := jsonNoise.ReplaceAllString(out.read(path), `"$1": N`)
		if diff := difference(wanted(w), got(g)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	w := lines(wanted(changed.ReplaceAllString(r["www-changes"], "$2")))
	g := lines(got(strings.Join(out.changes, "\n") + "\n"))
	slices.Sort(w)
	slices.Sort(g)
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("changes below www (-want +got):\n%s", diff)
	}
}

// difference is cmp.Diff by lines, which takes long for texts that are equal.
func difference(want, got string) string {
	if strings.TrimSuffix(want, "\n") == strings.TrimSuffix(got, "\n") {
		return ""
	}
	return cmp.Diff(lines(want), lines(got))
}

func lines(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") }
