package servertest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/temporal"
)

// What goes wrong ends in a clear error, nothing doubled, nothing lost.
func TestTroubles(t *testing.T) {
	t.Parallel()
	s := shared(t)
	dir, queue := t.TempDir(), once("queue")
	local(t, s, queue, dir)
	t.Run("a broken world is mended", func(t *testing.T) {
		id := once("broken")
		h := start(t, s, queue, id, temporal.Run{Procedure: "folder", Input: input(t, folder{Steps: 4, Fail: "step02"})})
		if st := phase(t, s, id, temporal.Failing); !strings.Contains(st.Last.Error, "the world is broken") {
			t.Errorf("%+v", st)
		}
		if err := os.WriteFile(filepath.Join(dir, "mended"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := temporal.GoOn(t.Context(), s.Client, id, temporal.Retry); err != nil {
			t.Fatal(err)
		}
		if r, err := ends(t, s, h); err != nil || r.Ending != "done" {
			t.Error(r, err)
		}
	})
	t.Run("cancelled at work", func(t *testing.T) {
		_ = os.Remove(filepath.Join(dir, "log"))
		id := once("cancelled")
		h := start(t, s, queue, id, temporal.Run{Procedure: "folder", Input: input(t, folder{Steps: 90, Each: 100 * time.Millisecond})})
		off := filepath.Join(dir, "off")
		eventually(t, "it holds", func() bool { _, err := os.Stat(off); return err == nil })
		if err := s.Client.CancelWorkflow(t.Context(), id, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := ends(t, s, h); err == nil {
			t.Error("it ended well")
		}
		if _, err := os.Stat(off); err == nil {
			t.Error("it is still held")
		}
	})
	t.Run("no such procedure", func(t *testing.T) {
		id := once("unknown")
		h := start(t, s, queue, id, temporal.Run{Procedure: "copyrk"})
		if st := phase(t, s, id, temporal.Failing); !strings.Contains(st.Last.Error, "it has backout, channelconfig, copyrc") {
			t.Errorf("%+v", st.Last)
		}
		if err := temporal.GoOn(t.Context(), s.Client, id, temporal.Abandon); err != nil {
			t.Fatal(err)
		}
		if _, err := ends(t, s, h); err == nil {
			t.Error("it ended well")
		}
	})
	t.Run("a record beyond the limit", func(t *testing.T) {
		_ = os.Remove(filepath.Join(dir, "log"))
		id := once("large")
		start(t, s, queue, id, temporal.Run{Procedure: "folder", Input: input(t, folder{Steps: 1, Large: 2 << 20})})
		st := phase(t, s, id, temporal.Failing)
		if len(st.Last.Error) == 0 {
			t.Errorf("%+v", st)
		}
		if status, err := temporal.Status(t.Context(), s.Client, id); err != nil || len(status.InDoubt()) != 1 {
			t.Errorf("%+v, %v: want the step in doubt, and the journal whole", status, err)
		}
	})
	t.Run("a terminated journal is not begun anew", func(t *testing.T) {
		id := once("terminated")
		j := temporal.JournalOf(s.Client, queue, id)
		unlock, err := j.Lock(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Append(t.Context(), []byte(`{"n":1}`)); err != nil {
			t.Fatal(err)
		}
		if err := unlock(); err != nil {
			t.Fatal(err)
		}
		if err := s.Client.TerminateWorkflow(t.Context(), j.ID, "", "by a person"); err != nil {
			t.Fatal(err)
		}
		if _, err := temporal.JournalOf(s.Client, queue, id).Lock(t.Context(), "b"); !errors.Is(err, runbook.ErrJournal) {
			t.Errorf("%v, want ErrJournal", err)
		}
	})
	t.Run("a lost journal is not begun anew", func(t *testing.T) {
		j := temporal.JournalOf(s.Client, queue, once("lost"))
		j.Known = 3
		if _, err := j.Lock(t.Context(), "b"); !errors.Is(err, runbook.ErrJournal) {
			t.Errorf("%v, want ErrJournal", err)
		}
	})
	t.Run("a time of seconds", func(t *testing.T) {
		_ = os.Remove(filepath.Join(dir, "log"))
		began := time.Now()
		r, err := ends(t, s, start(t, s, queue, once("due"), temporal.Run{Procedure: "folder", Input: input(t, folder{Steps: 1, Wait: 3 * time.Second})}))
		if err != nil || r.Ending != "done" || time.Since(began) < 3*time.Second {
			t.Errorf("%+v, %v after %v", r, err, time.Since(began))
		}
	})
}
