package cli

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks text into lines of at most width columns, between words: a longer word
// stays whole, and begins further left where that makes it fit. Lines but the first begin with indent, and the last ends with a newline.
// Lines of text stay lines.
func Wrap(text, indent string, width int) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if i > 0 {
			b.WriteString(indent)
		}
		lead := line[:len(line)-len(strings.TrimLeft(line, " "))]
		b.WriteString(lead)
		at := len(lead)
		if i > 0 {
			at += len(indent)
		}
		first := true
		for _, word := range strings.Split(line[len(lead):], " ") {
			n := utf8.RuneCountInString(word)
			switch {
			case first:
			case at+1+n > width && word != "":
				if at = len(indent); n <= width {
					at = min(at, width-n)
				}
				b.WriteString("\n" + indent[:at])
			default:
				b.WriteByte(' ')
				at++
			}
			b.WriteString(word)
			at, first = at+n, false
		}
		b.WriteByte('\n')
	}
	return b.String()
}
