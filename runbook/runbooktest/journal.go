package runbooktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/landingteam/landing/runbook"
)

// TestJournal is the conformance suite for journals. open returns the same
// stored journal each time it is called with the same name, as another process
// would open it, and an empty one for a name it has not seen.
func TestJournal(t *testing.T, open func(t *testing.T, name string) runbook.Journal) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.test(t, open) })
	}
}

// opener opens the stored journal of a name, as another process would.
type opener func(t *testing.T, name string) runbook.Journal

// promises are what every journal keeps.
var promises = []struct {
	name string
	test func(t *testing.T, open opener)
}{
	{"Empty", empty},
	{"AppendNeedsLock", appendNeedsLock},
	{"KeepsBytes", keepsBytes},
	{"OneWriter", oneWriter},
	{"ReadsWhileWriting", readsWhileWriting},
	{"StopsIterating", stopsIterating},
	{"LongestLine", longestLine},
	{"GuardLetsOwnerAct", guardLetsOwnerAct},
	{"CarriesARun", carriesARun},
}

func empty(t *testing.T, open opener) {
	j := open(t, "empty")
	wantLines(t, j)
}

func appendNeedsLock(t *testing.T, open opener) {
	j := open(t, "unlocked")
	if err := j.Append(t.Context(), []byte(`{"a":1}`)); err == nil {
		t.Error("a line was stored without the lock")
	}
	wantLines(t, j)
	if err := lock(t, j)(); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), []byte(`{"a":1}`)); err == nil {
		t.Error("a line was stored after the unlock")
	}
	wantLines(t, j)
}

func keepsBytes(t *testing.T, open opener) {
	// Space, order, escapes, unknown members and size must survive.
	j, long := open(t, "bytes"), 300_000
	if b, ok := j.(runbook.Bounded); ok && b.MaxLine() > 0 {
		long = min(long, b.MaxLine()-len(`{"long":""}`))
	}
	lines := []string{`{"b": 1,  "a":"\u00e9é<>"}`, `{}`, `{"long":"` + strings.Repeat("x", long) + `"}`, `{"n":1e400}`}
	unlock := lock(t, j)
	for i, line := range lines {
		buf := []byte(line)
		if err := j.Append(t.Context(), buf); err != nil {
			t.Fatal(err)
		}
		for k := range buf {
			buf[k] = 'z' // the journal must not keep the slice
		}
		wantLines(t, j, lines[:i+1]...)
		wantLines(t, open(t, "bytes"), lines[:i+1]...)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	j = open(t, "bytes")
	unlock = lock(t, j)
	if err := j.Append(t.Context(), []byte(`{"more":1}`)); err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	wantLines(t, open(t, "bytes"), append(lines, `{"more":1}`)...)
}

func oneWriter(t *testing.T, open opener) {
	a, b := open(t, "lock"), open(t, "lock")
	unlock := lock(t, a)
	_, err := b.Lock(t.Context(), "qa")
	if !errors.Is(err, runbook.ErrLocked) {
		t.Fatalf("a second lock: %v, want ErrLocked", err)
	}
	if !strings.Contains(err.Error(), "operator") {
		t.Errorf("%q does not say who has the lock", err)
	}
	wantLines(t, b) // reading needs none
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = b.Lock(t.Context(), "qa")
	if err != nil {
		t.Fatalf("after the unlock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}

func readsWhileWriting(t *testing.T, open opener) {
	j := open(t, "concurrent")
	defer lock(t, j)()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				n := 0
				for line, err := range j.Lines(t.Context()) {
					if want := fmt.Sprintf(`{"n":%d}`, n); err != nil || string(line) != want {
						t.Errorf("line %d: %s, %v", n, line, err)
						return
					}
					n++
				}
			}
		})
	}
	for n := range 50 {
		if err := j.Append(t.Context(), fmt.Appendf(nil, `{"n":%d}`, n)); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

func stopsIterating(t *testing.T, open opener) {
	j := open(t, "stop")
	defer lock(t, j)()
	for range 3 {
		if err := j.Append(t.Context(), []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for range j.Lines(t.Context()) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d lines, want 2", n)
	}
}

func carriesARun(t *testing.T, open opener) {
	acts := 0
	p := func(ctx context.Context, r *runbook.Run) error {
		_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "act", Intent: "act", Do: func(context.Context) (int, error) { acts++; return acts, nil }})
		return err
	}
	for range 2 {
		x := &runbook.Runner{Name: "conformance", Journal: open(t, "run")}
		if err := x.Execute(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if acts != 1 {
		t.Errorf("acted %d times in two starts, want once", acts)
	}
}

// longestLine is about journals that are runbook.Bounded: what they promise to keep
// they keep.
func longestLine(t *testing.T, open opener) {
	j := open(t, "longest")
	b, ok := j.(runbook.Bounded)
	if !ok || b.MaxLine() <= 0 {
		return
	}
	defer lock(t, j)()
	line := fmt.Sprintf(`{"x":"%s"}`, strings.Repeat("y", b.MaxLine()-len(`{"x":""}`)))
	if err := j.Append(t.Context(), []byte(line)); err != nil {
		t.Fatalf("a line of %d bytes: %v", len(line), err)
	}
	wantLines(t, open(t, "longest"), line)
}

// guardLetsOwnerAct is about journals that are runbook.Guards: who has the lock may call,
// and enters and leaves as often as it likes.
func guardLetsOwnerAct(t *testing.T, open opener) {
	j := open(t, "guard")
	g, ok := j.(runbook.Guard)
	if !ok {
		return
	}
	defer lock(t, j)()
	for range 2 {
		if err := g.Enter("copy"); err != nil {
			t.Fatalf("the owner may not call: %v", err)
		}
		if err := g.Enter("copy"); err != nil { // runbook.Current, within the call
			t.Fatalf("the owner may not go on: %v", err)
		}
		g.Leave("copy")
		g.Leave("copy")
	}
}

func lock(t *testing.T, j runbook.Journal) func() error {
	t.Helper()
	unlock, err := j.Lock(t.Context(), "operator")
	if err != nil {
		t.Fatal(err)
	}
	return unlock
}

func wantLines(t *testing.T, j runbook.Journal, want ...string) {
	t.Helper()
	n := 0
	for line, err := range j.Lines(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if n >= len(want) || !bytes.Equal(line, []byte(want[n])) {
			t.Fatalf("line %d is not what was appended: %.80q", n+1, line)
		}
		n++
	}
	if n != len(want) {
		t.Fatalf("%d lines, want %d", n, len(want))
	}
}
