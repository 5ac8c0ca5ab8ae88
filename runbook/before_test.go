package runbook_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// before is the procedure of testdata/before.journal: something of every kind. Its
// first start ended with a question open, a hold owed and one effect in doubt.
func (w *world) before(ctx context.Context, r *runbook.Run) error {
	build, err := runbook.Read(ctx, r, "newest build", func(context.Context) (int, error) { return 42, w.act("look") })
	if err != nil {
		return err
	}
	if err := r.Require(ctx, "space", func(context.Context) error { return w.act("space") }); err != nil {
		return err
	}
	gate := runbook.Gate{Name: "go", Question: "copy?", Evidence: map[string]int{"build": build}, Not: []string{"operator"}}
	if err := r.Gate(ctx, gate); err != nil {
		return err
	}
	return r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
		seq := func(yield func(string, int) bool) { _ = yield("arale", 1) && yield("bacon", 2) }
		err := runbook.Each(ctx, r, seq, 1, func(ctx context.Context, r *runbook.Run, k string, _ int) error {
			return do(ctx, r, w.probed("copy "+k))
		})
		if err != nil {
			return err
		}
		if err := do(ctx, r, w.step("publish")); err != nil {
			return err
		}
		if _, err := runbook.Wait(ctx, r, runbook.Poll[int]{Name: "mirror", Intent: "wait for the mirror", Check: func(context.Context) (int, bool, error) { return 7, true, w.act("mirror") }}); err != nil {
			return err
		}
		if err := r.Note("the mirror has it"); err != nil {
			return err
		}
		if err := r.Verify(ctx, "published", func(context.Context) error { return w.act("verify") }); err != nil {
			return err
		}
		return r.Gate(ctx, runbook.Gate{Name: "announce", Question: "announce?", Timeout: 1e6 * time.Hour})
	})
}

// A journal that an earlier version of this package wrote is read, planned,
// settled and gone on with.
func TestJournalFromBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "before.journal")
	text, err := os.ReadFile("testdata/before.journal")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	status := func(want string, owed, waiting int) {
		t.Helper()
		s, err := runbook.ReadStatus(path)
		is(t, err, nil)
		if s.Ending != want || len(s.Owed()) != owed || len(s.Waiting()) != waiting {
			t.Errorf("%q, %d owed, %d waiting; want %q, %d, %d", s.Ending, len(s.Owed()), len(s.Waiting()), want, owed, waiting)
		}
	}
	status("owed", 1, 1)
	j, err := runbook.OpenFile(path)
	is(t, err, nil)
	w, human := &world{}, &runbooktest.Human{}
	x := &runbook.Runner{Name: "before", Input: map[string]string{"tag": "OTA-13-rc"}, Journal: j, Human: human}
	plan, err := x.Plan(t.Context(), w.before)
	is(t, err, nil)
	want(t, "plan", lines(plan)[len(plan)-2:], []string{"gate planned announce", "hold released importer"})
	is(t, x.Settle(t.Context(), w.before), nil)
	want(t, "settle", w.took()[1:], []string{"give importer"}) // the plan looked at the space
	status("settled", 0, 1)
	human.Answers = map[string]runbook.Answer{"announce": yes("qa")}
	is(t, x.Execute(t.Context(), w.before), nil)
	want(t, "rest", w.took(), []string{"space"})
	status("done", 0, 0)
}
