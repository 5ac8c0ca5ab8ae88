package host

import (
	"regexp"
	"strings"
)

// Shorten makes words of another program fit for an error message: valid UTF-8,
// no control characters, bounded.
func Shorten(s string) string {
	const limit = 300
	cut := len(s) > limit
	if !cut && plain(s) {
		return s
	}
	if cut {
		s = s[:limit]
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if cut {
		s += "..."
	}
	return s
}

// plain reports whether s is printable ASCII.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// LastWords is ": " and the last line of what a program wrote, to end a message
// with; nothing when it wrote nothing.
func LastWords(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return ": " + Shorten(strings.TrimSpace(last))
	}
	return ""
}

// userInfo is what stands between :// and @ in a URL, or user:password where the
// scheme was forgotten.
var userInfo = regexp.MustCompile(`(://)[^/@;,\s]*@|[^/@;,=\s:]+:[^/@;,=\s]+@|(nonnumeric port: ['"])[^\s]*@`)

// HideSecrets takes what may be a password out of the URLs of a line, and out of
// what the server's downloads say about one, which they take for a port.
func HideSecrets(line string) string { return userInfo.ReplaceAllString(line, "${1}${2}...@") }
