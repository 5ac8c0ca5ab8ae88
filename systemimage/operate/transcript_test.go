package operate

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage/internal/fixture"
	"github.com/landingteam/landing/systemimage/internal/serverlog"
)

func TestLogReader(t *testing.T) {
	long := strings.Repeat("x", 3*serverlog.MaxLine)
	in := "2026-11-22 10:16:46,991 INFO Setting tag for image to 'OTA, 13'\r\n" +
		"  File \"x\", line 1\n" +
		"2026-11-22 10:16:46,991 NOTICE not a level\n" +
		"2026-11-22 10:16:46.991 INFO not a time stamp\n" +
		"2026-11-22 10:16:4x,991 INFO not a number\n" +
		"2026-11-22 10:16:47,001 DEBUG Orphaned files: " + long + "\n" +
		"2026-11-22 10:16:47,002 CRITICAL \n" +
		"\n\xff\xfe\n2026-11-22 10:16:47,003 WARNING cut he"
	type line struct {
		When, Text string
		Level      byte
		Torn       bool
	}
	var got []line
	r := serverlog.NewReader(strings.NewReader(in))
	for {
		level, b, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if len(text) > 100 {
			if len(text) > serverlog.MaxLine {
				t.Errorf("kept %d bytes of one line", len(text))
			}
			text = text[:20]
		}
		when := ""
		if level != 0 {
			when = string(r.Stamp[:])
		}
		got = append(got, line{when, text, level, r.Torn})
	}
	want := []line{
		{"2026-11-22 10:16:46,991", "Setting tag for image to 'OTA, 13'", 'I', false},
		{"", `  File "x", line 1`, 0, false},
		{"", "2026-11-22 10:16:46,991 NOTICE not a level", 0, false},
		{"", "2026-11-22 10:16:46.991 INFO not a time stamp", 0, false},
		{"", "2026-11-22 10:16:4x,991 INFO not a number", 0, false},
		{"2026-11-22 10:16:47,001", "Orphaned files: xxxx", 'D', false},
		{"2026-11-22 10:16:47,002", "", 'C', false},
		{"", "", 0, false},
		{"", "\xff\xfe", 0, false},
		{"2026-11-22 10:16:47,003", "cut he", 'W', true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Line != len(want) {
		t.Errorf("line %d, want %d", r.Line, len(want))
	}
}

func FuzzLogReader(f *testing.F) {
	f.Add([]byte("2026-11-22 10:16:46,991 INFO x\nTraceback\r\n\n2026-11-22 10:16:46,991 DEBUG"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := serverlog.NewReader(bytes.NewReader(b))
		for {
			if _, _, err := r.Next(); err != nil {
				break
			}
		}
		want := bytes.Count(b, []byte("\n"))
		if len(b) > 0 && b[len(b)-1] != '\n' {
			want++
		}
		if r.Line != want {
			t.Errorf("%d lines, want %d", r.Line, want)
		}
		readTranscript(command.Output{Stdout: b, Stderr: b})

		// Read in other portions, the lines are the same.
		whole, single := serverlog.NewReader(bytes.NewReader(b)), serverlog.NewReader(iotest.OneByteReader(bytes.NewReader(b)))
		for {
			level, text, err := whole.Next()
			level1, text1, err1 := single.Next()
			if level != level1 || !bytes.Equal(text, text1) || err != err1 {
				t.Fatalf("%c %q %v, byte by byte %c %q %v", level, text, err, level1, text1, err1)
			}
			if err != nil {
				break
			}
		}
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
