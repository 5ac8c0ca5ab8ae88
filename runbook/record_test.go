package runbook_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/landingteam/landing/runbook"
)

var prev = regexp.MustCompile(`"prev":"[0-9a-f]{64}"`)

// reseal edits the lines of a journal and makes the chain whole again, from the
// description of the format: the sum of a line is the SHA-256 of what stands
// before it.
func reseal(t *testing.T, text []byte, edit func(line int, body string) string) []byte {
	t.Helper()
	var out bytes.Buffer
	last := ""
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		body, _, ok := strings.Cut(line, `,"sum":"`)
		if !ok {
			t.Fatalf("line %d has no sum: %s", i+1, line)
		}
		body = edit(i+1, prev.ReplaceAllString(body, `"prev":"`+last+`"`))
		last = fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
		fmt.Fprintf(&out, "%s,\"sum\":\"%s\"}\n", body, last)
	}
	return out.Bytes()
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"format":1,"n":1,"time":"2026-01-02T03:04:05Z","run":"r","verb":"run","kind":"opened"`))
	f.Add([]byte(`{"format":1,"n":1,"verb":"do","kind":"started","result":[1,{"a":null}],"colour":"red"`))
	f.Add([]byte(`{"n":1e99`))
	f.Fuzz(func(t *testing.T, text []byte) {
		// As it is: never a panic, and an error unless it is empty or sealed.
		check := func(text []byte) (n int, bad error) {
			for rec, err := range runbook.Records(t.Context(), &fixed{text: text}) {
				if err != nil {
					var e *runbook.Error
					if !errors.As(err, &e) || e.Kind != runbook.ErrJournal || e.Line != n+1 {
						t.Fatalf("%v after %d records", err, n)
					}
					return n, err
				}
				if n++; rec.N != n {
					t.Fatalf("record %d has number %d", n, rec.N)
				}
			}
			return n, nil
		}
		check(text)
		// Sealed as a line, so that what lies behind the checksum is reached.
		if bytes.ContainsAny(text, "\n") {
			return
		}
		sealed := fmt.Appendf(nil, "%s,\"sum\":\"%x\"}\n", text, sha256.Sum256(text))
		if n, err := check(sealed); err == nil && n != 1 {
			t.Fatalf("%d records in a line", n)
		}
	})
}

// Whatever is on record about a step, a start says something about it and does
// not panic.
func FuzzResume(f *testing.F) {
	f.Add("do", "started", "a", []byte(`"x"`))
	f.Add("hold", "armed", "importer", []byte(`null`))
	f.Add("gate", "approved", "g", []byte(`{}`))
	f.Add("wait", "done", "w", []byte(`7`))
	f.Add("read", "failed", "r", []byte(``))
	f.Add("run", "ended", "", []byte(`[]`))
	f.Fuzz(func(t *testing.T, verb, kind, step string, result []byte) {
		if !json.Valid(result) {
			result = []byte("1")
		}
		rec, err := json.Marshal(map[string]any{"n": 2, "prev": "", "verb": verb, "kind": kind, "step": step, "result": json.RawMessage(result), "intent": "do a"})
		if err != nil {
			t.Skip(err)
		}
		first := []byte(`{"format":1,"n":1,"run":"n-1","verb":"run","kind":"opened","intent":"n"`)
		sum := fmt.Sprintf("%x", sha256.Sum256(first))
		second := bytes.Replace(rec[:len(rec)-1], []byte(`"prev":""`), []byte(`"prev":"`+sum+`"`), 1)
		text := fmt.Appendf(nil, "%s,\"sum\":\"%s\"}\n%s,\"sum\":\"%x\"}\n", first, sum, second, sha256.Sum256(second))
		w := &world{}
		p := func(ctx context.Context, r *runbook.Run) error {
			_, read := runbook.Read(ctx, r, "r", func(context.Context) (int, error) { return 1, nil })
			_, wait := runbook.Wait(ctx, r, runbook.Poll[int]{Name: "w", Intent: "do a", Check: func(context.Context) (int, bool, error) { return 1, true, nil }})
			return errors.Join(read, wait, r.Gate(ctx, runbook.Gate{Name: "g", Question: "do a"}), r.Hold(ctx, w.hold("importer"), func(ctx context.Context, r *runbook.Run) error {
				return do(ctx, r, w.step("a"))
			}))
		}
		x := &runbook.Runner{Name: "n", Journal: &fixed{text: text}}
		x.Plan(t.Context(), p)
		x.Settle(t.Context(), p)
		x.Execute(t.Context(), p)
		var out bytes.Buffer
		s, _ := runbook.StatusOf(t.Context(), x.Journal) // also of what stands before the damage
		if err := s.WriteReport(&out); err != nil || !utf8.Valid(out.Bytes()) {
			t.Errorf("report %q, %v", out.Bytes(), err)
		}
		if i := bytes.IndexFunc(out.Bytes(), func(c rune) bool { return c != '\n' && unicode.IsControl(c) }); i >= 0 {
			t.Errorf("a control character in %q", out.Bytes())
		}
	})
}
