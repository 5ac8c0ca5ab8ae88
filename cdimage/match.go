package cdimage

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// Rules are compiled: ready to read any number of logs, from any number of
// goroutines. See [Compile].
type Rules struct {
	rules         []compiled
	livefs, build *grams // the rules' literals and the marks of the kind of log
	noise         *regexp.Regexp
}

type compiled struct {
	Rule
	re        *regexp.Regexp
	literals  [][]byte
	pkg, item int // subexpressions, -1 when absent
}

// Compile prepares rules for reading livefs logs, or cd-build-logs. The error
// names the first rule whose pattern is no regular expression.
func Compile(rules []Rule) (*Rules, error) {
	rs := &Rules{noise: regexp.MustCompile(noise)}
	var wanted []string
	for i, r := range rules {
		re, err := regexp.Compile(r.Pattern)
		if err != nil {
			return nil, &Error{Op: "compile rules", What: fmt.Sprintf("rule %d (%s)", i, r.Class), Kind: ErrRule, Err: err}
		}
		literals := r.Literals
		if len(literals) == 0 {
			literals = []string{obligatory(r.Pattern)}
		}
		c := compiled{Rule: r, re: re, pkg: re.SubexpIndex("package"), item: re.SubexpIndex("item")}
		for _, l := range literals {
			c.literals = append(c.literals, []byte(l))
		}
		rs.rules = append(rs.rules, c)
		wanted = append(wanted, literals...)
	}
	rs.livefs = newGrams(append(slices.Clone(livefsMarks), wanted...))
	rs.build = newGrams(append(slices.Clone(buildMarks), wanted...))
	return rs, nil
}

// obligatory returns the longest text without which pattern cannot match.
func obligatory(pattern string) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	var best string
	var walk func(*syntax.Regexp)
	walk = func(re *syntax.Regexp) {
		switch re.Op {
		case syntax.OpLiteral:
			if s := string(re.Rune); re.Flags&syntax.FoldCase == 0 && len(s) > len(best) {
				best = s
			}
		case syntax.OpConcat, syntax.OpCapture, syntax.OpPlus:
			for _, sub := range re.Sub {
				walk(sub)
			}
		}
	}
	walk(re)
	return best
}

var (
	defaultLivefs = sync.OnceValue(func() *Rules { return mustCompile(LivefsRules()) })
	defaultBuild  = sync.OnceValue(func() *Rules { return mustCompile(BuildRules()) })
)

func mustCompile(rules []Rule) *Rules {
	rs, err := Compile(rules)
	if err != nil {
		panic(err) // a table of this package
	}
	return rs
}

// A hit is one line that one rule matched.
type hit struct {
	rule      *compiled
	line      string
	number    int
	pkg, item string
}

func (h hit) cause() Cause {
	return Cause{Class: h.rule.Class, Scope: h.rule.Scope, Line: h.line, Number: h.number, Package: h.pkg}
}

// match calls found for each rule that the line matches.
func (rs *Rules) match(line []byte, number int, found func(hit)) {
	noisy := 0 // 0 not looked yet, 1 no, 2 yes
	for i := range rs.rules {
		r := &rs.rules[i]
		if !containsAny(line, r.literals) {
			continue
		}
		if noisy == 0 {
			noisy = 1
			if rs.noise.Match(line) {
				noisy = 2
			}
		}
		// A full disk is told by whatever program hits it.
		if noisy == 2 && r.Class != DiskSpace {
			continue
		}
		m := r.re.FindSubmatchIndex(line)
		if m == nil {
			continue
		}
		h := hit{rule: r, line: quote(line), number: number}
		if r.pkg >= 0 && m[2*r.pkg] >= 0 {
			h.pkg = packageName(string(line[m[2*r.pkg]:m[2*r.pkg+1]]))
		}
		if r.item >= 0 && m[2*r.item] >= 0 {
			h.item = itemKey(line[m[2*r.item]:m[2*r.item+1]])
		}
		found(h)
	}
}

func containsAny(line []byte, literals [][]byte) bool {
	for _, l := range literals {
		if bytes.Contains(line, l) {
			return true
		}
	}
	return false
}

// packageName turns what dpkg prints, a name, a name with an architecture or
// the path of an archive, into the package's name.
func packageName(s string) string {
	folder, file := path.Split(s)
	s = file
	if strings.Contains(folder, "/apt-dpkg-install-") { // links with numbers: "051-unity8_8.12_armhf.deb"
		_, s, _ = strings.Cut(s, "-")
	}
	s, _, _ = strings.Cut(s, "_")
	s, _, _ = strings.Cut(s, ":")
	return s
}

// maxQuote bounds a quoted line. Of a longer one the beginning and the end are
// kept: commands are long, and what became of them stands at the end.
const maxQuote = 1000

// quote returns a line fit to be shown: valid UTF-8, without control
// characters, and not too long.
func quote(line []byte) string {
	if len(line) > maxQuote {
		head, tail := line[:maxQuote/2], line[len(line)-maxQuote/2:]
		return quote(head) + " … " + quote(tail)
	}
	return strings.Map(func(r rune) rune { // which makes what is no UTF-8 valid
		if r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, string(line))
}
