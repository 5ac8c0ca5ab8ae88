package runbooktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
)

// Scene is a procedure in a world of its own.
type Scene struct {
	// Start makes what a new process would make: a Runner, whose Journal is
	// replaced, and the procedure. It is called for the first start and again
	// for every later one, in the same world.
	Start func() (*runbook.Runner, runbook.Procedure)
	// Snapshot shows the world as text, txtar for instance, for comparison.
	// What may differ between two good runs (times, identities) stays out.
	Snapshot func() string
}

// patience is how long an effect that was under way at the kill may take.
const patience = 2 * time.Minute

// maxStarts bounds how often a run is resumed until it must have ended.
const maxStarts = 20

// KillAnywhere kills a procedure once just before and once just after each
// write of its journal, starts it again until it is done, and fails t if the
// world is then another than after an undisturbed run, or if something is
// still owed. fresh builds a new world every time.
//
// The kill is like SIGKILL. When the journal comes to the chosen write, the
// write does not return; from then on every write stays where it is, and every
// function of the procedure that the engine is about to enter (an effect, an
// acquire, a release, a look) is not entered. Nothing that the engine or the
// procedure has deferred runs, so nothing is given back. An effect that is
// under way in another goroutine is let run to its end, as one on another host
// would, but its result is not recorded; the next start begins after that.
//
// At last the dead process wakes, as one that only slept while another took its run
// over: its journal refuses every write and every call, and the world must stay as
// it is.
//
// A procedure that waits for a person must find the answer in a later start.
func KillAnywhere(t testing.TB, fresh func(t testing.TB) Scene) {
	t.Helper()
	KillEvery(t, 1, fresh)
}

// KillEvery is [KillAnywhere] at every so many-th of its points, beginning with
// the first: for procedures whose world takes long to make. Before and after a
// write are two points, so an odd step meets both kinds.
func KillEvery(t testing.TB, step int, fresh func(t testing.TB) Scene) {
	t.Helper()
	undisturbed := &Memory{}
	scene := fresh(t)
	if err := finish(t, scene, undisturbed, 0); err != nil {
		t.Fatalf("the undisturbed run: %v", err)
	}
	want := scene.Snapshot()
	writes := undisturbed.len()
	for point := 0; point < 2*writes; point += max(step, 1) {
		n, stored := point/2, point%2 == 1
		where := fmt.Sprintf("killed before write %d", n+1)
		if stored {
			where = fmt.Sprintf("killed after write %d", n+1)
		}
		killOnce(t, fresh(t), n, stored, where, want)
	}
}

// KillAfter starts a procedure and kills it just after the first record that
// last picks is stored, in the way of [KillAnywhere]. It returns the journal that
// is left, and fails t if the run ends before. With it a test brings a world to
// where a journal of an older version stops, and resumes that.
func KillAfter(t testing.TB, scene Scene, last func(runbook.Record) bool) *Memory {
	t.Helper()
	k := newKiller(func(_ int, rec runbook.Record) (now, stored bool) { return last(rec), true })
	defer k.bury()
	if _, err := k.run(t, scene, "killed on purpose"); !k.killed() {
		t.Fatalf("the run ended before it could be killed: %v", err)
	}
	return k.survivor()
}

func killOnce(t testing.TB, scene Scene, n int, stored bool, where, want string) {
	t.Helper()
	k := newKiller(func(write int, _ runbook.Record) (bool, bool) { return write == n, stored })
	defer k.bury()
	starts, err := k.run(t, scene, where)
	if k.killed() {
		where += " (" + k.what + ")"
		err = finish(t, scene, k.survivor(), starts)
	}
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	if d := diff(want, scene.Snapshot()); d != "" {
		t.Errorf("%s: the world differs (-undisturbed +killed)\n%s", where, d)
		return
	}
	k.bury()
	if d := diff(want, scene.Snapshot()); d != "" {
		t.Errorf("%s: the world differs once the killed process woke (-before +after)\n%s", where, d)
	}
}

// finish starts a run until it is done, and checks that nothing is owed.
func finish(t testing.TB, scene Scene, j *Memory, starts int) error {
	t.Helper()
	for ; ; starts++ {
		x, p := scene.Start()
		x.Journal = j
		err := x.Execute(context.WithoutCancel(t.Context()), p)
		if err == nil {
			break
		}
		if !errors.Is(err, runbook.ErrPending) || starts >= maxStarts {
			return err
		}
	}
	var owed []string
	for rec, err := range runbook.Records(context.WithoutCancel(t.Context()), j) {
		if err != nil {
			return err
		}
		if rec.Verb != runbook.VerbHold {
			continue
		}
		owed = without(owed, rec.Step)
		if rec.Kind != runbook.Released {
			owed = append(owed, rec.Step)
		}
	}
	if len(owed) > 0 {
		return fmt.Errorf("still held at the end: %s", strings.Join(owed, ", "))
	}
	return nil
}

func without(list []string, s string) (kept []string) {
	for _, l := range list {
		if l != s {
			kept = append(kept, l)
		}
	}
	return kept
}

// killer is a journal at which a run dies.
type killer struct {
	Memory
	// at says whether the run dies at a write, counted from 0, and whether the
	// record is stored.
	at func(write int, rec runbook.Record) (now, stored bool)

	mu     sync.Mutex
	writes int
	inside map[string]int // functions of the procedure that run, by step
	dead   bool
	what   string        // the record at which it died
	died   chan struct{} // closed when dead
	calm   sync.Once
	wake   sync.Once
	quiet  chan struct{} // closed when dead and nothing runs any more
	grave  chan struct{} // closed when the stopped goroutines wake
	ended  <-chan error  // of the killed Execute
}

func newKiller(at func(write int, rec runbook.Record) (now, stored bool)) *killer {
	return &killer{at: at, died: make(chan struct{}), quiet: make(chan struct{}), grave: make(chan struct{})}
}

// run starts the procedure until it dies, and nothing of it runs any more, or
// until it ends in another way than pending: err is then how.
func (k *killer) run(t testing.TB, scene Scene, where string) (starts int, err error) {
	t.Helper()
	for starts = 1; starts <= maxStarts; starts++ {
		x, p := scene.Start()
		x.Journal = k
		ended := make(chan error, 1)
		go func() {
			defer close(ended)
			ended <- x.Execute(context.WithoutCancel(t.Context()), p)
		}()
		select {
		case <-k.died:
			k.ended = ended
			select {
			case <-k.quiet:
			case <-time.After(patience):
				t.Fatalf("%s: an effect that was under way does not end; does it call the Run?", where)
			}
			return starts, nil
		case err = <-ended:
			// A run that is pending goes on in the next start. A parallel run
			// may have fewer writes than the undisturbed one.
			if !errors.Is(err, runbook.ErrPending) {
				return starts, err
			}
		}
	}
	t.Fatalf("%s: not killed in %d starts", where, maxStarts)
	return starts, err
}

func (k *killer) killed() bool {
	select {
	case <-k.died:
		return true
	default:
		return false
	}
}

// Append stores the line, or dies.
func (k *killer) Append(ctx context.Context, line []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var rec runbook.Record
	if err := json.Unmarshal(line, &rec); err != nil {
		return err
	}
	if k.dead {
		return k.park()
	}
	if now, stored := k.at(k.writes, rec); now {
		if stored {
			if err := k.Memory.Append(ctx, line); err != nil {
				return err
			}
		}
		k.what = strings.TrimSpace(fmt.Sprintf("%s %s %s", rec.Verb, rec.Kind, rec.Step))
		k.dead = true
		close(k.died)
		k.settle()
		return k.park()
	}
	k.writes++
	return k.Memory.Append(ctx, line)
}

// kill lets the process die between two writes.
func (k *killer) kill() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.dead {
		k.what, k.dead = "between two records", true
		close(k.died)
		k.settle()
	}
}

// Lock locks; the unlock of the dead does nothing.
func (k *killer) Lock(ctx context.Context, owner string) (func() error, error) {
	unlock, err := k.Memory.Lock(ctx, owner)
	return func() error {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.dead {
			return nil
		}
		return unlock()
	}, err
}

// Enter implements runbook.Guard. An effect that asks within its call whether it
// may still act does not come back either.
func (k *killer) Enter(step string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dead {
		delete(k.inside, step)
		k.settle()
		return k.park()
	}
	if k.inside == nil {
		k.inside = map[string]int{}
	}
	k.inside[step]++
	return nil
}

// Leave implements runbook.Guard.
func (k *killer) Leave(step string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.inside[step]--; k.dead || k.inside[step] <= 0 {
		delete(k.inside, step)
	}
	if k.dead {
		k.settle()
		k.park()
	}
}

func (k *killer) settle() {
	if len(k.inside) == 0 {
		k.calm.Do(func() { close(k.quiet) })
	}
}

// park stops a goroutine of the dead process until it wakes. It is called with the
// mutex locked. Its error is what a journal says to who has lost the run.
func (k *killer) park() error {
	k.mu.Unlock()
	<-k.grave
	k.mu.Lock()
	return &runbook.Error{Kind: runbook.ErrLocked, Text: "the run was taken over by another process"}
}

// bury wakes the stopped goroutines, and waits until they have ended.
func (k *killer) bury() {
	k.wake.Do(func() { close(k.grave) })
	if k.ended == nil {
		return
	}
	select {
	case <-k.ended:
	case <-time.After(10 * time.Second):
	}
}
