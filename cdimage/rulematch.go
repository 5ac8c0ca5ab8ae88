package cdimage

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage/cause"
)

// A hit is one line that one rule matched.
type hit struct {
	rule      *compiled
	line      string
	number    int
	pkg, item string
	past      bool // the program that said it went on, or had it after all
}

func (h hit) cause() cause.Cause {
	return cause.Cause{Class: h.rule.Class, Scope: h.rule.Scope, Line: h.line, Number: h.number, Package: h.pkg, Remedy: h.rule.Remedy}
}

// A matcher tries the rules of a table on the lines of one log.
type matcher struct {
	*table
	oncePerClass bool               // of the rules of a class only the one with the highest rank counts
	wanted       []bool             // to be tried on the line at hand, by rule
	seen         map[string]*memory // lines that come again: programs say the same again and again
	once         memory             // of a line that is not remembered
}

// A memory is what is known of a line, wherever it stands.
type memory struct {
	tried   []bool // by rule
	matches []match
	quoted  string // once it matched
}

// A match is what a rule finds in a line.
type match struct {
	rule      int
	pkg, item string
}

const (
	maxMemories   = 256
	maxRemembered = 1 << 10 // bytes of a line
)

func (t *table) matcher(oncePerClass bool) *matcher {
	return &matcher{table: t, oncePerClass: oncePerClass, wanted: make([]bool, len(t.rules)), seen: map[string]*memory{}}
}

// match calls found for each rule that the line matches and that counts; nil: all
// do. Patterns are slow: they are tried only where a literal of theirs stands.
func (m *matcher) match(line []byte, number int, counts func(*compiled) bool, found func(hit)) {
	any := false
	m.literals.each(line, func(literal int32) {
		for _, i := range m.rulesOf[literal] {
			if !m.wanted[i] && (counts == nil || counts(&m.rules[i])) {
				m.wanted[i], any = true, true
			}
		}
	})
	if !any {
		return
	}
	mem := m.seen[string(line)]
	if mem == nil {
		if len(m.seen) < maxMemories && len(line) <= maxRemembered {
			mem = &memory{tried: make([]bool, len(m.rules))}
			m.seen[string(line)] = mem
		} else {
			m.once.matches, m.once.quoted = m.once.matches[:0], ""
			mem = &m.once
		}
	}
	m.try(line, mem)
	for _, x := range mem.matches {
		if m.wanted[x.rule] {
			if mem.quoted == "" {
				mem.quoted = quote(line)
			}
			found(hit{rule: &m.rules[x.rule], line: mem.quoted, number: number, pkg: x.pkg, item: x.item})
		}
	}
	clear(m.wanted)
}

// try runs the patterns that are wanted and have not been tried on the line.
func (m *matcher) try(line []byte, mem *memory) {
	noisy := 0 // 0 not looked yet, 1 no, 2 yes
	for _, i := range m.order {
		r := &m.rules[i]
		if !m.wanted[i] || mem.tried != nil && mem.tried[i] || m.oncePerClass && m.has(mem, r.Class) {
			continue
		}
		if mem.tried != nil {
			mem.tried[i] = true
		}
		if !r.begins.may(line) {
			continue
		}
		var at []int // of the groups; to find them takes longer
		if r.parts == nil {
			at = r.re.FindSubmatchIndex(line)
		}
		if at == nil && !slices.ContainsFunc(r.parts, func(re *regexp.Regexp) bool { return re.Match(line) }) {
			continue
		}
		if noisy == 0 {
			noisy = 1
			if isNoise(line) {
				noisy = 2
			}
		}
		// A full disk is told by whatever program hits it.
		if noisy == 2 && r.Class != cause.DiskSpace {
			continue
		}
		x := match{rule: i}
		if r.pkg >= 0 && at[2*r.pkg] >= 0 {
			x.pkg = packageName(string(line[at[2*r.pkg]:at[2*r.pkg+1]]))
		}
		if r.item >= 0 && at[2*r.item] >= 0 {
			x.item = itemKey(line[at[2*r.item]:at[2*r.item+1]])
		}
		mem.matches = append(mem.matches, x)
	}
}

func (m *matcher) has(mem *memory, class cause.Class) bool {
	for _, x := range mem.matches {
		if m.rules[x.rule].Class == class {
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
	plain := true
	for _, c := range line {
		plain = plain && c >= ' ' && c < 0x7f
	}
	if plain {
		return string(line)
	}
	return strings.Map(func(r rune) rune { // which makes what is no UTF-8 valid
		if r < ' ' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, string(line))
}
