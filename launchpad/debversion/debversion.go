// Package debversion orders versions of Debian packages: [Compare] is the rule of dpkg.
// Any text is a version to it, and nothing fails.
package debversion

import (
	"cmp"
	"strings"
)

// Compare orders two versions as dpkg does: epoch, upstream
// version, revision. It returns -1, 0 or +1.
func Compare(a, b string) int {
	ea, ua, ra := splitVersion(a)
	eb, ub, rb := splitVersion(b)
	return cmp.Or(comparePart(ea, eb), comparePart(ua, ub), comparePart(ra, rb))
}

// splitVersion cuts [epoch:]upstream[-revision]. A missing epoch or revision
// equals 0.
func splitVersion(v string) (epoch, upstream, revision string) {
	v = strings.TrimSpace(v)
	epoch, upstream = "0", v
	if i := strings.IndexByte(v, ':'); i >= 0 {
		epoch, upstream = v[:i], v[i+1:]
	}
	if i := strings.LastIndexByte(upstream, '-'); i >= 0 {
		upstream, revision = upstream[:i], upstream[i+1:]
	}
	return epoch, upstream, revision
}

// comparePart goes through both parts in turns: the longest run without
// digits, in which letters sort before all else and a tilde even before the
// end; then the longest run of digits, as a number.
func comparePart(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !isDigit(a[0])) || (b != "" && !isDigit(b[0])) {
			if c := cmp.Compare(weight(a), weight(b)); c != 0 {
				return c
			}
			a, b = a[1:], b[1:] // equal weights other than 0 mean equal bytes
		}
		na, nb := number(&a), number(&b)
		if c := cmp.Or(cmp.Compare(len(na), len(nb)), strings.Compare(na, nb)); c != 0 {
			return c
		}
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func weight(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z':
		return int(s[0])
	}
	return int(s[0]) + 256
}

// number cuts the digits off the front of s, without leading zeros.
func number(s *string) string {
	i := 0
	for i < len(*s) && isDigit((*s)[i]) {
		i++
	}
	n := strings.TrimLeft((*s)[:i], "0")
	*s = (*s)[i:]
	return n
}
