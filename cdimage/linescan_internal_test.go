package cdimage

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestScanFindsEveryLiteral compares the sampling search with a plain one, at
// every phase, across blocks, with and without line ends.
func TestScanFindsEveryLiteral(t *testing.T) {
	literals := []string{"No space left", " =====\n", "Errno 28", "Hash Sum mismatch"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var b strings.Builder
		for b.Len() < 1000+r.IntN(400_000) {
			b.WriteString(strings.Repeat("=", r.IntN(6)) + strings.Repeat("x", r.IntN(90)))
			if r.IntN(40) == 0 {
				b.WriteString(literals[r.IntN(len(literals))])
			}
			b.WriteString([]string{"\n", "\r\n", " "}[r.IntN(3)])
		}
		if r.IntN(2) == 0 {
			b.WriteString("last line without an end")
		}
		text := b.String()
		var want []string
		lines := strings.SplitAfter(text, "\n")
		for i, l := range lines {
			wanted := l != "" && !strings.HasSuffix(l, "\n")
			for _, lit := range literals {
				wanted = wanted || strings.Contains(l, lit)
			}
			if wanted {
				want = append(want, fmt.Sprint(i+1, strings.TrimRight(l, "\r\n")))
			}
		}
		var got []string
		s := &scanner{g: newGrams(literals)}
		if err := s.scan(strings.NewReader(text), func(line []byte, n int) bool {
			got = append(got, fmt.Sprint(n, string(line)))
			return false
		}); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("got %d lines, want %d", len(got), len(want))
		}
		if n := strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1; s.lines != n {
			t.Fatalf("%d lines counted, want %d", s.lines, n)
		}
	}
}

// TestScanNext: a visitor that asks for the next line gets it.
func TestScanNext(t *testing.T) {
	text := strings.Repeat("filler\n", 50_000) + "the wanted literal\nnext\nnot this\n"
	var got []string
	s := &scanner{g: newGrams([]string{"wanted literal"})}
	s.scan(strings.NewReader(text), func(line []byte, n int) bool {
		for up, above := range s.above() {
			got = append(got, fmt.Sprint(n, " ", string(line), " ", up, " after ", string(above)))
			break
		}
		return bytes.Contains(line, []byte("wanted"))
	})
	want := "50001 the wanted literal 1 after filler|50002 next 1 after the wanted literal"
	if strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "|"), want)
	}
}

// TestRulesHaveGoodLiterals keeps the tables fast and right: no literal is so
// short that it slows every log down, and each obligatory one is found.
func TestRulesHaveGoodLiterals(t *testing.T) {
	for name, c := range map[string]struct {
		g    *grams
		step int
	}{"livefs": {defaultRules().livefs.literals, 7}, "build": {defaultRules().build.literals, 4}} {
		if c.g.step < c.step {
			short := ""
			for _, l := range c.g.literals {
				if len(l) < c.step+gramSize-1 {
					short += fmt.Sprintf(" %q", l)
				}
			}
			t.Errorf("%s: step %d, want %d: literals%s are too short", name, c.g.step, c.step, short)
		}
	}
}
