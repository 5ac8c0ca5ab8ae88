package cdimage

import (
	"bytes"
	"encoding/binary"
)

// A livefs log has 20,000 to 45,000 lines of which a few dozen matter, so
// lines are not even looked for at first. A block is sampled: every step bytes
// four bytes are looked up among the pieces ("grams") of the wanted literals.
// With step chosen so that each literal holds a whole gram at any phase, none
// can be missed. Only round a hit is the line cut out and handed over.

const (
	gramSize   = 4
	maxStep    = 8
	gramHashes = 1 << 14
)

// grams is an immutable set of literals to look for.
type grams struct {
	step     int // 0: no sampling possible, every line is handed over
	known    [gramHashes]bool
	slot     [gramHashes]int32 // index into entries + 1
	entries  []gramEntry
	literals [][]byte
}

type gramEntry struct {
	gram         uint32
	literal, off int32
	next         int32
}

func gramHash(g uint32) uint32 { return (g * 2654435761) >> 18 }

// newGrams prepares the search for literals. A literal shorter than a gram
// makes sampling impossible: then every line is handed over.
func newGrams(literals []string) *grams {
	g := &grams{}
	shortest := 1 << 10
	seen := map[string]bool{}
	for _, l := range literals {
		if !seen[l] {
			seen[l] = true
			g.literals = append(g.literals, []byte(l))
			shortest = min(shortest, len(l))
		}
	}
	if shortest < gramSize || len(g.literals) == 0 {
		return g
	}
	g.step = min(shortest-gramSize+1, maxStep)
	for i, l := range g.literals {
		window := rarest(l, g.step+gramSize-1)
		for off := window; off < window+g.step; off++ {
			v := binary.LittleEndian.Uint32(l[off:])
			h := gramHash(v)
			g.known[h] = true
			g.entries = append(g.entries, gramEntry{v, int32(i), int32(off), g.slot[h]})
			g.slot[h] = int32(len(g.entries))
		}
	}
	return g
}

// rarest returns where in a literal the n bytes begin that ordinary text has
// least often: those with capitals, signs and rare letters.
func rarest(literal []byte, n int) int {
	at, least := 0, 1<<30
	for from := 0; from+n <= len(literal); from++ {
		cost := 0
		for _, c := range literal[from : from+n] {
			switch {
			case bytes.IndexByte([]byte("etaoinsr cg"), c) >= 0:
				cost += 3
			case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-':
				cost += 2
			}
		}
		if cost < least {
			at, least = from, cost
		}
	}
	return at
}

// find returns the offset of some byte of the first literal in b, or -1.
func (g *grams) find(b []byte) int {
	known, step := &g.known, g.step
	for i := 0; i+gramSize <= len(b); i += step {
		// Two at a time while there is nothing: this loop is the reader's pace.
		for i+step+gramSize <= len(b) &&
			!known[gramHash(binary.LittleEndian.Uint32(b[i:]))] && !known[gramHash(binary.LittleEndian.Uint32(b[i+step:]))] {
			i += 2 * step
		}
		if i+gramSize > len(b) {
			return -1
		}
		v := binary.LittleEndian.Uint32(b[i:])
		h := gramHash(v)
		if !known[h] {
			continue
		}
		for e := g.slot[h]; e != 0; {
			x := &g.entries[e-1]
			if x.gram == v {
				if from := i - int(x.off); from >= 0 && bytes.HasPrefix(b[from:], g.literals[x.literal]) {
					return i
				}
			}
			e = x.next
		}
	}
	return -1
}

// each calls found for each literal that a line holds, at least once.
func (g *grams) each(line []byte, found func(literal int32)) {
	if g.step == 0 {
		for i, l := range g.literals {
			if bytes.Contains(line, l) {
				found(int32(i))
			}
		}
		return
	}
	for i := 0; i+gramSize <= len(line); i += g.step {
		v := binary.LittleEndian.Uint32(line[i:])
		h := gramHash(v)
		if !g.known[h] {
			continue
		}
		for e := g.slot[h]; e != 0; e = g.entries[e-1].next {
			x := &g.entries[e-1]
			if from := i - int(x.off); x.gram == v && from >= 0 && bytes.HasPrefix(line[from:], g.literals[x.literal]) {
				found(x.literal)
			}
		}
	}
}

// wants reports whether one line holds a literal.
func (g *grams) wants(line []byte) bool { return g.step == 0 || g.find(line) >= 0 }
