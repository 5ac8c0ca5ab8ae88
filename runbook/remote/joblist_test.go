package remote

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/landingteam/landing/runbook/command"
)

func TestParseList(t *testing.T) {
	got, err := parseList([]byte("a X 2026-01-02T03:04:05Z 5 finished 3\ntrue\n\nb Y - 0 lost its process is gone\n\n.c Z - 0 running\n\nd - - 1 starting\nx\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []listed{
		{command.Job{Name: "a", Command: "true\n", State: command.JobFinished, Exit: 3, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, "X"},
		{command.Job{Name: "b", State: command.JobLost, Reason: "its process is gone"}, "Y"},
		{command.Job{Name: "d", Command: "x", State: command.JobRunning}, "-"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(listed{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzParseList(f *testing.F) {
	f.Add([]byte("a X 2026-01-02T03:04:05Z 4 finished 3\ntrue\n"))
	f.Add([]byte("a X - 99999999999999999999 running\n"))
	f.Add([]byte("a X - -1 lost x y z\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		jobs, err := parseList(data)
		if err != nil && jobs != nil {
			t.Error("jobs and an error")
		}
		for _, j := range jobs {
			if checkJobName(j.Name) != nil {
				t.Errorf("name %q", j.Name)
			}
		}
	})
}

// However the stream is cut into writes, the answer and what follows are the same.
func FuzzHead(f *testing.F) {
	f.Add([]byte("hello\nlanding-answer running\nlog\n"), uint8(3))
	f.Add([]byte("landing-answer\n\nlanding-answer x"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		read := func(step int) (string, bool, string) {
			var rest []byte
			w := head{sink: func(p []byte) { rest = append(rest, p...) }}
			for i := 0; i < len(data); i += step {
				w.Write(data[i:min(i+step, len(data))])
			}
			return w.line, w.seen, string(rest)
		}
		if len(data) == 0 || len(data) >= headLimit {
			return
		}
		l1, s1, r1 := read(len(data))
		l2, s2, r2 := read(int(step) + 1)
		if l1 != l2 || s1 != s2 || r1 != r2 {
			t.Errorf("%q: %q %v %q and %q %v %q", data, l1, s1, r1, l2, s2, r2)
		}
	})
}
