package channelconfig

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/landingteam/landing/systemimage/internal/host"
)

// The exceptions of the grammar.
const (
	classParsing          = "configparser.ParsingError"
	classNoSection        = "configparser.MissingSectionHeaderError"
	classDuplicateSection = "configparser.DuplicateSectionError"
	classDuplicateOption  = "configparser.DuplicateOptionError"
)

// A Failure is how the server fails on its configuration, in the words
// of its own exception.
type Failure struct {
	Class string // the exception, such as "KeyError" or "configparser.ParsingError"
	Text  string // its text, for the faults that are none of the grammar

	// Empty is true for faults of the grammar: the programs of the server log
	// the failure and go on with an empty configuration. Then import-images
	// knows no channel, publishes nothing, removes orphans and exits with 0;
	// copy-image and tag-image fail with exit status 1 when they make the
	// version file. Otherwise every program ends at once, with exit status 1.
	Empty bool

	Line    int    // where, from 1; 0 when it is about something that is missing
	Section string // and the key in it that it is about
	Key     string
	Lines   []Line // of a ParsingError: the lines that are no "key = value", the first 100 of them
	Count   int    // how many there are
}

// A Line is a line of a configuration.
type Line struct {
	Number int
	Text   string // with "\n" behind
}

// Effect says what becomes of the server's programs.
func (f *Failure) Effect() string {
	if f.Empty {
		return "the server goes on with an EMPTY configuration: import-images imports nothing and still exits with 0, copy-image and tag-image fail"
	}
	return "every program of the server ends at once with exit status 1"
}

// Error is short: what is wrong, and what it does.
func (f *Failure) Error() string {
	var what string
	switch f.Class {
	case classParsing:
		what = fmt.Sprintf("line %d is neither a section nor \"key = value\": %s", f.Line, pyRepr(host.Shorten(strings.TrimSpace(f.Lines[0].Text))))
		if n := f.Count - 1; n > 0 {
			what += fmt.Sprintf(" (and %d more such)", n)
		}
	case classNoSection:
		what = fmt.Sprintf("line %d stands before the first section", f.Line)
		if strings.HasPrefix(f.Lines[0].Text, "\ufeff") {
			what = "the text begins with a byte order mark, which hides the first section from the server"
		}
	case classDuplicateSection:
		what = fmt.Sprintf("section [%s] is there a second time", host.Shorten(f.Section))
	case classDuplicateOption:
		what = fmt.Sprintf("key %q is there a second time in section [%s]", host.Shorten(f.Key), host.Shorten(f.Section))
	default:
		what = host.Shorten(f.Text)
	}
	return what + "; " + f.Effect()
}

// Log returns the text of the exception as the server logs it for the
// configuration at path.
func (f *Failure) Log(path string) string {
	switch f.Class {
	case classParsing:
		var b strings.Builder
		fmt.Fprintf(&b, "Source contains parsing errors: %s", pyRepr(path))
		for _, l := range f.Lines {
			fmt.Fprintf(&b, "\n\t[line %2d]: %s", l.Number, pyRepr(l.Text))
		}
		return b.String()
	case classNoSection:
		return fmt.Sprintf("File contains no section headers.\nfile: %s, line: %d\n%s", pyRepr(path), f.Line, pyRepr(f.Lines[0].Text))
	case classDuplicateSection:
		return fmt.Sprintf("While reading from %s [line %2d]: section %s already exists", pyRepr(path), f.Line, pyRepr(f.Section))
	case classDuplicateOption:
		return fmt.Sprintf("While reading from %s [line %2d]: option %s in section %s already exists", pyRepr(path), f.Line, pyRepr(f.Key), pyRepr(f.Section))
	}
	return f.Text
}

// pyRepr writes a text as Python's repr does.
func pyRepr(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b := []byte{quote}
	for _, r := range s {
		switch {
		case r == rune(quote), r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r < 0x100:
			b = fmt.Appendf(b, `\x%02x`, r)
		case r < 0x10000:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\U%08x`, r)
		}
	}
	return string(append(b, quote))
}
