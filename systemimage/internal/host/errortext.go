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

// userInfo is what stands between :// and @ in a URL, or user:password where the
// scheme was forgotten. What the server's downloads take for a port, they quote.
var userInfo = regexp.MustCompile(`(://)[^/@\s'"]*@|\b[^/@\s'"=;]+:[^/@\s'"]+@|(nonnumeric port: ['"])[^\s]*@`)

// HideSecrets takes what may be a password out of the URLs in a text, and shows three
// dots.
func HideSecrets(text string) string { return userInfo.ReplaceAllString(text, "${1}${2}...@") }
