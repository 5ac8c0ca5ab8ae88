package runbook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// What a start does with a step, by the last record of it.
func TestResumeDo(t *testing.T) {
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		at      string // where the first run ends
		failing bool   // whether it failed there
		probe   string // "": none, "no", or what is found
		probing error
		answer  *runbook.Answer
		acts    []string
		result  string
		err     error
	}{
		"none":                      {at: "run opened", acts: []string{"a"}, result: "did a"},
		"none, probe no":            {at: "run opened", probe: "no", acts: []string{"a"}, result: "did a"},
		"none, probe yes":           {at: "run opened", probe: "found", result: "found"},
		"none, probe fails":         {at: "run opened", probe: "no", probing: boom, err: boom},
		"done":                      {at: "do done a", probe: "found", result: "did a"},
		"failed":                    {at: "do failed a", failing: true, acts: []string{"a"}, result: "did a"},
		"failed, probe yes":         {at: "do failed a", failing: true, probe: "found", result: "found"},
		"started, probe no":         {at: "do started a", probe: "no", acts: []string{"a"}, result: "did a"},
		"started, probe yes":        {at: "do started a", probe: "found", result: "found"},
		"started, probe fails":      {at: "do started a", probe: "no", probing: boom, err: runbook.ErrInDoubt},
		"started, nobody there":     {at: "do started a", err: runbook.ErrPending},
		"started, happened":         {at: "do started a", answer: &runbook.Answer{Verdict: runbook.Yes, By: "operator", Reason: "I saw it"}, result: "did a"},
		"started, with value":       {at: "do started a", answer: &runbook.Answer{Verdict: runbook.Yes, By: "operator", Reason: "I saw it", Value: json.RawMessage(`"by hand"`)}, result: "by hand"},
		"started, with wrong value": {at: "do started a", answer: &runbook.Answer{Verdict: runbook.Yes, By: "operator", Reason: "I saw it", Value: json.RawMessage(`7`)}, err: runbook.ErrPending},
		"started, did not":          {at: "do started a", answer: &runbook.Answer{Verdict: runbook.No, By: "operator", Reason: "nothing there"}, acts: []string{"a"}, result: "did a"},
		"started, stop":             {at: "do started a", answer: &runbook.Answer{Verdict: runbook.Stop, By: "operator", Reason: "let me look"}, err: runbook.ErrInDoubt},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{fail: map[string]error{}, is: map[string]string{}}
			var got string
			p := func(ctx context.Context, r *runbook.Run) (err error) {
				s := w.probed("a")
				if tc.probe == "" {
					s.Probe = nil
				}
				got, err = runbook.Do(ctx, r, s)
				return err
			}
			if tc.failing {
				w.fail["a"] = boom
			}
			j := &runbooktest.Memory{}
			(&runbook.Runner{Name: "n", Journal: j}).Execute(t.Context(), p)
			j = cut(t, j, tc.at)

			w.took()
			w.fail = map[string]error{"probe a": tc.probing}
			if tc.probe != "" && tc.probe != "no" {
				w.is["a"] = tc.probe
			}
			got = ""
			human := &runbooktest.Human{}
			if tc.answer != nil {
				human.Answers = map[string]runbook.Answer{"a": *tc.answer}
			}
			x := &runbook.Runner{Name: "n", Journal: j, Human: human}
			is(t, x.Execute(t.Context(), p), tc.err)
			want(t, "acts", w.took(), tc.acts)
			if got != tc.result {
				t.Errorf("result %q, want %q", got, tc.result)
			}
			if tc.err != nil {
				// It stays as open as it was: the next start gets to the end
				// with a probe, and asks again without.
				w.fail = nil
				want := error(nil)
				if tc.probe == "" {
					want, human.Answers = runbook.ErrInDoubt, nil
				}
				is(t, x.Execute(t.Context(), p), want)
			} else {
				x.Human = nil
				is(t, x.Execute(t.Context(), p), nil)
				if got != tc.result {
					t.Errorf("recorded result %q, want %q", got, tc.result)
				}
			}
		})
	}
}

func TestNobodyToAskIsPendingAndInDoubt(t *testing.T) {
	w, j := &world{}, &runbooktest.Memory{}
	p := func(ctx context.Context, r *runbook.Run) error { return do(ctx, r, w.step("a")) }
	is(t, (&runbook.Runner{Name: "n", Journal: j}).Execute(t.Context(), p), nil)
	j = cut(t, j, "do started a")
	for range 2 {
		is(t, (&runbook.Runner{Name: "n", Journal: j}).Execute(t.Context(), p), runbook.ErrPending, runbook.ErrInDoubt)
	}
	want(t, "it is asked once", lines(records(t, j)), []string{"run opened", "do started a", "run resumed", "do asked a", "run ended", "run resumed", "run ended"})
}

// What is not known to have failed is in doubt, not failed.
func TestDoubt(t *testing.T) {
	lost := fmt.Errorf("connection lost: %w", runbook.ErrInDoubt)
	for name, tc := range map[string]struct {
		do   func(ctx context.Context, cancel func()) (any, error)
		want []error
	}{
		"said so":   {func(context.Context, func()) (any, error) { return nil, lost }, []error{runbook.ErrInDoubt}},
		"timed out": {func(ctx context.Context, _ func()) (any, error) { <-ctx.Done(); return nil, ctx.Err() }, []error{runbook.ErrInDoubt, runbook.ErrTimeout, context.DeadlineExceeded}},
		"cancelled": {func(ctx context.Context, cancel func()) (any, error) { cancel(); return nil, ctx.Err() }, []error{runbook.ErrInDoubt, context.Canceled}},
		"lossy":     {func(context.Context, func()) (any, error) { return struct{ secret string }{"x"}, nil }, []error{runbook.ErrInDoubt, runbook.ErrInvalid}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				acts := 0
				p := func(ctx context.Context, r *runbook.Run) error {
					ctx, cancel := context.WithCancel(ctx)
					defer cancel()
					_, err := runbook.Do(ctx, r, runbook.Step[any]{Name: "a", Retries: 3, Timeout: time.Hour,
						Do: func(ctx context.Context) (any, error) { acts++; return tc.do(ctx, cancel) }})
					return err
				}
				j := &runbooktest.Memory{}
				x := &runbook.Runner{Name: "n", Journal: j}
				is(t, x.Execute(t.Context(), p), tc.want...)
				is(t, x.Execute(t.Context(), p), runbook.ErrPending, runbook.ErrInDoubt)
				if acts != 1 {
					t.Errorf("acted %d times", acts)
				}
				if got := statusOf(t, j).InDoubt(); len(got) != 1 {
					t.Errorf("in doubt: %v", got)
				}
			})
		})
	}
}

// answer is the error of a client that does not know this package.
type answer struct {
	doubt bool
	cause error
}

func (a *answer) Error() string { return fmt.Sprintf("no clear answer: %v", a.cause) }
func (a *answer) InDoubt() bool { return a.doubt }
func (a *answer) Unwrap() error { return a.cause }

// Who acts says whether it is in doubt, and the outermost who says so is right.
func TestDoubtOfClients(t *testing.T) {
	lost := errors.New("link lost")
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"a client's":                  {&answer{true, lost}, "doubt"},
		"wrapped":                     {fmt.Errorf("copy: %w", &answer{true, lost}), "doubt"},
		"beside a failure":            {errors.Join(lost, &answer{true, nil}), "doubt"},
		"one of two":                  {errors.Join(&answer{false, nil}, &answer{true, nil}), "doubt"},
		"below an error of its own":   {&runbook.Error{Kind: runbook.ErrRejected, Err: &answer{true, nil}}, "doubt"},
		"found out":                   {&answer{false, lost}, "failed"},
		"found out in spite of doubt": {&answer{false, fmt.Errorf("%w: %w", runbook.ErrInDoubt, lost)}, "failed"},
		"a failure":                   {lost, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			w, j := &world{fail: map[string]error{"a": tc.err}}, &runbooktest.Memory{}
			err := (&runbook.Runner{Name: "n", Journal: j}).Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error { return do(ctx, r, w.step("a")) })
			is(t, err, tc.err)
			want(t, "journal", lines(records(t, j))[2:3], []string{"do " + tc.want + " a"})
		})
	}
}

func TestRetries(t *testing.T) {
	boom := errors.New("boom")
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		tries := 0
		j := &runbooktest.Memory{}
		is(t, (&runbook.Runner{Name: "n", Journal: j}).Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error {
			n, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "a", Retries: 2, Do: func(context.Context) (int, error) {
				if tries++; tries < 3 {
					return 0, boom
				}
				return tries, nil
			}})
			if n != 3 {
				t.Errorf("result %d", n)
			}
			return err
		}), nil)
		want(t, "journal", lines(records(t, j)), []string{"run opened", "do started a", "do failed a", "do started a", "do failed a", "do started a", "do done a", "run ended"})
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
	})
	t.Run("not unasked", func(t *testing.T) {
		w := &world{fail: map[string]error{"a": boom}}
		is(t, (&runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}}).Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error { return do(ctx, r, w.step("a")) }), boom)
		want(t, "acts", w.took(), []string{"a"})
	})
	t.Run("probed before each", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := &world{fail: map[string]error{"a": boom}, is: map[string]string{}}
			is(t, (&runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}}).Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error {
				s := w.probed("a")
				s.Retries = 5
				once := s.Do
				s.Do = func(ctx context.Context) (string, error) { w.is["a"] = "it was so"; return once(ctx) }
				return do(ctx, r, s)
			}), nil)
			want(t, "acts", w.took(), []string{"a"})
		})
	})
}

func TestResumeRead(t *testing.T) {
	w, j := &world{fail: map[string]error{"look": errors.New("boom")}}, &runbooktest.Memory{}
	var got int
	p := func(ctx context.Context, r *runbook.Run) (err error) {
		got, err = runbook.Read(ctx, r, "latest", func(context.Context) (int, error) { return 42, w.act("look") })
		return err
	}
	x := &runbook.Runner{Name: "n", Journal: j}
	is(t, x.Execute(t.Context(), p), w.fail["look"])
	w.fail = nil
	is(t, x.Execute(t.Context(), p), nil)
	got = 0
	is(t, x.Execute(t.Context(), p), nil)
	if got != 42 {
		t.Errorf("pinned %d", got)
	}
	want(t, "looks", w.took(), []string{"look", "look"})
}

func TestRequireAndVerify(t *testing.T) {
	w, j := &world{}, &runbooktest.Memory{}
	p := func(ctx context.Context, r *runbook.Run) error {
		if err := r.Require(ctx, "before", func(context.Context) error { return w.act("before") }); err != nil {
			return err
		}
		return r.Verify(ctx, "after", func(context.Context) error { return w.act("after") })
	}
	x := &runbook.Runner{Name: "n", Journal: j}
	w.fail = map[string]error{"after": errors.New("not so")}
	is(t, x.Execute(t.Context(), p), w.fail["after"])
	w.fail = nil
	is(t, x.Execute(t.Context(), p), nil)
	is(t, x.Execute(t.Context(), p), nil)
	want(t, "looks", w.took(), []string{"before", "after", "before", "after", "before"})
	w.fail = map[string]error{"before": errors.New("not so")}
	is(t, x.Execute(t.Context(), p), w.fail["before"])
}

// temperature has its own idea of equality, as time.Time has.
type temperature struct{ centi int }

func (a temperature) Equal(b temperature) bool     { return a.centi/100 == b.centi/100 }
func (a temperature) MarshalJSON() ([]byte, error) { return json.Marshal(a.centi / 100) }
func (a *temperature) UnmarshalJSON(b []byte) error {
	err := json.Unmarshal(b, &a.centi)
	a.centi *= 100
	return err
}

func TestResultsSurviveJSON(t *testing.T) {
	type inner struct{ A, b int }
	type dashed struct {
		Token string `json:"-"`
	}
	n := 7
	for name, try := range map[string]func(*testing.T) error{
		"time": carry(time.Now()), "nil slice": carry([]int(nil)), "empty slice": carry([]int{}), "map": carry(map[string][]int{"a": {1}}),
		"pointer": carry(&n), "nil pointer": carry((*int)(nil)), "equal": carry(temperature{2150}), "raw": carry(json.RawMessage(`{"a":1}`)),
		"bytes": carry([]byte{0, 255}), "float": carry(math.Pi), "string": carry("é\n"), "zero field": carry(inner{A: 1}),
		"duration": carry(time.Minute), "any": carry(any("x")), "nil any": carry(any(nil)), "struct": carry(struct{}{}),
	} {
		if err := try(t); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, tc := range map[string]struct {
		try  func(*testing.T) error
		text string
	}{
		"unexported": {carry(inner{1, 2}), ".b is lost"},
		"nested":     {carry(map[string][]inner{"k": {{1, 0}, {2, 3}}}), "[k][1].b is lost"},
		"dash":       {carry(dashed{"x"}), ".Token is lost"},
		"interface":  {carry(struct{ V any }{1}), ".V is a int and comes back as a float64"},
		"not UTF-8":  {carry("\xff"), "the value is lost or changes"},
		"NaN":        {carry(math.NaN()), "unsupported value"},
		"func":       {carry(func() {}), "unsupported type"},
		"rounding":   {carry(struct{ R *rounding }{&rounding{1.5}}), ".R.F is lost or changes"},
	} {
		err := tc.try(t)
		if !errors.Is(err, runbook.ErrInvalid) || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v, want %s", name, err, tc.text)
		}
	}
}

type rounding struct{ F float64 }

func (r rounding) MarshalJSON() ([]byte, error) { return json.Marshal(struct{ F int }{int(r.F)}) }

// carry reads v in a run.
func carry[T any](v T) func(*testing.T) error {
	return func(t *testing.T) error {
		return (&runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}}).Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Read(ctx, r, "v", func(context.Context) (T, error) { return v, nil })
			return err
		})
	}
}
