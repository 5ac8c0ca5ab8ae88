package phasing

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseSchedule(t *testing.T) {
	day := func(d, h, m int) time.Time { return time.Date(2026, 3, d, h, m, 0, 0, time.UTC) }
	for _, tt := range []struct {
		in, out string // out is how it prints, if not as it came
		want    []Step
	}{
		{"100%", "", []Step{{Percent: 100}}},
		{"1% 2h ask, 10% 6h, 50% 12h ask, 100%", "", []Step{
			{Percent: 1, Hold: 2 * time.Hour, Ask: true}, {Percent: 10, Hold: 6 * time.Hour},
			{Percent: 50, Hold: 12 * time.Hour, Ask: true}, {Percent: 100}}},
		{"\t0%  90m,\n5% 5d ,20% 1d12h,\r\n50% 24h,60%", "0% 1h30m, 5% 5d, 20% 36h, 50% 24h, 60%", []Step{
			{Percent: 0, Hold: 90 * time.Minute}, {Percent: 5, Hold: 5 * 24 * time.Hour},
			{Percent: 20, Hold: 36 * time.Hour}, {Percent: 50, Hold: 24 * time.Hour}, {Percent: 60}}},
		{"1% ask, 2% 1s, 3% 1m1s, 4%", "", []Step{{Percent: 1, Ask: true}, {Percent: 2, Hold: time.Second},
			{Percent: 3, Hold: 61 * time.Second}, {Percent: 4}}},
		{"1% at 2026-03-02T09:00Z, 10% at 2026-03-02T15:00:00Z 1h ask, 100% at 2026-03-02T16:00:00.000Z",
			"1% at 2026-03-02T09:00Z, 10% at 2026-03-02T15:00Z 1h ask, 100% at 2026-03-02T16:00Z",
			[]Step{{Percent: 1, At: day(2, 9, 0)}, {Percent: 10, At: day(2, 15, 0), Hold: time.Hour, Ask: true}, {Percent: 100, At: day(2, 16, 0)}}},
	} {
		s, err := ParseSchedule(tt.in)
		if err != nil {
			t.Errorf("ParseSchedule(%q): %v", tt.in, err)
			continue
		}
		if diff := cmp.Diff(tt.want, s.Steps()); diff != "" {
			t.Errorf("ParseSchedule(%q) (-want +got):\n%s", tt.in, diff)
		}
		out := tt.out
		if out == "" {
			out = tt.in
		}
		if s.String() != out {
			t.Errorf("ParseSchedule(%q) prints %q, want %q", tt.in, s, out)
		}
		again, err := NewSchedule(s.Steps()...)
		if err != nil || !again.Equal(s) {
			t.Errorf("NewSchedule of the steps of %q = %q, %v", tt.in, again, err)
		}
	}
}

func TestParseScheduleErrors(t *testing.T) {
	for _, tt := range []struct {
		in     string
		kind   error
		column int
	}{
		{"", ErrSyntax, 1},
		{"  ", ErrSyntax, 3},
		{",", ErrSyntax, 1},
		{"10", ErrSyntax, 1},
		{"1% 2h,", ErrSyntax, 7},
		{"1% 2h, 101%", ErrRange, 8},
		{"1% 2h, 1%", ErrLowers, 8},
		{"10% 2h, 5%", ErrLowers, 9},
		{"1% 2h ask 10%", ErrSyntax, 11},
		{"1%, 10%", ErrSyntax, 1},
		{"1% 1h, 10% ask, 100% 2h", ErrSyntax, 17},
		{"1% 1h, 100% ask", ErrSyntax, 8},
		{"1% 0h, 100%", ErrRange, 4},
		{"1% -2h, 100%", ErrSyntax, 4},
		{"1% 2x, 100%", ErrSyntax, 4},
		{"1% 9999d, 100%", ErrRange, 4},
		{"1% 99999999999999d, 100%", ErrRange, 4},
		{"1% ask 2h, 100%", ErrSyntax, 8},
		{"1% at noon, 100%", ErrSyntax, 7},
		{"1% at 2026-03-02T09:00, 100%", ErrSyntax, 7},
		{"1% at 2026-03-02T09:00Z, 2% at 2026-03-02T09:00Z", ErrSyntax, 26},
		{"1% at 2026-03-02T09:00Z 2h, 2% at 2026-03-02T10:59Z", ErrSyntax, 29},
		{"1% at", ErrSyntax, 6},
		{"linear", ErrSyntax, 7},
		{"linear 24h every", ErrSyntax, 17},
		{"linear 24h, 100%", ErrSyntax, 11},
		{"linear 24h every 25h", ErrRange, 1},
		{"linear 400d", ErrRange, 8},
		{"Linear 24h", ErrSyntax, 1},
		{strings.Repeat("1% 1h,", 1<<16), ErrLowers, 613},
	} {
		s, err := ParseSchedule(tt.in)
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, tt.kind) || e.Offset != tt.column-1 {
			t.Errorf("ParseSchedule(%.60q) = %v, %v, want %v at column %d", tt.in, s, err, tt.kind, tt.column)
			continue
		}
		if len(err.Error()) > 400 {
			t.Errorf("ParseSchedule(%.60q) complains at length: %d bytes", tt.in, len(err.Error()))
		}
	}
}

func TestNewScheduleErrors(t *testing.T) {
	for _, tt := range []struct {
		steps []Step
		kind  error
	}{
		{nil, ErrSyntax},
		{[]Step{{Percent: 101}}, ErrRange},
		{[]Step{{Percent: -1}}, ErrRange},
		{[]Step{{Percent: 1, Hold: -1}, {Percent: 2}}, ErrRange},
		{[]Step{{Percent: 5, Ask: true}, {Percent: 5}}, ErrLowers},
	} {
		if s, err := NewSchedule(tt.steps...); !errors.Is(err, tt.kind) {
			t.Errorf("NewSchedule(%v) = %v, %v, want %v", tt.steps, s, err, tt.kind)
		}
	}
}

func TestLinear(t *testing.T) {
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		over, every time.Duration
		text        string
		changes     int
	}{
		{OrdinaryRamp, 0, "linear 24h", 100},
		{OrdinaryRamp, 2 * time.Hour, "linear 24h every 2h", 13},
		{EmergencyRamp, 30 * time.Minute, "linear 5h every 30m", 11},
		{EmergencyRamp, 7 * time.Minute, "linear 5h every 7m", 44},
		{5 * 24 * time.Hour, 5 * 24 * time.Hour, "linear 5d every 5d", 2},
		{3, 0, "linear 3ns", 4},
	} {
		s, err := Linear(tt.over, tt.every)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseSchedule(tt.text); err != nil || s.String() != tt.text || !cmp.Equal(again.Steps(), s.Steps()) {
			t.Errorf("Linear(%v, %v) = %v, and of %q %v, %v", tt.over, tt.every, s, tt.text, again, err)
		}
		n := 0
		for at, step := range s.Timeline(start) {
			run := at.Sub(start)
			n++
			// Never ahead of the line, except for the 1 % at the start.
			if line := Percent(100 * run / tt.over); run > 0 && step.Percent > line || run == 0 && step.Percent != 1 {
				t.Errorf("%v: %v after %v, the line is at %v", s, step.Percent, run, line)
			}
			if tt.every > 0 && run%tt.every != 0 && run != tt.over {
				t.Errorf("%v: a change after %v", s, run)
			}
			if step.Percent == 100 && run != tt.over {
				t.Errorf("%v: complete after %v", s, run)
			}
		}
		if n != tt.changes {
			t.Errorf("%v has %d changes, want %d", s, n, tt.changes)
		}
		if _, err := NewSchedule(s.Steps()...); err != nil {
			t.Errorf("%v: its steps do not make a schedule: %v", s, err)
		}
	}
	for _, bad := range [][2]time.Duration{{0, 0}, {-1, 0}, {time.Hour, -1}, {time.Hour, 2 * time.Hour}, {1 << 62, 0}} {
		if s, err := Linear(bad[0], bad[1]); !errors.Is(err, ErrRange) {
			t.Errorf("Linear(%v, %v) = %v, %v, want ErrRange", bad[0], bad[1], s, err)
		}
	}
}

func TestScheduleJSON(t *testing.T) {
	for _, text := range []string{"", "1% 2h ask, 100%", "linear 24h every 1h"} {
		var s, again Schedule
		if err := s.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &again); err != nil || !cmp.Equal(s, again) || !cmp.Equal(s.Steps(), again.Steps()) {
			t.Errorf("%s comes back as %v, %v", data, again, err)
		}
	}
	var s Schedule
	if err := json.Unmarshal([]byte(`"5% 1h, 4%"`), &s); !errors.Is(err, ErrLowers) {
		t.Errorf("a falling schedule from JSON: %v, want ErrLowers", err)
	}
}

func FuzzParseSchedule(f *testing.F) {
	f.Add("1% 2h ask, 10% 6h, 50% 12h ask, 100%")
	f.Add("1% at 2026-03-02T09:00Z, 10% at 2026-03-03T09:00:00.5+02:00 ask, 100%")
	f.Add("linear 5h every 30m")
	f.Add("0% 5d12h, 1%")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text) {
				t.Fatalf("ParseSchedule(%q): %#v without a position", text, err)
			}
			return
		}
		again, err := ParseSchedule(s.String())
		if err != nil || again.String() != s.String() || !cmp.Equal(again.Steps(), s.Steps()) {
			t.Errorf("%q prints as %q, which reads as %q, %v", text, s, again, err)
		}
		last := Percent(-1)
		for _, step := range s.Timeline(time.Unix(0, 0)) {
			if step.Percent <= last {
				t.Errorf("%q does not rise: %v after %v", text, step.Percent, last)
			}
			last = step.Percent
		}
	})
}
