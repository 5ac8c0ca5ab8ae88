package web_test

import (
	"context"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
)

// An answer goes to the run, which journals who, when, why and about what.
func TestAnswer(t *testing.T) {
	s := newScene(t)
	wantPending(t, s.run(t, "j", release(42)))
	q := s.asked(t, "j")
	before := read(t, filepath.Join(s.dir, "j"))
	status, text := s.answer(t, "j", "anna", formOf(q, "yes", "tested on both"))
	if status != http.StatusSeeOther {
		t.Fatalf("status %d:\n%s", status, text)
	}
	if diff := cmp.Diff(before, read(t, filepath.Join(s.dir, "j"))); diff != "" {
		t.Errorf("the board wrote into the journal:\n%s", diff)
	}
	_, page := s.get(t, "/run/j/", "ben")
	contains(t, page, "Answered by <bdi>anna</bdi> with yes: tested on both")
	if err := s.run(t, "j", release(42)); err != nil {
		t.Fatal(err)
	}
	st, err := runbook.ReadStatus(filepath.Join(s.dir, "j"))
	if err != nil {
		t.Fatal(err)
	}
	got := st.Steps[len(st.Steps)-1].Record
	want := runbook.Record{Step: "go", Kind: runbook.Approved, By: "anna", Account: "anna", Reason: "tested on both", Digest: q.Digest}
	if diff := cmp.Diff(want, runbook.Record{Step: got.Step, Kind: got.Kind, By: got.By, Account: got.Account, Reason: got.Reason, Digest: got.Digest}); diff != "" {
		t.Errorf("journalled (-want +got):\n%s", diff)
	}
	// The same answer again, when it is over.
	status, text = s.answer(t, "j", "anna", formOf(q, "yes", "tested on both"))
	if status != http.StatusConflict {
		t.Errorf("replayed: status %d", status)
	}
	contains(t, text, "anna has approved it")
}

// What is not an answer to what is asked now is refused, says why, and changes nothing.
func TestRefusedAnswers(t *testing.T) {
	s := newScene(t)
	wantPending(t, s.run(t, "j", release(42)))
	old := s.asked(t, "j")
	wantPending(t, s.run(t, "j", release(43)))
	q := s.asked(t, "j")
	with := func(key, value string) url.Values {
		form := formOf(q, "yes", "tested")
		form.Set(key, value)
		return form
	}
	for _, tc := range []struct {
		name, user string
		form       url.Values
		headers    []string
		status     int
		says       string
	}{
		{"nobody", "", formOf(q, "yes", "tested"), nil, 403, "you may only read here"},
		{"identity refused", "mallory", formOf(q, "yes", "tested"), nil, 403, "your session is over"},
		{"excluded", "olga", formOf(q, "yes", "tested"), nil, 422, "Olga may not answer this"},
		{"excluded, in other letters", "OLGA", formOf(q, "yes", "tested"), nil, 422, "OLGA may not answer this"},
		{"a name in the form", "olga", with("by", "anna"), nil, 422, "Olga may not answer this"},
		{"old evidence", "anna", formOf(old, "yes", "tested"), nil, 409, "arale   image 42</span>\n<span class=\"new\">&#43; arale   image 43"},
		{"no digest", "anna", with("digest", ""), nil, 409, "not on record"},
		{"unknown digest", "anna", with("digest", "00"), nil, 409, "not on record"},
		{"another step", "anna", with("step", "copy"), nil, 409, "not asked any more"},
		{"no verdict", "anna", with("verdict", "maybe"), nil, 422, "is none"},
		{"stop, and it is no doubt", "anna", with("verdict", "stop"), nil, 422, "is none"},
		{"no, not asked back", "anna", with("verdict", "no"), nil, 200, "No ends this run for good"},
		{"another site", "anna", formOf(q, "yes", "tested"), []string{"Sec-Fetch-Site: cross-site"}, 403, "another site"},
		{"a page of the same site", "anna", formOf(q, "yes", "tested"), []string{"Sec-Fetch-Site: same-site"}, 403, "another site"},
		{"an older browser on another site", "anna", formOf(q, "yes", "tested"), []string{"Origin: https://evil.example"}, 403, "another site"},
		{"a sandboxed frame", "anna", formOf(q, "yes", "tested"), []string{"Origin: null"}, 403, "another site"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, text := s.answer(t, "j", tc.user, tc.form, tc.headers...)
			if status != tc.status {
				t.Errorf("status %d, want %d", status, tc.status)
			}
			contains(t, text, tc.says)
			if _, page := s.get(t, "/run/j/", "ben"); !formIn(page) {
				t.Errorf("the question is not open any more:\n%s", page)
			}
		})
	}
}

// A no is asked back once; later leaves the question open.
func TestVerdicts(t *testing.T) {
	s := newScene(t)
	wantPending(t, s.run(t, "j", release(42)))
	q := s.asked(t, "j")
	if status, _ := s.answer(t, "j", "anna", formOf(q, "later", "")); status != http.StatusSeeOther {
		t.Errorf("later: status %d", status)
	}
	_, page := s.get(t, "/run/j/?said=later", "anna")
	contains(t, page, "the question stays open", `value="yes"`)
	no := formOf(q, "no", "the radio is off")
	no.Set("sure", "yes")
	if status, _ := s.answer(t, "j", "anna", no); status != http.StatusSeeOther {
		t.Errorf("no: status %d", status)
	}
	err := s.run(t, "j", release(42))
	if runbook.Ending(err) != "rejected" {
		t.Errorf("the run ended with %v", err)
	}
	_, page = s.get(t, "/run/j/", "anna")
	contains(t, page, "rejected", "the radio is off")
}

// Of two that answer at the same moment one wins, and the other is told who.
func TestTwoAnswers(t *testing.T) {
	s := newScene(t)
	wantPending(t, s.run(t, "j", release(42)))
	q := s.asked(t, "j")
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for _, user := range []string{"anna", "ben", "carl", "dora"} {
		all.Go(func() {
			status, _ := s.answer(t, "j", user, formOf(q, "yes", "by "+user))
			mu.Lock()
			got[status]++
			mu.Unlock()
		})
	}
	all.Wait()
	if diff := cmp.Diff(map[int]int{http.StatusSeeOther: 1, http.StatusConflict: 3}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	_, text := s.answer(t, "j", "eve", formOf(q, "yes", "too late"))
	contains(t, text, "was faster, and said yes")
}

// Whether an effect happened is asked too, with its result.
func TestDoubt(t *testing.T) {
	s := newScene(t)
	did := 0
	p := func(ctx context.Context, r *runbook.Run) error {
		_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: "copy build 42", Predict: 42,
			Do: func(context.Context) (int, error) { did++; return 0, runbook.ErrInDoubt }})
		return err
	}
	if err := s.run(t, "j", p); err == nil {
		t.Fatal("no doubt")
	}
	_, page := s.get(t, "/run/j/", "anna")
	contains(t, page, "In doubt")
	if err := s.run(t, "j", p); err == nil {
		t.Fatal("no doubt")
	}
	q := s.asked(t, "j")
	form := formOf(q, "yes", "seen on the server")
	form.Set("value", "{")
	if status, _ := s.answer(t, "j", "anna", form); status != http.StatusUnprocessableEntity {
		t.Errorf("no JSON: status %d", status)
	}
	form.Set("value", "41")
	if status, text := s.answer(t, "j", "anna", form); status != http.StatusSeeOther {
		t.Errorf("status %d:\n%s", status, text)
	}
	if err := s.run(t, "j", p); err != nil || did != 1 {
		t.Errorf("it ended with %v, done %d times", err, did)
	}
	st, err := runbook.ReadStatus(filepath.Join(s.dir, "j"))
	if err != nil || string(st.Steps[0].Result) != "41" || st.Steps[0].By != "anna" {
		t.Errorf("%v: %+v", err, st.Steps[0])
	}
}
