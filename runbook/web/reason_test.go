package web_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/landingteam/landing/runbook"
)

// Where a gate needs a reason the form marks it as needed, an answer without one is
// refused here as it would be in the run, and later needs none.
func TestNeededReason(t *testing.T) {
	s := newScene(t)
	assess := func(ctx context.Context, r *runbook.Run) error {
		return r.Gate(ctx, runbook.Gate{Name: "assess", Question: "Is the fault understood?", Evidence: builds{42, 7}, NeedReason: true})
	}
	wantPending(t, s.run(t, "j", assess))
	q := s.asked(t, "j")
	_, page := s.get(t, "/run/j/", "anna")
	contains(t, page, `maxlength="4000" required>`, "needed: whoever reads this later", `value="later" formnovalidate>`)
	for _, verdict := range []string{"yes", "no"} {
		status, text := s.answer(t, "j", "anna", formOf(q, verdict, "  "))
		if status != http.StatusUnprocessableEntity {
			t.Errorf("%s without a reason: status %d", verdict, status)
		}
		contains(t, text, "this question needs one")
	}
	if status, _ := s.answer(t, "j", "anna", formOf(q, "later", "")); status != http.StatusSeeOther {
		t.Errorf("later without a reason: status %d", status)
	}
	_, sure := s.answer(t, "j", "anna", formOf(q, "no", "it reboots"))
	contains(t, sure, `maxlength="4000" required>it reboots`, `value="later" formnovalidate>`)
	if status, text := s.answer(t, "j", "anna", formOf(q, "yes", "it reboots")); status != http.StatusSeeOther {
		t.Fatalf("with a reason: status %d\n%s", status, text)
	}
	if err := s.run(t, "j", assess); err != nil {
		t.Fatal(err)
	}
	st, err := runbook.ReadStatus(filepath.Join(s.dir, "j"))
	if err != nil {
		t.Fatal(err)
	}
	if got := st.Steps[len(st.Steps)-1].Reason; got != "it reboots" {
		t.Errorf("journalled reason %q", got)
	}
}
