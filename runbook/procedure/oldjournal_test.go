package procedure_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// The journals in testdata/journals were written by earlier versions, one of a
// run that ended and one of a run that was killed for each procedure. They are
// never written anew: who waits for a person or for a date has such a journal.
var record = flag.Bool("record", false, "write the journals in testdata/journals that are not there, for a new procedure")

func TestOldJournals(t *testing.T) {
	t.Parallel()
	for name, old := range oldRuns {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := old.fresh(t)
			now := &runbooktest.Memory{}
			if err := resume(t, s, now); err != nil {
				t.Fatal(err)
			}
			want := s.Snapshot()

			// Of a run that ended nothing is left to be done.
			done := oldJournal(t, name+".done", s, now)
			n := len(texts(t, done))
			if err := resume(t, s, done); err != nil {
				t.Errorf("the run that ended: %v", err)
			}
			for _, rec := range recordsOf(t, done)[n:] {
				if rec.Kind == runbook.Started || rec.Kind == runbook.Armed || rec.Kind == runbook.Asked {
					t.Errorf("the run that ended does more: %v", rec)
				}
			}
			if d := cmp.Diff(want, s.Snapshot()); d != "" {
				t.Errorf("the run that ended (-before +after)\n%s", d)
			}
			for _, where := range lost(t, done, now) {
				t.Errorf("recorded once, and not any more: %s", where)
			}

			// One that was killed goes on to the same end.
			s = old.fresh(t)
			cut := runbooktest.KillAfter(t, s.Scene, func(rec runbook.Record) bool {
				return rec.Kind == old.kind && strings.HasSuffix(rec.Step, old.step)
			})
			cut = oldJournal(t, name+".cut", s, cut)
			if err := resume(t, s, cut); err != nil {
				t.Errorf("the run that was killed: %v", err)
			}
			if d := cmp.Diff(want, s.Snapshot()); d != "" {
				t.Errorf("the run that was killed (-undisturbed +resumed)\n%s", d)
			}
		})
	}
}

// resume starts a run until it ends in another way than pending.
func resume(t testing.TB, s oldScene, j runbook.Journal) (err error) {
	t.Helper()
	for range 20 {
		x, p := s.Start()
		x.Journal = j
		if err = x.Execute(t.Context(), p); !errors.Is(err, runbook.ErrPending) {
			break
		}
	}
	return err
}

// oldJournal is a journal of testdata. What differs from run to run, and nothing
// else, is that of a run of today which came as far: the folder, the identity of
// the run, the ports, the digests and the times of the world.
func oldJournal(t *testing.T, name string, s oldScene, today *runbooktest.Memory) *runbooktest.Memory {
	t.Helper()
	path := filepath.Join("testdata", "journals", name+".jsonl")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && *record {
		text = bytes.Join(texts(t, today), []byte("\n"))
		text = append(bytes.ReplaceAll(text, []byte(s.root), []byte("@ROOT@")), '\n')
		err = os.WriteFile(path, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	old := bytes.Split(bytes.TrimSpace(bytes.ReplaceAll(text, []byte("@ROOT@"), []byte(s.root))), []byte("\n"))
	parts := variable(t, old, texts(t, today))
	var pairs []string // the longest first: the name of a backup has the beginning of a digest
	for _, was := range slices.SortedFunc(maps.Keys(parts), func(a, b string) int { return len(b) - len(a) }) {
		pairs = append(pairs, was, parts[was])
	}
	return journalOf(t, old, strings.NewReplacer(pairs...))
}

// texts are the lines of a journal.
func texts(t testing.TB, j runbook.Journal) (lines [][]byte) {
	t.Helper()
	for line, err := range j.Lines(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, slices.Clone(line))
	}
	return lines
}

func recordsOf(t testing.TB, j runbook.Journal) (list []runbook.Record) {
	t.Helper()
	for rec, err := range runbook.Records(t.Context(), j) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, rec)
	}
	return list
}

var (
	varies = regexp.MustCompile(`[0-9a-f]{12,}|127\.0\.0\.1:[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(?:Z| UTC)`)
	sums   = regexp.MustCompile(`(?:,"prev":"[0-9a-f]{64}")?,"sum":"[0-9a-f]{64}"}$`)
)

// variable finds the variable parts of old lines, and what they are today, in the
// same place of the same record.
func variable(t testing.TB, old, today [][]byte) map[string]string {
	t.Helper()
	places := func(lines [][]byte) map[string]string {
		list, count := map[string]string{}, map[string]int{}
		for _, line := range lines {
			var rec runbook.Record
			var all any
			line = append(sums.ReplaceAll(line, nil), '}')
			if err := errors.Join(json.Unmarshal(line, &rec), json.Unmarshal(line, &all)); err != nil {
				t.Fatal(err)
			}
			place := fmt.Sprint(rec.Verb, " ", rec.Kind, " ", rec.Step)
			count[place]++
			leaves(all, fmt.Sprint(place, count[place]), func(where string, v any) {
				if s, ok := v.(string); ok {
					list[where] = s
				}
			})
		}
		return list
	}
	pairs := map[string]string{}
	is := places(today)
	for where, was := range places(old) {
		a, b := varies.FindAllString(was, -1), varies.FindAllString(is[where], -1)
		if len(a) != len(b) {
			continue
		}
		for i := range a {
			if a[i] != b[i] {
				pairs[a[i]] = b[i]
			}
		}
		if strings.HasSuffix(where, ".run") && is[where] != "" {
			pairs[was] = is[where]
		}
	}
	return pairs
}

// leaves calls f with each value of a JSON text that is no object or list.
func leaves(v any, where string, f func(where string, v any)) {
	switch v := v.(type) {
	case map[string]any:
		for k, m := range v {
			leaves(m, where+"."+k, f)
		}
	case []any:
		for i, m := range v {
			leaves(m, fmt.Sprintf("%s[%d]", where, i), f)
		}
	default:
		f(where, v)
	}
}

// journalOf is a journal of old lines with other variable parts, chained anew.
func journalOf(t testing.TB, old [][]byte, parts *strings.Replacer) *runbooktest.Memory {
	t.Helper()
	j := &runbooktest.Memory{}
	unlock, err := j.Lock(t.Context(), "an earlier version")
	if err != nil {
		t.Fatal(err)
	}
	prev := ""
	for _, line := range old {
		body := parts.Replace(string(sums.ReplaceAll(line, nil)))
		if prev != "" {
			body += `,"prev":"` + prev + `"`
		}
		sum := sha256.Sum256([]byte(body))
		prev = hex.EncodeToString(sum[:])
		if err := j.Append(context.Background(), []byte(body+`,"sum":"`+prev+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	return j
}

// lost lists the members of recorded inputs and results that the same step does
// not record today: their names have changed, and what stands in a journal under
// the old name would be passed over.
func lost(t testing.TB, old, today runbook.Journal) []string {
	members := func(j runbook.Journal) map[string]bool {
		list := map[string]bool{}
		for _, rec := range recordsOf(t, j) {
			for what, text := range map[string]json.RawMessage{"input": rec.Input, "result": rec.Result} {
				var v any
				if len(text) > 0 && json.Unmarshal(text, &v) == nil {
					leaves(v, fmt.Sprintf("%s of %s %s: ", what, rec.Verb, rec.Step), func(where string, _ any) { list[where] = true })
				}
			}
		}
		return list
	}
	was, is := members(old), members(today)
	maps.DeleteFunc(was, func(where string, _ bool) bool { return is[where] })
	return slices.Sorted(maps.Keys(was))
}
