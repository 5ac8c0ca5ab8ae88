package command

import (
	"errors"
	"fmt"
	"strings"
)

// ErrInvalid is a command that no shell or program could be given.
var ErrInvalid = errors.New("invalid command")

// maxLine bounds a command line in bytes. Linux hands at most 128 KiB to one
// argument of a program, and the whole line is one argument of the login shell.
const maxLine = 96 << 10

// Quote makes one line of argv that a POSIX shell splits into exactly these
// words again: nothing in a word is special to it, be it a quote, a newline or
// a byte outside any encoding. Words that need no quotes get none, so that the
// line stays readable in logs. An empty argv, an empty program name, and a NUL
// byte, which no program can be given, are refused with [ErrInvalid].
func Quote(argv []string) (string, error) {
	if len(argv) == 0 || argv[0] == "" {
		return "", fmt.Errorf("%w: it has no program name; argv[0] must be set", ErrInvalid)
	}
	var b strings.Builder
	for i, w := range argv {
		if n := strings.IndexByte(w, 0); n >= 0 {
			return "", fmt.Errorf("%w: argument %d holds a NUL byte at %d, which cannot be passed to a program; send such data on standard input", ErrInvalid, i, n)
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		quoteWord(&b, w, i == 0)
	}
	if b.Len() > maxLine {
		return "", fmt.Errorf("%w: the line has %d bytes, the limit is %d; send the data on standard input", ErrInvalid, b.Len(), maxLine)
	}
	return b.String(), nil
}

// Word quotes one word that is not a program's name: for a command that a person is
// shown and will paste into a shell. A NUL byte, which no program can be given, is left out.
func Word(word string) string {
	var b strings.Builder
	quoteWord(&b, strings.ReplaceAll(word, "\x00", ""), false)
	return b.String()
}

// quoteWord appends w. Inside single quotes only the single quote itself is
// special to a POSIX shell, so it leaves them, is escaped, and enters again.
// The first word is quoted unless it is plain: x=y there would be an
// assignment, and a quoted reserved word or alias is only a name.
func quoteWord(b *strings.Builder, w string, first bool) {
	if w != "" && strings.IndexFunc(w, notPlain) < 0 && !(first && !isProgram(w)) {
		b.WriteString(w)
		return
	}
	b.WriteByte('\'')
	b.WriteString(strings.ReplaceAll(w, `'`, `'\''`))
	b.WriteByte('\'')
}

// notPlain reports the characters that could mean something to some shell.
// The tilde and the hash do at the start of a word, the equals sign in the
// first word (and in zsh), braces in bash.
func notPlain(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("_-./:,+@%", r)
}

// isProgram reports whether a plain first word cannot be a reserved word, nor
// an option of the shell that is called as "sh -c LINE".
func isProgram(w string) bool {
	if w[0] == '-' || w[0] == '+' {
		return false
	}
	switch w {
	case "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "then", "until", "while",
		"function", "select", "time", "coproc", "namespace":
		return false
	}
	return true
}
