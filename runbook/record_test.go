package runbook_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

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
