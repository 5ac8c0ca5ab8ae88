package runbook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// world is what the procedures of these tests act on: it remembers what was
// done to it, and fails on demand.
type world struct {
	mu   sync.Mutex // guards acts: an Each may act in parallel
	acts []string
	fail map[string]error
	is   map[string]string // what a probe finds
}

func (w *world) act(name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acts = append(w.acts, name)
	return w.fail[name]
}

// took returns what was done since the last call.
func (w *world) took() []string {
	acts := w.acts
	w.acts = nil
	return acts
}

func (w *world) hold(name string) runbook.Hold {
	return runbook.Hold{Name: name, Intent: "take " + name,
		Acquire: func(context.Context) error { return w.act("take " + name) },
		Release: func(context.Context) error { return w.act("give " + name) },
	}
}

func (w *world) step(name string) runbook.Step[string] {
	return runbook.Step[string]{Name: name, Intent: "do " + name, Predict: "did " + name,
		Do: func(context.Context) (string, error) { return "did " + name, w.act(name) }}
}

// probed is a step that can see whether it was done.
func (w *world) probed(name string) runbook.Step[string] {
	s := w.step(name)
	s.Probe = func(context.Context) (string, bool, error) {
		v, ok := w.is[name]
		return v, ok, w.fail["probe "+name]
	}
	return s
}

func do(ctx context.Context, r *runbook.Run, s runbook.Step[string]) error {
	_, err := runbook.Do(ctx, r, s)
	return err
}

// lines shows records as "verb kind step".
func lines(records []runbook.Record) (list []string) {
	for _, r := range records {
		list = append(list, strings.TrimSpace(string(r.Verb)+" "+string(r.Kind)+" "+r.Step))
	}
	return list
}

func records(t *testing.T, j runbook.Journal) (list []runbook.Record) {
	t.Helper()
	for rec, err := range runbook.Records(t.Context(), j) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, rec)
	}
	return list
}

// statusOf is what a journal amounts to, without the time at which it was read.
func statusOf(t *testing.T, j runbook.Journal) runbook.Status {
	t.Helper()
	s, err := runbook.StatusOf(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	s.Read = time.Time{}
	return s
}

// cut is what a journal holds if its writer dies after the last record that
// is shown as at.
func cut(t *testing.T, j runbook.Journal, at string) *runbooktest.Memory {
	t.Helper()
	end := 0
	for i, l := range lines(records(t, j)) {
		if l == at {
			end = i + 1
		}
	}
	if end == 0 {
		t.Fatalf("no record %q in %q", at, lines(records(t, j)))
	}
	m := &runbooktest.Memory{}
	unlock, err := m.Lock(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range j.Lines(t.Context()) {
		if n++; n > end {
			break
		}
		if err := m.Append(t.Context(), line); err != nil {
			t.Fatal(err)
		}
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	return m
}

func want(t *testing.T, what string, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

func is(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if target == nil && err != nil || !errors.Is(err, target) {
			t.Errorf("error %v, want %v", err, target)
		}
	}
}

// copyrc is a procedure with a bit of everything.
func (w *world) copyrc(ctx context.Context, r *runbook.Run) error {
	if _, err := runbook.Read(ctx, r, "latest", func(context.Context) (int, error) { return 42, w.act("look") }); err != nil {
		return err
	}
	return r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
		if err := runbook.Each(ctx, r, slices.All([]string{"arale", "bacon"}), 1, func(ctx context.Context, r *runbook.Run, _ int, device string) error {
			return do(ctx, r, w.step("copy "+device))
		}); err != nil {
			return err
		}
		if err := r.Note("both are copied"); err != nil {
			return err
		}
		if err := r.Gate(ctx, runbook.Gate{Name: "go", Question: "phase it?", Evidence: 42, Not: []string{"operator"}}); err != nil {
			return err
		}
		if err := do(ctx, r.Group("last"), w.step("phase")); err != nil {
			return err
		}
		return r.Verify(ctx, "phased", func(context.Context) error { return w.act("verify") })
	})
}

func TestExecuteAndResume(t *testing.T) {
	w, human, j := &world{}, &runbooktest.Human{}, &runbooktest.Memory{}
	var ids []string
	p := func(ctx context.Context, r *runbook.Run) error {
		ids = append(ids, r.ID())
		return w.copyrc(ctx, r)
	}
	var seen []runbook.Record
	x := &runbook.Runner{Name: "Copy RC!", Input: "rc", Journal: j, Human: human, Operator: "operator", Observe: func(rec runbook.Record) { seen = append(seen, rec) }}

	err := x.Execute(t.Context(), p)
	is(t, err, runbook.ErrPending)
	want(t, "first start", w.took(), []string{"look", "take importer", "copy arale", "copy bacon", "give importer"})

	human.Answers = map[string]runbook.Answer{"go": {Verdict: runbook.Yes, By: "qa", Reason: "looks good"}}
	is(t, x.Execute(t.Context(), p), nil)
	want(t, "second start", w.took(), []string{"take importer", "phase", "verify", "give importer"})

	is(t, x.Execute(t.Context(), p), nil)
	want(t, "third start", w.took(), nil)

	got := records(t, j)
	want(t, "journal", lines(got), []string{
		"run opened", "read done latest", "hold armed importer", "hold acquired importer", "do started 0/copy arale", "do done 0/copy arale",
		"do started 1/copy bacon", "do done 1/copy bacon", "note noted", "gate asked go", "hold released importer", "run ended",
		"run resumed", "gate approved go", "hold armed importer", "hold acquired importer", "do started last/phase", "do done last/phase",
		"verify done phased", "hold released importer", "run ended", "run resumed", "run ended"})
	if diff := cmp.Diff(got, seen); diff != "" {
		t.Errorf("observer (-journal +observed)\n%s", diff)
	}
	if !strings.HasPrefix(ids[0], "copy-rc-") || ids[0] != ids[1] || ids[1] != ids[2] || ids[0] != got[0].Run {
		t.Errorf("identities %q", ids)
	}
}

func TestDiverged(t *testing.T) {
	type input struct {
		Channel string
		Percent int  `json:",omitempty"`
		Dry     bool // added later in some of the cases
	}
	w, j := &world{}, &runbooktest.Memory{}
	p := func(ctx context.Context, r *runbook.Run) error { return do(ctx, r, w.step("copy")) }
	is(t, (&runbook.Runner{Name: "copy", Input: map[string]any{"Channel": "rc"}, Journal: j}).Execute(t.Context(), p), nil)

	for name, tc := range map[string]struct {
		x    runbook.Runner
		p    runbook.Procedure
		want []string
	}{
		"procedure":                  {runbook.Runner{Name: "other"}, p, []string{`"copy"`, `"other"`, "line 1"}},
		"input":                      {runbook.Runner{Name: "copy", Input: input{Channel: "stable"}}, p, []string{`{"Channel":"rc"}`, `"stable"`}},
		"new input":                  {runbook.Runner{Name: "copy", Input: input{Channel: "rc"}}, p, nil},
		"new input that is not zero": {runbook.Runner{Name: "copy", Input: input{Channel: "rc", Dry: true}}, p, []string{"Dry"}},
		"intent": {runbook.Runner{Name: "copy", Input: input{Channel: "rc"}}, func(ctx context.Context, r *runbook.Run) error {
			s := w.step("copy")
			s.Intent = "copy twice"
			return do(ctx, r, s)
		}, []string{`"do copy"`, `"copy twice"`, "line 3"}},
		"verb": {runbook.Runner{Name: "copy", Input: input{Channel: "rc"}}, func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Read(ctx, r, "copy", func(context.Context) (int, error) { return 1, nil })
			return err
		}, []string{`"do"`, `"read"`}},
		"result": {runbook.Runner{Name: "copy", Input: input{Channel: "rc"}}, func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: "do copy", Do: func(context.Context) (int, error) { return 1, nil }})
			return err
		}, []string{"recorded result"}},
	} {
		t.Run(name, func(t *testing.T) {
			x := tc.x
			x.Journal = cut(t, j, "run ended")
			err := x.Execute(t.Context(), tc.p)
			if tc.want == nil {
				is(t, err, nil)
				return
			}
			is(t, err, runbook.ErrDiverged)
			for _, text := range tc.want {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q does not say %s", err, text)
				}
			}
		})
	}
}

func TestStepsMayMove(t *testing.T) {
	w, j := &world{fail: map[string]error{"b": errors.New("boom")}}, &runbooktest.Memory{}
	order := func(names ...string) runbook.Procedure {
		return func(ctx context.Context, r *runbook.Run) error {
			for _, name := range names {
				if err := do(ctx, r, w.step(name)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	x := &runbook.Runner{Name: "copy", Journal: j}
	is(t, x.Execute(t.Context(), order("a", "b")), w.fail["b"])
	w.fail = nil
	w.took()
	is(t, x.Execute(t.Context(), order("new", "b", "a")), nil)
	want(t, "acts", w.took(), []string{"new", "b"})
}

func TestNames(t *testing.T) {
	w := &world{}
	for name, p := range map[string]runbook.Procedure{
		"twice": func(ctx context.Context, r *runbook.Run) error {
			do(ctx, r, w.step("a"))
			return do(ctx, r, w.step("a"))
		},
		"twice, as other verbs": func(ctx context.Context, r *runbook.Run) error {
			do(ctx, r.Group("g"), w.step("a"))
			return r.Group("g").Gate(ctx, runbook.Gate{Name: "a"})
		},
		"key twice": func(ctx context.Context, r *runbook.Run) error {
			twice := func(yield func(string, int) bool) { _ = yield("k", 1) && yield("k", 2) }
			return runbook.Each(ctx, r, twice, 2, func(context.Context, *runbook.Run, string, int) error { return nil })
		},
	} {
		err := (&runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}}).Execute(t.Context(), p)
		if !errors.Is(err, runbook.ErrDuplicate) || !errors.Is(err, runbook.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"", "a\nb", "\xff", "\x1b[31m"} {
		w := &world{}
		err := (&runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}}).Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error { return do(ctx, r, w.step(bad)) })
		is(t, err, runbook.ErrInvalid)
		want(t, bad, w.took(), nil)
		is(t, execute(t, &runbooktest.Memory{}, func(ctx context.Context, r *runbook.Run) error { return do(ctx, r.Group(bad), w.step("a")) }), map[bool]error{true: nil, false: runbook.ErrInvalid}[bad == ""])
		w.took()
		is(t, (&runbook.Runner{Name: bad, Journal: &runbooktest.Memory{}}).Execute(t.Context(), nil), runbook.ErrInvalid)
	}
	w.took()
	is(t, execute(t, &runbooktest.Memory{}, func(ctx context.Context, r *runbook.Run) error {
		step := w.step("a")
		step.Intent = "copy \xff"
		return do(ctx, r, step)
	}), runbook.ErrInvalid)
	want(t, "acts", w.took(), nil)
	is(t, (&runbook.Runner{Name: "n"}).Execute(t.Context(), nil), runbook.ErrInvalid)
	is(t, (&runbook.Runner{Name: "n", Input: func() {}, Journal: &runbooktest.Memory{}}).Execute(t.Context(), nil), runbook.ErrInvalid)
}

// A journal that fails stops the run before the next effect, and what is held
// is given back all the same.
func TestFailedAppend(t *testing.T) {
	full := errors.New("no space left on device")
	for _, at := range []string{`"armed"`, `"acquired"`, `"started"`, `"done"`} {
		t.Run(at, func(t *testing.T) {
			w := &world{}
			j := &runbooktest.Memory{Fail: func(line []byte) error {
				if strings.Contains(string(line), `"kind":`+at) {
					return full
				}
				return nil
			}}
			err := (&runbook.Runner{Name: "n", Journal: j}).Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error {
				return r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
					do(ctx, r, w.step("a"))
					r.Note("ignored")
					do(ctx, r, w.step("b"))
					return do(ctx, r, w.step("c"))
				})
			})
			is(t, err, runbook.ErrJournal, full)
			if n := strings.Count(err.Error(), full.Error()); n != 1 {
				t.Errorf("the cause is told %d times: %v", n, err)
			}
			want(t, "acts", w.took(), map[string][]string{
				`"armed"`:    nil,
				`"acquired"`: {"take importer", "give importer"},
				`"started"`:  {"take importer", "give importer"},
				`"done"`:     {"take importer", "a", "give importer"},
			}[at])
		})
	}
}

func TestCancelledRunStartsNothing(t *testing.T) {
	w := &world{}
	ctx, cancel := context.WithCancel(t.Context())
	err := (&runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}}).Execute(ctx, func(ctx context.Context, r *runbook.Run) error {
		return r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
			if err := do(ctx, r, w.step("a")); err != nil {
				return err
			}
			cancel()
			return do(ctx, r, w.step("b"))
		})
	})
	is(t, err, context.Canceled)
	want(t, "acts", w.took(), []string{"take importer", "a", "give importer"})
}

func TestProgress(t *testing.T) {
	var seen []runbook.Record
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "n", Journal: j, Observe: func(r runbook.Record) { seen = append(seen, r) }}
	is(t, x.Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error {
		r.Group("arale").Progress("download", 3, 7)
		return nil
	}), nil)
	if len(seen) != 3 || seen[1].Kind != runbook.Progress || seen[1].Step != "arale" || seen[1].Label != "download" || seen[1].Done != 3 || seen[1].Total != 7 {
		t.Errorf("%+v", seen)
	}
	if len(records(t, j)) != 2 {
		t.Error("progress is in the journal")
	}
}

func TestRecordsAreComplete(t *testing.T) {
	w, j := &world{}, &runbooktest.Memory{}
	before := time.Now()
	x := &runbook.Runner{Name: "n", Input: map[string]int{"percent": 10}, Operator: "operator", Journal: j}
	is(t, x.Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error { return do(ctx, r, w.step("a")) }), nil)
	for i, rec := range records(t, j) {
		if rec.N != i+1 || rec.Run == "" || rec.Time.Before(before.Add(-time.Second)) || (rec.Prev == "") != (i == 0) {
			t.Errorf("%+v", rec)
		}
	}
	first := records(t, j)[0]
	if first.Format != 1 || string(first.Input) != `{"percent":10}` || first.Intent != "n" || first.Operator != "operator" {
		t.Errorf("%+v", first)
	}
	for line := range j.Lines(t.Context()) {
		if !json.Valid(line) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

func TestOutcome(t *testing.T) {
	pending, failed := fmt.Errorf("krillin: %w", runbook.ErrPending), errors.New("failed")
	rejected := fmt.Errorf("mako: %w", &runbook.Error{Kind: runbook.ErrRejected})
	for _, tc := range []struct {
		err  error
		want string
	}{
		{nil, "done"},
		{pending, "pending"},
		{errors.Join(pending, fmt.Errorf("mako: %w", errors.Join(pending, pending))), "pending"},
		{&runbook.Error{Kind: runbook.ErrPending, Err: runbook.ErrInDoubt}, "pending"},
		{errors.Join(pending, failed), "failed"},
		{fmt.Errorf("mako: %w", errors.Join(pending, failed)), "failed"},
		{failed, "failed"},
		{rejected, "rejected"},
		{errors.Join(rejected, failed), "failed"},
		{errors.Join(pending, rejected), "failed"},
		{&runbook.Error{Kind: runbook.ErrInDoubt, Err: failed}, "in doubt"},
		{errors.Join(failed, &runbook.Error{Kind: runbook.ErrInDoubt}), "in doubt"},
		{errors.Join(pending, failed, &runbook.Error{Kind: runbook.ErrOwed}), "owed"},
	} {
		if got := runbook.Ending(tc.err); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.err, got, tc.want)
		}
	}
}

func TestExample(t *testing.T) { testPromote(t) }
