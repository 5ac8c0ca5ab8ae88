package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
)

// A line is broken between words and goes on below its last column; a long word stays
// whole.
func TestFit(t *testing.T) {
	t.Parallel()
	for _, tc := range [][2]string{
		{"short", "short\n"},
		{"18:44:30  done       offer image 2 of bq-aquaris.en for krillin to nobody", "18:44:30  done       offer image 2 of bq-aquaris.en\n                     for krillin to nobody\n"},
		{"  a question that is longer than the line, which has few columns", "  a question that is longer than the line, which has\n  few columns\n"},
		{"  see ubuntu=20150610,device=20150604-1c0ffee,custom=20150601", "  see\n  ubuntu=20150610,device=20150604-1c0ffee,custom=20150601\n"},
		{"21:49:53  note       from https://api.launchpad.test/~landing-team/embargoed vivid", "21:49:53  note       from\n   https://api.launchpad.test/~landing-team/embargoed\n                     vivid\n"},
	} {
		if d := cmp.Diff(tc[1], fit(tc[0], 54)); d != "" {
			t.Errorf("%q (-want +got)\n%s", tc[0], d)
		}
	}
}

// terminal is a screen of 60 columns that draws its last line when it is told.
func onTerminal(out *bytes.Buffer) *screen {
	return &screen{w: out, width: func() int { return 60 }}
}

// The last line says how far what goes on is, how fast it goes and when it will end.
func TestStatusLine(t *testing.T) {
	t.Parallel()
	s := onTerminal(new(bytes.Buffer))
	begun := time.Date(2016, 9, 7, 11, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return begun.Add(d) }
	started := runbook.Record{Time: begun, Step: "a/copy", Verb: runbook.VerbDo, Kind: runbook.Started, Intent: "copy the packages"}
	if s.follow(started) {
		t.Error("what begins has a line of its own")
	}
	for _, tc := range []struct {
		done int64
		at   time.Duration
		want string
	}{
		{0, 10 * time.Second, "| 0:10  0 of 20  packages  copy the packages"},
		{4, 70 * time.Second, "| 1:10  4 of 20, 4.0 a minute, 4:00 to go  packages  copy …"},
	} {
		s.follow(runbook.Record{Time: at(tc.at), Kind: runbook.Progress, Label: "packages", Done: tc.done, Total: 20})
		got := s.status(at(tc.at))
		if d := cmp.Diff(tc.want[1:], got[1:]); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
	looked := runbook.Record{Step: "b", Verb: runbook.VerbRead, Kind: runbook.Done}
	if s.follow(looked) {
		t.Error("what was only looked at has a line of its own")
	}
	started.Kind = runbook.Done
	if !s.follow(started) || s.status(begun) != "" {
		t.Errorf("what is done is still at work: %+v", s.now)
	}
}

// The last line makes way for others, and a question has the terminal for itself.
func TestLinesAndTheLastLine(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := onTerminal(&out)
	s.moving = true
	s.line(runbook.Record{Kind: runbook.Failed}, "11:00:00  FAILED     copy: no route")
	if want := "\r\x1b[K11:00:00  \x1b[31mFAILED\x1b[0m     copy: no route\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	out.Reset()
	if _, err := s.Write([]byte("go?\n  yes or no: ")); err != nil || !s.open || out.String() != "go?\n  yes or no: " {
		t.Errorf("%q, %v, %v", out.String(), s.open, err)
	}
}

// What is not a terminal is written to as ever.
func TestPlainScreen(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := newScreen(&out)
	defer s.close()
	long := strings.Repeat("word ", 50) + "\n"
	if _, err := s.Write([]byte(long)); err != nil || s.live() || out.String() != long {
		t.Errorf("%q, %v", out.String(), err)
	}
}
