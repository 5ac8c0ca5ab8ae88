package cli

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A siteError is all that is wrong with a site file, said at once.
type siteError struct {
	path   string
	faults []siteFault
}

// A siteFault is one thing that is wrong, in the words of the file.
type siteFault struct {
	line int // 0: something is missing altogether
	text string
}

// Error has a line for each fault, in the order of the file.
func (e *siteError) Error() string {
	faults := slices.SortedStableFunc(slices.Values(e.faults), func(a, b siteFault) int { return a.line - b.line })
	var lines []string
	for _, f := range faults {
		where := e.path
		if f.line > 0 {
			where += fmt.Sprintf(", line %d", f.line)
		}
		lines = append(lines, where+": "+f.text)
	}
	return strings.Join(lines, "\n")
}

// A siteScan is where the sections and keys of a site file stand, and what is wrong with
// its lines.
type siteScan struct {
	at     map[string]int // line of a section, "[name]", and of a key behind its section: "[name] key"
	faults []siteFault
}

func (s *siteScan) add(line int, format string, a ...any) {
	s.faults = append(s.faults, siteFault{line, fmt.Sprintf(format, a...)})
}

// of is the line of a key, or else that of its section.
func (s *siteScan) of(section, key string) int {
	section = "[" + section + "]"
	return cmp.Or(s.at[section+" "+key], s.at[section])
}

// indentedKey is a key, or a comment, that the reader takes for more of the value
// above it.
var indentedKey = regexp.MustCompile(`^([a-z_]+\s*=|[#;])`)

// scan looks at the lines. Sections and keys must stand once: of two values the reader
// would take the last in silence, as it takes an indented key for none. What is neither
// is left out of the text that it returns, so that the rest can be looked at too.
func scan(text []byte) (*siteScan, []byte) {
	s := &siteScan{at: map[string]int{}}
	var rest []byte
	section, n, value := "", 0, false
	for l := range bytes.Lines(text) {
		n++
		line := strings.TrimSpace(string(l))
		what, name := "section", line
		odd := false
		switch {
		case value && strings.ContainsAny(string(l[:1]), " \t\f"):
			if odd = indentedKey.MatchString(line); odd {
				s.add(n, "%.60q goes on with the value above: begin keys and comments at the start of the line", line)
			}
			name = ""
		case line == "" || line[0] == '#' || line[0] == ';':
			name, value = "", false
		case line[0] == '[':
			section, value = line, false
			if !strings.HasSuffix(line, "]") {
				odd = true
				s.add(n, "%.60q begins a section, and its end is missing: a section is a line like [image-server]", line)
			}
		case !strings.ContainsAny(line, "=:"):
			odd, name, value = true, "", false
			s.add(n, "%.60q is neither [section], key = value nor # comment", line)
		default:
			key, _, _ := strings.Cut(strings.ReplaceAll(line, ":", "="), "=")
			what, name, value = "key", section+" "+strings.TrimSpace(key), true
		}
		if s.at[name] > 0 {
			s.add(n, "the %s %s stands in line %d already", what, strings.TrimSpace(name), s.at[name])
		} else if name != "" {
			s.at[name] = n
		}
		if odd {
			l = []byte("\n")
		}
		rest = append(rest, l...)
	}
	return s, rest
}
