package runbooktest

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/landingteam/landing/runbook"
)

// AssertIdempotent checks what a resumed run relies on: a step with a Probe
// that says no before and, with the same result, yes after Do, and a second Do
// that does no harm. snapshot shows the world.
func AssertIdempotent[T any](t testing.TB, s runbook.Step[T], snapshot func() string) {
	t.Helper()
	ctx := t.Context()
	asJSON := func(v T) []byte {
		m, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		return m
	}
	probe := func(when string, want bool) (v T) {
		if s.Probe == nil {
			return v
		}
		before := snapshot()
		v, so, err := s.Probe(ctx)
		if err != nil {
			t.Fatalf("%s: probe %s: %v", s.Name, when, err)
		}
		if so != want {
			t.Errorf("%s: probe %s says %v, want %v", s.Name, when, so, want)
		}
		if d := diff(before, snapshot()); d != "" {
			t.Errorf("%s: the probe changes the world\n%s", s.Name, d)
		}
		return v
	}
	probe("before the first Do", false)
	first, err := s.Do(ctx)
	if err != nil {
		t.Fatalf("%s: first Do: %v", s.Name, err)
	}
	after := snapshot()
	if found := probe("after the first Do", true); s.Probe != nil && !bytes.Equal(asJSON(first), asJSON(found)) {
		t.Errorf("%s: Do returned %s, and the probe %s", s.Name, asJSON(first), asJSON(found))
	}
	second, err := s.Do(ctx)
	if err != nil {
		t.Fatalf("%s: second Do: %v", s.Name, err)
	}
	if !bytes.Equal(asJSON(first), asJSON(second)) {
		t.Errorf("%s: Do returned %s, and the second time %s", s.Name, asJSON(first), asJSON(second))
	}
	if d := diff(after, snapshot()); d != "" {
		t.Errorf("%s: the second Do changes the world (-first +second)\n%s", s.Name, d)
	}
}

// AssertHold checks that a hold can be taken twice, given back twice, given
// back without having been taken, and leaves the world as it was; and that its
// Look, if there is one, says so and changes nothing.
func AssertHold(t testing.TB, h runbook.Hold, snapshot func() string) {
	t.Helper()
	ctx := t.Context()
	free := snapshot()
	do := func(what string, err error, want string) string {
		if err != nil {
			t.Fatalf("%s: %s: %v", h.Name, what, err)
		}
		now := snapshot()
		if h.Look != nil {
			away, text, err := h.Look(ctx)
			if err != nil || text == "" || away != (now != free) {
				t.Errorf("%s: after %s, Look says %v, %q, %v", h.Name, what, away, text, err)
			}
			if d := diff(now, snapshot()); d != "" {
				t.Errorf("%s: Look changes the world\n%s", h.Name, d)
			}
		}
		if d := diff(want, now); want != "" && d != "" {
			t.Errorf("%s: after %s\n%s", h.Name, what, d)
		}
		return now
	}
	do("giving back what was not taken", h.Release(ctx), free)
	taken := do("taking", h.Acquire(ctx), "")
	if taken == free {
		t.Errorf("%s: taking changes nothing that the snapshot shows", h.Name)
	}
	do("taking again", h.Acquire(ctx), taken)
	do("giving back", h.Release(ctx), free)
	do("giving back again", h.Release(ctx), free)
}
