package cdimage

import (
	"bytes"
	"path"
	"strings"
)

// A hit is one line that one rule matched.
type hit struct {
	rule      *compiled
	line      string
	number    int
	pkg, item string
}

func (h hit) cause() Cause {
	return Cause{Class: h.rule.Class, Scope: h.rule.Scope, Line: h.line, Number: h.number, Package: h.pkg, Remedy: h.rule.Remedy}
}

// match calls found for each rule that the line matches.
func (t *table) match(line []byte, number int, found func(hit)) {
	noisy := 0 // 0 not looked yet, 1 no, 2 yes
	for i := range t.rules {
		r := &t.rules[i]
		if !containsAny(line, r.literals) {
			continue
		}
		if noisy == 0 {
			noisy = 1
			if t.noise.Match(line) {
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
