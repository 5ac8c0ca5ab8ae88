package web_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/runbook/web"
)

// counted is a folder that counts how often a journal is read.
type counted struct {
	web.Folder
	reads atomic.Int64
}

func (c *counted) Lines(ctx context.Context, name string) iter.Seq2[[]byte, error] {
	c.reads.Add(1)
	return c.Folder.Lines(ctx, name)
}

// The list reads a journal again only when it has changed.
func TestListReadsOnce(t *testing.T) {
	s := newScene(t)
	source := &counted{Folder: web.Folder{Dir: s.dir}}
	s.board.Source = source
	for _, name := range []string{"a", "b", "c"} {
		wantPending(t, s.run(t, name, release(42)))
	}
	got := func() int64 {
		before := source.reads.Load()
		if status, text := s.get(t, "/", ""); status != http.StatusOK {
			t.Fatalf("status %d:\n%s", status, text)
		}
		return source.reads.Load() - before
	}
	reads := []int64{got(), got()}
	wantPending(t, s.run(t, "b", release(43)))
	reads = append(reads, got(), got())
	if err := os.Remove(filepath.Join(s.dir, "c")); err != nil {
		t.Fatal(err)
	}
	reads = append(reads, got())
	if diff := cmp.Diff([]int64{3, 0, 1, 0, 0}, reads); diff != "" {
		t.Errorf("journals read (-want +got):\n%s", diff)
	}
	if status, _ := s.get(t, "/run/c/", ""); status != http.StatusNotFound {
		t.Errorf("a run that is gone: status %d", status)
	}
}

// records makes a journal of about n records, and a question at its end.
func records(t testing.TB, n int) []byte {
	t.Helper()
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "copyrc", Journal: j, Operator: "olga"}
	wantPending(t, x.Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error {
		for i := range n / 2 {
			if _, err := runbook.Do(ctx, r, runbook.Step[string]{Name: fmt.Sprintf("ubuntu-touch/rc/device-%d.en:arale/copy", i),
				Intent: fmt.Sprintf("copy image %d of ubuntu-touch/rc-proposed/device-%d.en for arale to ubuntu-touch/rc/device-%[2]d.en", i, i),
				Do:     func(context.Context) (string, error) { return "image 7, tag OTA-13-rc, at 100 %", nil }}); err != nil {
				return err
			}
		}
		return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Release these images?", Evidence: builds{42, 7}})
	}))
	var b bytes.Buffer
	for line, err := range j.Lines(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.Bytes()
}

// BenchmarkList is the list of 1000 runs of 500 records: at first, when every journal
// is read, and then. It reports what is kept in memory.
func BenchmarkList(b *testing.B) {
	const runs = 1000
	dir := b.TempDir()
	text := records(b, 500)
	for i := range runs {
		write(b, filepath.Join(dir, fmt.Sprintf("run-%04d.journal", i)), string(text))
	}
	get := func(h http.Handler) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusOK {
			b.Fatalf("status %d", w.Code)
		}
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			get(&web.Handler{Source: web.Folder{Dir: dir}})
		}
		b.SetBytes(int64(runs * len(text)))
	})
	b.Run("then", func(b *testing.B) {
		before := heap()
		h := &web.Handler{Source: web.Folder{Dir: dir}}
		get(h)
		for b.Loop() {
			get(h)
		}
		b.ReportMetric(float64(int64(heap())-int64(before))/runs, "B-kept/run")
		runtime.KeepAlive(h)
	})
	b.Run("one changed", func(b *testing.B) {
		h := &web.Handler{Source: web.Folder{Dir: dir}}
		get(h)
		for b.Loop() {
			now := time.Now()
			if err := os.Chtimes(filepath.Join(dir, "run-0007.journal"), now, now); err != nil {
				b.Fatal(err)
			}
			get(h)
		}
	})
}

// BenchmarkRun is the page of one run of 500 records.
func BenchmarkRun(b *testing.B) {
	dir := b.TempDir()
	write(b, filepath.Join(dir, "j"), string(records(b, 500)))
	h := &web.Handler{Source: web.Folder{Dir: dir}}
	for b.Loop() {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/run/j/", nil)); w.Code != http.StatusOK {
			b.Fatalf("status %d", w.Code)
		}
	}
}
