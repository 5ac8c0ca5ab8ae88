package runbook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

func open(t testing.TB, path string) *runbook.FileJournal {
	t.Helper()
	j, err := runbook.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestFileJournal(t *testing.T) {
	dir := t.TempDir()
	runbooktest.TestJournal(t, func(t *testing.T, name string) runbook.Journal {
		return open(t, filepath.Join(dir, name))
	})
	left, err := filepath.Glob(filepath.Join(dir, "*.lock"))
	if err != nil || len(left) > 0 {
		t.Errorf("locks left behind: %v, %v", left, err)
	}
}

func TestOpenFile(t *testing.T) {
	dir := t.TempDir()
	for _, bad := range []string{dir, filepath.Join(dir, "missing", "journal"), os.DevNull} {
		_, err := runbook.OpenFile(bad)
		is(t, err, runbook.ErrJournal)
	}
	j := open(t, filepath.Join(dir, "journal"))
	if _, err := (&runbook.Runner{Name: "n", Journal: j}).Plan(t.Context(), func(context.Context, *runbook.Run) error { return nil }); err != nil {
		t.Fatal(err)
	}
	is(t, (&runbook.Runner{Name: "n", Journal: j}).Settle(t.Context(), nil), nil)
	if _, err := runbook.ReadStatus(j.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("status of nothing: %v", err)
	}
}

// ran is the text of the journal of a run of three steps.
func ran(t *testing.T, w *world) []byte {
	t.Helper()
	j := open(t, filepath.Join(t.TempDir(), "journal"))
	is(t, execute(t, j, w.three), nil)
	text, err := os.ReadFile(j.Path())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (w *world) three(ctx context.Context, r *runbook.Run) error {
	return r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
		for _, name := range []string{"a", "b", "c"} {
			if err := do(ctx, r, w.probed(name)); err != nil {
				return err
			}
		}
		return nil
	})
}

func stored(t *testing.T, text []byte) *runbook.FileJournal {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

// A journal may end anywhere: the torn line is cut, and the run goes on.
func TestTornJournal(t *testing.T) {
	w := &world{}
	text := ran(t, w)
	for end := 0; end <= len(text); end += 61 {
		j := stored(t, text[:end])
		whole := bytes.Count(text[:end], []byte("\n"))
		if got := len(records(t, j)); got != whole {
			t.Fatalf("%d records in %d bytes, want %d", got, end, whole)
		}
		if after, err := os.ReadFile(j.Path()); err != nil || len(after) != end {
			t.Fatalf("reading changed the file: %v", err)
		}
		is(t, execute(t, j, w.three), nil)
		after, err := os.ReadFile(j.Path())
		if err != nil {
			t.Fatal(err)
		}
		if keep := bytes.LastIndexByte(text[:end], '\n') + 1; !bytes.Equal(after[:keep], text[:keep]) {
			t.Fatal("whole lines were changed")
		}
		if owed := statusOf(t, j).Owed(); len(owed) > 0 {
			t.Fatalf("owed %v", owed)
		}
	}
}

// A journal may tell of a fix that is not public yet.
func TestJournalIsItsOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, err := runbook.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x := &runbook.Runner{Name: "n", Journal: j}
	if err := x.Execute(t.Context(), func(context.Context, *runbook.Run) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

// A file without a line end that is no journal must not be taken for a torn one:
// nothing of it is lost.
func TestSomebodysFileIsLeftAlone(t *testing.T) {
	w := &world{}
	for name, text := range map[string]string{
		"one line": "do not lose this", "an object": `{"precious":1}`, "nul": strings.Repeat("\x00", 100), "bytes": "\xff\xfe\x00",
		"lines": "do not\nlose this", "long": strings.Repeat("x", 200<<10),
	} {
		j := stored(t, []byte(text))
		err := execute(t, j, w.three)
		if is(t, err, runbook.ErrJournal); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: %v", name, err)
		}
		is(t, (&runbook.Runner{Name: "n", Journal: j}).Settle(t.Context(), w.three), runbook.ErrJournal)
		_, err = runbook.ReadStatus(j.Path())
		is(t, err, runbook.ErrJournal)
		if after, err := os.ReadFile(j.Path()); err != nil || string(after) != text {
			t.Errorf("%s: now %q, %v", name, after, err)
		}
	}
	want(t, "acts", w.took(), nil)
}

// No byte of a journal can be changed unnoticed.
func TestEditedJournal(t *testing.T) {
	w := &world{}
	text := ran(t, w)
	w.took()
	for at := (len(text) - 1) % 5; at < len(text); at += 5 { // the last one too
		edited := bytes.Clone(text)
		if edited[at] ^= 1; edited[at] == '\n' {
			edited[at] ^= 3
		}
		line := 1 + bytes.Count(text[:at], []byte("\n"))
		j := &fixed{text: edited}
		err := (&runbook.Runner{Name: "n", Journal: j}).Execute(t.Context(), w.three)
		if text[at] == '\n' && at == len(text)-1 {
			is(t, err, nil) // without its end the line is torn
			w.took()
			continue
		}
		var e *runbook.Error
		if !errors.As(err, &e) || e.Kind != runbook.ErrJournal || e.Line != line {
			t.Fatalf("byte %d of line %d changed to %q: %v", at, line, edited[at], err)
		}
		want(t, "acts", w.took(), nil)
	}
	split := bytes.SplitAfter(text, []byte("\n"))
	for name, lines := range map[string][][]byte{
		"line 4 is missing":      slices.Delete(slices.Clone(split), 3, 4),
		"lines 4, 5 change over": {split[0], split[1], split[2], split[4], split[3], split[5]},
		"line 4 comes twice":     slices.Insert(slices.Clone(split), 3, split[3]),
		"line 1 is missing":      split[1:],
		"empty line":             slices.Insert(slices.Clone(split), 3, []byte("\n")),
	} {
		err := execute(t, stored(t, bytes.Join(lines, nil)), w.three)
		var e *runbook.Error
		if !errors.As(err, &e) || e.Kind != runbook.ErrJournal || e.Line == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"no journal": "hello\nworld\n", "nul": "\x00\x00\n", "long": strings.Repeat("x", 17<<20), "long line": strings.Repeat("x", 17<<20) + "\n",
	} {
		j := stored(t, []byte(text))
		var err error
		for _, err = range runbook.Records(t.Context(), j) {
		}
		if is(t, err, runbook.ErrJournal); err != nil && !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fixed is a journal in memory that starts with a text.
type fixed struct {
	runbooktest.Memory
	text []byte
}

func (j *fixed) Lines(context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		rest := j.text
		for {
			line, more, ok := bytes.Cut(rest, []byte("\n"))
			if !ok || !yield(line, nil) {
				return
			}
			rest = more
		}
	}
}

func TestDamagedJournalStillHasAStatus(t *testing.T) {
	text := ran(t, &world{})
	at := bytes.Index(text, []byte(`"do done b"`)) // not there: damage the last line
	if at < 0 {
		at = len(text) - 10
	}
	text[at] ^= 1
	s, err := runbook.ReadStatus(stored(t, text).Path())
	is(t, err, runbook.ErrJournal)
	if s.Procedure != "n" || len(s.Steps) != 4 || s.Starts != 1 || s.Ending != "" {
		t.Errorf("%+v", s)
	}
}

func TestJournalChangedWhileInUse(t *testing.T) {
	for name, meddle := range map[string]func(path string) error{
		"appended": func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("x\n")
			return errors.Join(err, f.Close())
		},
		"removed":   os.Remove,
		"truncated": func(path string) error { return os.Truncate(path, 3) },
		"replaced": func(path string) error {
			text, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path+"2", text, 0o600), os.Rename(path+"2", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, j := &world{}, open(t, filepath.Join(t.TempDir(), "journal"))
			err := execute(t, j, func(ctx context.Context, r *runbook.Run) error {
				if err := do(ctx, r, w.step("a")); err != nil {
					return err
				}
				if err := meddle(j.Path()); err != nil {
					t.Fatal(err)
				}
				return do(ctx, r, w.step("b"))
			})
			is(t, err, runbook.ErrJournal)
			want(t, "acts", w.took(), []string{"a"})
		})
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	p := func(ctx context.Context, r *runbook.Run) error { return nil }
	t.Run("in use", func(t *testing.T) {
		is(t, (&runbook.Runner{Name: "n", Journal: j, Operator: "operator"}).Execute(t.Context(), func(ctx context.Context, r *runbook.Run) error {
			err := execute(t, open(t, path), p)
			is(t, err, runbook.ErrLocked)
			for _, text := range []string{"operator", fmt.Sprintf("process %d", os.Getpid()), host, "since 20"} {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q does not say %q", err, text)
				}
			}
			s, err := runbook.ReadStatus(path)
			if err != nil || !strings.Contains(s.Running, "operator") {
				t.Errorf("status: running %q, %v", s.Running, err)
			}
			return nil
		}), nil)
		s, err := runbook.ReadStatus(path)
		if err != nil || s.Running != "" || s.Ending != "done" {
			t.Errorf("status afterwards %+v, %v", s, err)
		}
	})
	t.Run("by another name", func(t *testing.T) {
		link := filepath.Join(t.TempDir(), "current")
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		is(t, execute(t, j, func(ctx context.Context, r *runbook.Run) error {
			is(t, execute(t, open(t, link), p), runbook.ErrLocked)
			return nil
		}), nil)
	})
	t.Run("of a dead process", func(t *testing.T) {
		if err := os.WriteFile(path+".lock", []byte(`{"owner":"operator","pid":999999999,"host":"`+host+`"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := runbook.ReadStatus(path); err != nil || s.Running != "" {
			t.Errorf("running %q, %v", s.Running, err)
		}
		is(t, execute(t, j, p), nil)
	})
	t.Run("of a dead process whose number is another's now", func(t *testing.T) {
		if err := os.WriteFile(path+".lock", fmt.Appendf(nil, `{"owner":"operator","pid":%d,"host":%q}`, os.Getpid(), host), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := runbook.ReadStatus(path); err != nil || s.Running != "" {
			t.Errorf("running %q, %v", s.Running, err)
		}
		is(t, execute(t, j, p), nil)
	})
	t.Run("of another host", func(t *testing.T) {
		text := []byte(`{"owner":"operator","pid":4711,"host":"snakefruit","since":"2026-01-02T03:04:05Z"}`)
		if err := os.WriteFile(path+".lock", text, 0o600); err != nil {
			t.Fatal(err)
		}
		err := execute(t, j, p)
		is(t, err, runbook.ErrLocked)
		for _, text := range []string{"operator", "snakefruit", "ps -p 4711", "remove " + path + ".lock"} {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%q does not say %q", err, text)
			}
		}
		if got, err := os.ReadFile(path + ".lock"); err != nil || !bytes.Equal(got, text) {
			t.Errorf("the lock was changed to %s, %v", got, err)
		}
	})
}

func TestUnknownFieldsAndKinds(t *testing.T) {
	w := &world{}
	text := ran(t, w)
	j := stored(t, reseal(t, text, func(line int, body string) string {
		if line == 4 {
			return strings.Replace(body, `"verb"`, `"colour":"red","verb"`, 1)
		}
		return body
	}))
	got := records(t, j)
	if string(got[3].Extra["colour"]) != `"red"` || len(got[3].Extra) != 1 || got[3].Step != "a" {
		t.Errorf("%+v", got[3])
	}
	is(t, execute(t, j, w.three), nil)
	if after, err := os.ReadFile(j.Path()); err != nil || !bytes.Contains(after, []byte(`"colour":"red"`)) {
		t.Errorf("the field is gone: %v", err)
	}

	w.took()
	for name, edit := range map[string]func(line int, body string) string{
		"kind": func(line int, body string) string {
			return strings.Replace(body, `"kind":"acquired"`, `"kind":"borrowed"`, 1)
		},
		"format": func(line int, body string) string { return strings.Replace(body, `"format":1`, `"format":2`, 1) },
	} {
		j := stored(t, reseal(t, text, edit))
		err := execute(t, j, w.three)
		if is(t, err, runbook.ErrJournal); !strings.Contains(err.Error(), "newer program") {
			t.Errorf("%s: %v", name, err)
		}
		want(t, "acts", w.took(), nil)
		if _, err := runbook.ReadStatus(j.Path()); (err == nil) != (name == "kind") {
			t.Errorf("%s: status: %v", name, err)
		}
	}
}

// Long results are in one line all the same.
func TestLongLines(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal"))
	var got string
	p := func(n int) runbook.Procedure {
		return func(ctx context.Context, r *runbook.Run) (err error) {
			got, err = runbook.Read(ctx, r, "long", func(context.Context) (string, error) { return strings.Repeat("x", n), nil })
			return err
		}
	}
	is(t, execute(t, j, p(1<<20)), nil)
	got = ""
	is(t, execute(t, j, p(1)), nil)
	if len(got) != 1<<20 {
		t.Errorf("%d bytes", len(got))
	}
	is(t, execute(t, open(t, filepath.Join(t.TempDir(), "journal")), func(_ context.Context, r *runbook.Run) error {
		return r.Note(strings.Repeat("x", 17<<20))
	}), runbook.ErrJournal)
}
