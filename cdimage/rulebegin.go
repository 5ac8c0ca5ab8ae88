package cdimage

import (
	"regexp"
	"regexp/syntax"
	"unicode"
)

// A beginning says which bytes a line can have at its first places if an anchored
// pattern is to match it. Most lines that hold a literal of a rule are told apart by
// that, and a pattern costs a hundred times as much.
type beginning []*[256]bool

const longestBeginning = 6

// may reports whether a line can match.
func (b beginning) may(line []byte) bool {
	if len(line) < len(b) {
		return false
	}
	for i, set := range b {
		if !set[line[i]] {
			return false
		}
	}
	return true
}

// beginnings follows a pattern for as many bytes as each match of it has. A pattern that
// is not bound to the begin of the line has no beginning.
func beginnings(pattern string) (b beginning) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil || prog.StartCond()&syntax.EmptyBeginText == 0 {
		return nil
	}
	at := reach(prog, []uint32{uint32(prog.Start)})
	for at != nil && len(b) < longestBeginning {
		set := &[256]bool{}
		var next []uint32
		for _, pc := range at {
			i := &prog.Inst[pc]
			wide := false
			for c := range 256 {
				if c < 0x80 && i.MatchRune(rune(c)) {
					set[c] = true
				}
			}
			for _, r := range i.Rune {
				for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
					wide = wide || f >= 0x80 && syntax.Flags(i.Arg)&syntax.FoldCase != 0
				}
				wide = wide || r >= 0x80
			}
			if wide || i.Op == syntax.InstRuneAny || i.Op == syntax.InstRuneAnyNotNL {
				return b // a rune of several bytes: the places behind it are not known
			}
			next = append(next, i.Out)
		}
		b = append(b, set)
		at = reach(prog, next)
	}
	return b
}

// reach follows what takes no byte; nil when a match can end there.
func reach(prog *syntax.Prog, from []uint32) (runes []uint32) {
	seen := map[uint32]bool{}
	for len(from) > 0 {
		pc := from[len(from)-1]
		from = from[:len(from)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		switch i := &prog.Inst[pc]; i.Op {
		case syntax.InstMatch:
			return nil
		case syntax.InstAlt, syntax.InstAltMatch:
			from = append(from, i.Out, i.Arg)
		case syntax.InstCapture, syntax.InstEmptyWidth, syntax.InstNop:
			from = append(from, i.Out)
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			runes = append(runes, pc)
		}
	}
	return runes
}

// maxFast is how many instructions a pattern may have for package regexp to follow it
// with its fast machine.
const maxFast = 500

// parts takes a pattern without groups apart at its largest choice, until each part is
// small enough for the fast machine, or cannot be parted.
func parts(pattern string, re *regexp.Regexp) []*regexp.Regexp {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return []*regexp.Regexp{re}
	}
	if prog, err := syntax.Compile(tree.Simplify()); err != nil || len(prog.Inst) <= maxFast {
		return []*regexp.Regexp{re}
	}
	choice := &tree
	if tree.Op == syntax.OpConcat {
		for i, sub := range tree.Sub {
			if sub.Op == syntax.OpAlternate && ((*choice).Op != syntax.OpAlternate || len(sub.Sub) > len((*choice).Sub)) {
				choice = &tree.Sub[i]
			}
		}
	}
	all := (*choice).Sub
	if (*choice).Op != syntax.OpAlternate || len(all) < 2 {
		return []*regexp.Regexp{re}
	}
	var list []*regexp.Regexp
	for _, half := range [][]*syntax.Regexp{all[:len(all)/2], all[len(all)/2:]} {
		*choice = &syntax.Regexp{Op: syntax.OpAlternate, Sub: half}
		text := tree.String()
		part, err := regexp.Compile(text)
		if err != nil {
			return []*regexp.Regexp{re}
		}
		list = append(list, parts(text, part)...)
	}
	return list
}
