package phasing

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// clock reads "15:30" as a time of the day that the rollouts here begin on at nine.
func clock(t testing.TB, s string) time.Time {
	t.Helper()
	hm, err := time.Parse("15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2026, 3, 2, hm.Hour(), hm.Minute(), 0, 0, time.UTC)
}

// brief writes a state in one line: "10% since 11:00, then ask for 50% at 17:00".
func brief(s State) string {
	hm := func(t time.Time) string { return t.Format("15:04") }
	text := s.Percent.String()
	if !s.Since.IsZero() {
		text += " since " + hm(s.Since)
	}
	next := s.Next.String()
	if s.Ask {
		next = "ask for " + next
	}
	switch {
	case s.Halted:
		return text + ", halted in " + s.Next.String()
	case s.Done:
		return text + ", done"
	case s.Waiting:
		return text + ", now " + next
	}
	return text + ", then " + next + " at " + hm(s.NextAt)
}

func TestRolloutAt(t *testing.T) {
	const plain = "1% 2h, 10% 6h, 100%"
	const asks = "1% 2h ask, 10% 6h, 100%"
	const fixed = "1%, 10% at 2026-03-02T12:00Z, 50% at 2026-03-02T15:00Z, 100% at 2026-03-02T18:00Z"
	for _, tt := range []struct {
		schedule, events string
		want             []string // "time: state"
	}{
		{plain, "", []string{
			"08:59: 0%, then 1% at 09:00",
			"09:00: 1% since 09:00, then 10% at 11:00",
			"10:59: 1% since 09:00, then 10% at 11:00",
			"11:00: 10% since 11:00, then 100% at 17:00",
			"17:00: 100% since 17:00, done",
		}},
		{asks, "approve 12:30", []string{
			"10:00: 1% since 09:00, then ask for 10% at 11:00",
			"11:00: 1% since 09:00, now ask for 10%",
			"12:29: 1% since 09:00, now ask for 10%",
			"12:30: 10% since 12:30, then 100% at 18:30",
		}},
		// A halt of 3 hours moves everything behind it by 3 hours.
		{plain, "halt 12:00, resume 15:00", []string{
			"11:59: 10% since 11:00, then 100% at 17:00",
			"12:00: 0% since 12:00, halted in 10%",
			"14:59: 0% since 12:00, halted in 10%",
			"15:00: 10% since 15:00, then 100% at 20:00",
			"20:00: 100% since 20:00, done",
		}},
		{plain, "halt 10:00, resume 10:30, halt 11:00, resume 12:00", []string{
			"10:45: 1% since 10:30, then 10% at 11:30",
			"12:00: 1% since 12:00, then 10% at 12:30",
			"12:30: 10% since 12:30, then 100% at 18:30",
		}},
		{plain, "halt 18:00, resume 19:00", []string{
			"18:00: 0% since 18:00, halted in 100%",
			"19:00: 100% since 19:00, done",
		}},
		// A question outlives a halt.
		{asks, "halt 12:00, resume 13:00, approve 13:30", []string{
			"12:30: 0% since 12:00, halted in 1%",
			"13:15: 1% since 13:00, now ask for 10%",
			"13:30: 10% since 13:30, then 100% at 19:30",
		}},
		{strings.Replace(fixed, "1%,", "1% at 2026-03-02T09:30Z,", 1), "", []string{
			"09:00: 0%, then 1% at 09:30",
			"09:30: 1% since 09:30, then 10% at 12:00",
			"15:00: 50% since 15:00, then 100% at 18:00",
			"18:00: 100% since 18:00, done",
		}},
		// Two fixed times pass during a halt: each of them is asked for, the third comes by itself.
		{fixed, "halt 10:00, resume 16:00, approve 16:10, approve 16:20", []string{
			"15:59: 0% since 10:00, halted in 1%",
			"16:00: 1% since 16:00, now ask for 10%",
			"16:10: 10% since 16:10, now ask for 50%",
			"16:20: 50% since 16:20, then 100% at 18:00",
			"18:00: 100% since 18:00, done",
		}},
		// A short halt between fixed times changes none of them.
		{fixed, "halt 10:00, resume 11:00", []string{"11:00: 1% since 11:00, then 10% at 12:00", "12:00: 10% since 12:00, then 50% at 15:00"}},
		// An answer that comes late must not let the next fixed step follow at once.
		{"1% 1h ask, 10% at 2026-03-02T12:00Z, 50% at 2026-03-02T15:00Z, 100% at 2026-03-02T18:00Z", "approve 19:00", []string{
			"12:00: 1% since 09:00, now ask for 10%",
			"19:00: 10% since 19:00, now ask for 50%",
		}},
		// Started after the first fixed time.
		{"1% at 2026-03-02T08:00Z, 100% at 2026-03-02T10:00Z", "approve 09:05", []string{
			"09:00: 0%, now ask for 1%",
			"09:05: 1% since 09:05, then 100% at 10:00",
		}},
		{"1% at 2026-03-02T12:00Z", "halt 09:10, resume 10:00", []string{
			"09:30: 0% since 09:10, halted in 0%",
			"10:00: 0% since 10:00, then 1% at 12:00",
		}},
	} {
		s, err := ParseSchedule(tt.schedule)
		if err != nil {
			t.Fatal(err)
		}
		r := Course{Schedule: s, Start: nine}
		for e := range strings.SplitSeq(tt.events, ", ") {
			kind, at, _ := strings.Cut(e, " ")
			switch kind {
			case "halt":
				r, err = r.Halt(clock(t, at))
			case "resume":
				r, err = r.Resume(clock(t, at))
			case "approve":
				r, err = r.Approve(clock(t, at))
			}
			if err != nil {
				t.Fatalf("%s: %s: %v", tt.schedule, e, err)
			}
		}
		for _, want := range tt.want {
			at, _, _ := strings.Cut(want, ": ")
			state, err := r.At(clock(t, at))
			if got := at + ": " + brief(state); got != want || err != nil {
				t.Errorf("%s; %s\n got %s (%v)\nwant %s", tt.schedule, tt.events, got, err, want)
			}
		}
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var again Course
		if err := json.Unmarshal(data, &again); err != nil || !cmp.Equal(r, again) {
			t.Errorf("JSON %s: %v (-want +got):\n%s", data, err, cmp.Diff(r, again))
		}
	}
}

func TestRolloutErrors(t *testing.T) {
	s, err := ParseSchedule("1% 2h ask, 10% 6h, 100%")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		r    Course
		want error
	}{
		{"no schedule", Course{Start: nine}, ErrSyntax},
		{"no start", Course{Schedule: s}, ErrIntervention},
		{"before the start", Course{s, nine, []Intervention{{Halt, nine.Add(-1)}}}, ErrIntervention},
		{"resume unhalted", Course{s, nine, []Intervention{{Resume, nine}}}, ErrIntervention},
		{"halt twice", Course{s, nine, []Intervention{{Halt, nine}, {Halt, nine}}}, ErrIntervention},
		{"approve nothing", Course{s, nine, []Intervention{{Approve, nine.Add(time.Hour)}}}, ErrIntervention},
		{"approve while halted", Course{s, nine, []Intervention{{Halt, nine.Add(3 * time.Hour)}, {Approve, nine.Add(4 * time.Hour)}}}, ErrIntervention},
		{"out of order", Course{s, nine, []Intervention{{Halt, nine.Add(2)}, {Resume, nine.Add(1)}}}, ErrIntervention},
		{"unknown", Course{s, nine, []Intervention{{"pause", nine}}}, ErrIntervention},
	} {
		// Also a state before the events is refused: the record itself is wrong.
		for _, at := range []time.Time{nine, nine.Add(24 * time.Hour)} {
			if got, err := tt.r.At(at); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, %v, want %v", tt.name, got, err, tt.want)
			}
		}
	}
	r := Course{Schedule: s, Start: nine}
	if _, err := r.Resume(nine); !errors.Is(err, ErrIntervention) || len(r.Interventions) != 0 {
		t.Errorf("Resume of what runs: %v", err)
	}
}

func TestPublish(t *testing.T) {
	for _, tt := range []struct {
		state         State
		current, want Percent
		err           error
	}{
		{State{Percent: 10}, 1, 10, nil},
		{State{Percent: 10}, 10, 10, nil},
		{State{Percent: 10}, 50, 0, ErrLowers},
		{State{Percent: 0}, 1, 0, ErrLowers},
		{State{Percent: 0, Halted: true}, 100, 0, nil},
	} {
		if got, err := tt.state.Publish(tt.current); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%+v.Publish(%v) = %v, %v, want %v, %v", tt.state, tt.current, got, err, tt.want, tt.err)
		}
	}
}

// Whatever happens in whatever order: nothing lowers the percentage but a halt, a halt
// is 0, and no event makes the rollout skip a question.
func FuzzRollout(f *testing.F) {
	f.Add("1% 2h ask, 10% 6h, 100%", []byte{0, 20, 1, 40, 2, 30})
	f.Add("1%, 10% at 2026-03-02T12:00Z, 50% at 2026-03-02T15:00Z", []byte{0, 200, 1, 2, 2, 3})
	f.Add("linear 24h every 1h", []byte{0, 20, 1, 40})
	f.Fuzz(func(t *testing.T, text string, events []byte) {
		s, err := ParseSchedule(text)
		if err != nil || len(events) > 64 {
			return
		}
		r := Course{Schedule: s, Start: nine}
		now := nine
		var times []time.Time
		for i := 0; i+1 < len(events); i += 2 {
			now = now.Add(time.Duration(events[i+1]) * 5 * time.Minute)
			times = append(times, now)
			add := []func(time.Time) (Course, error){r.Halt, r.Resume, r.Approve}[events[i]%3]
			if longer, err := add(now); err == nil {
				r = longer
			} else if !errors.Is(err, ErrIntervention) {
				t.Fatal(err)
			}
		}
		published := Percent(0)
		for _, at := range append(times, now.Add(1000*time.Hour)) {
			state, err := r.At(at)
			if err != nil {
				t.Fatal(err)
			}
			next, err := state.Publish(published)
			switch {
			case err != nil:
				t.Fatalf("%v at %v: %v", r, at, err)
			case state.Halted && next != 0:
				t.Fatalf("%v at %v: halted at %v", r, at, next)
			case !state.NextAt.IsZero() && !state.NextAt.After(at):
				t.Fatalf("%v at %v: next change lies behind: %+v", r, at, state)
			}
			published = next
		}
	})
}

func TestRolloutIsAValue(t *testing.T) {
	s, err := ParseSchedule("1% 2h, 100%")
	if err != nil {
		t.Fatal(err)
	}
	r := Course{Schedule: s, Start: nine, Interventions: make([]Intervention, 0, 8)}
	one, err1 := r.Halt(nine)
	two, err2 := r.Halt(nine.Add(time.Hour))
	if err1 != nil || err2 != nil || one.Interventions[0] == two.Interventions[0] || len(r.Interventions) != 0 {
		t.Errorf("two futures share their events: %v, %v", one.Interventions, two.Interventions)
	}
}

func TestAdmitted(t *testing.T) {
	ids := slices.Collect(fleet(2000))
	for _, p := range []Percent{0, 1, 50, 100} {
		var want []string
		for _, id := range ids {
			if p >= EntersAt(Draw("None", 7, id)) {
				want = append(want, id)
			}
		}
		got := slices.Collect(Admitted(Draws("None", 7, slices.Values(ids)), p))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Admitted at %v (-want +got):\n%s", p, diff)
		}
	}
	for range Admitted(Draws("None", 7, slices.Values(ids)), 100) {
		break
	}
}

// BenchmarkSimulation follows a million devices through a schedule of a hundred changes.
func BenchmarkSimulation(b *testing.B) {
	s, err := Linear(OrdinaryRamp, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var census Census
		for _, number := range Draws("None", 42, fleetInPlace(1_000_000)) {
			census.Add(number)
		}
		last := 0
		for _, step := range s.Timeline(nine) {
			in := census.Admitted(step.Percent)
			if in < last {
				b.Fatal("devices fell out")
			}
			last = in
		}
		if last != 1_000_000 {
			b.Fatal(fmt.Sprint(last, " devices at the end"))
		}
	}
}

// What begins late moves what follows, unless it can be made up for.
func TestCourseDelay(t *testing.T) {
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		schedule   string
		due, begun time.Duration // after the start
		want       bool
		next       time.Duration // when the step after it is due, after the start
	}{
		{"1% 2h, 30% 4h, 100%", 0, 59 * time.Minute, false, 2 * time.Hour},
		{"1% 2h, 30% 4h, 100%", 0, time.Hour, true, 3 * time.Hour},
		{"1% 2h, 30% 4h, 100%", 2 * time.Hour, 2*time.Hour + 50*time.Minute, false, 6 * time.Hour},
		{"1% 2h, 30% 4h, 100%", 2 * time.Hour, 26 * time.Hour, true, 30 * time.Hour},
		{"1% 2h, 30% 30m, 100%", 2 * time.Hour, 2*time.Hour + 29*time.Minute, false, 2*time.Hour + 30*time.Minute},
		{"1% 2h, 30% 30m, 100%", 2 * time.Hour, 2*time.Hour + 30*time.Minute, true, 3 * time.Hour}, // 30 % would be skipped
		{"1% 2h ask, 30% 4h, 100%", 0, 26 * time.Hour, true, 28 * time.Hour},
		{"linear 24h", 0, 59 * time.Minute, false, 2 * 24 * time.Hour / 100},
		{"linear 24h", 0, 26 * time.Hour, true, 26*time.Hour + 2*24*time.Hour/100},
	} {
		s, err := ParseSchedule(tt.schedule)
		if err != nil {
			t.Fatal(err)
		}
		due := start.Add(tt.due)
		c, delayed, err := Course{Schedule: s, Start: start}.Delay(due, start.Add(tt.begun))
		if err != nil || delayed != tt.want {
			t.Errorf("%s: due at %v, begun at %v: delayed %v, %v; want %v", tt.schedule, tt.due, tt.begun, delayed, err, tt.want)
			continue
		}
		at := due
		if delayed {
			at = start.Add(tt.begun)
		}
		if st, err := c.At(at); err != nil || !st.NextAt.Equal(start.Add(tt.next)) {
			t.Errorf("%s: due at %v, begun at %v: the next is due at %v, %v; want %v", tt.schedule, tt.due, tt.begun, st.NextAt.Sub(start), err, tt.next)
		}
	}
	// Nothing follows the last step, and a person's time is not lost time.
	s, err := ParseSchedule("1% 2h ask, 100%")
	if err != nil {
		t.Fatal(err)
	}
	for _, due := range []time.Duration{-time.Hour, 3 * time.Hour} {
		c := Course{Schedule: s, Start: start}
		if later, delayed, err := c.Delay(start.Add(due), start.Add(48*time.Hour)); delayed || err != nil || len(later.Interventions) > 0 {
			t.Errorf("due at %v: %v, %v, %v", due, later.Interventions, delayed, err)
		}
	}
}
