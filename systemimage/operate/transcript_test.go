package operate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage/internal/fixture"
	"github.com/landingteam/landing/systemimage/internal/serverlog"
)

func FuzzTranscript(f *testing.F) {
	f.Add([]byte("2026-11-22 10:16:46,991 INFO x\nTraceback\r\n\n2026-11-22 10:16:46,991 DEBUG"))
	f.Fuzz(func(t *testing.T, b []byte) {
		readTranscript(command.Output{Stdout: b, Stderr: b})
	})
}

func TestTranscript(t *testing.T) {
	const (
		stamp = "2026-11-22 10:16:46,991 "
		trace = "Traceback (most recent call last):\n  File \"a\", line 1, in <module>\n    f()\n    ^^^\n"
	)
	tests := []struct {
		name           string
		stdout, stderr string
		want           transcript
	}{
		{name: "nothing"},
		{name: "lock, plain", stdout: serverlog.LockText + "\n", want: transcript{locked: true}},
		{name: "lock, record", stdout: stamp + "INFO " + serverlog.LockText + "\n", want: transcript{locked: true, records: 1}},
		{name: "refusal", stderr: "usage: copy-image [-h]\n         X\ncopy-image: error: Can't find version: 41\n", want: transcript{refusal: "Can't find version: 41"}},
		{name: "complete", stdout: "/srv/a.tar.xz\n" + stamp + "INFO Publishing new image '12' (tag=a) with 5 files.\n" +
			stamp + "INFO Publishing new delta from '10' (version=10) to '12' (tag=a) with 5 files\n" +
			stamp + "INFO Publishing new delta from '11' (version=11) to '12' (tag=a)\n" +
			stamp + "INFO Expiring old images\n" + stamp + "INFO Triggering a mirror sync\n",
			want: transcript{version: 12, deltas: []int{10, 11}, complete: true, records: 5}},
		{name: "uncaught", stdout: stamp + "INFO x\n", stderr: trace + "KeyError: 'x'\n", want: transcript{exception: "KeyError: 'x'", records: 1}},
		{name: "uncaught, chained", stderr: trace + "KeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\n\n" + trace + "OSError: full\nmore of it\n",
			want: transcript{exception: "OSError: full"}},
		{name: "uncaught, one stream", stdout: stamp + "INFO x\r\n" + strings.ReplaceAll(trace, "\n", "\r\n") + "gpg.errors.InvalidSigners\r\n",
			want: transcript{exception: "gpg.errors.InvalidSigners", records: 1}},
		{name: "caught", stdout: stamp + "ERROR HTTP Error 404\n" + trace + "HTTPError: 404\n" + stamp + "ERROR Failed to download x\n", want: transcript{records: 2}},
		{name: "reader gone", stderr: "--- Logging error ---\n" + trace + "BrokenPipeError: [Errno 32] Broken pipe\nCall stack:\n  File \"a\"\n" +
			"Message: \"Publishing new image '2' (a) with 5 files.\"\nArguments: ()\n" +
			"--- Logging error ---\nMessage: 'Triggering a mirror sync'\nArguments: ()\n",
			want: transcript{version: 2, complete: true, records: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := readTranscript(command.Output{Stdout: []byte(tt.stdout), Stderr: []byte(tt.stderr)})
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(transcript{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A held lock is seen where INFO is, and only there; so Import asks for it.
func TestImportLockRecorded(t *testing.T) {
	seen := 0
	for _, r := range fixture.Recordings(t, "import-lock") {
		visible := strings.Contains(r.Stdout, serverlog.LockText)
		if got := readTranscript(r.Output()).locked; got != visible {
			t.Errorf("%s: locked %v, want %v", r.Name, got, visible)
		}
		if visible {
			seen++
			continue
		}
		if r.Stdout != "" || strings.Contains(r.Command, "-vvv") {
			t.Errorf("%s: the lock does not show at the level that Import asks for", r.Name)
		}
	}
	if seen < 3 {
		t.Errorf("the lock shows in %d recordings", seen)
	}
}
