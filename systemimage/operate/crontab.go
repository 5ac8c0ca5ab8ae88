package operate

import (
	"bytes"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A crontab is the text of a user's crontab, cut into lines that still end as
// they did. Nothing but the importer's own line is ever interpreted or changed:
// joined together the lines are the text again, byte for byte.
type crontab struct {
	lines   [][]byte
	program string // base name, or the end of the path, of what the line runs
}

func parseCrontab(text []byte, program string) crontab {
	return crontab{lines: slices.Collect(bytes.Lines(text)), program: program}
}

func (c crontab) text() []byte { return bytes.Join(c.lines, nil) }

// An Owner says who paused the importer and since when.
type Owner struct {
	Run      string    `json:"run"`              // the run that holds it paused; what Resume looks for
	Operator string    `json:"operator"`         // the person who started the run
	Since    time.Time `json:"since"`            // in UTC, to the second
	Others   int       `json:"others,omitempty"` // lines that ran the importer too when it was paused, and went on
}

// pauseMark begins a line that this package commented out. What was there
// follows after marks and the separator, unchanged, so that taking the comment
// away restores the line exactly.
const (
	pauseMark      = "# paused by landing: "
	pauseSeparator = " :: "
)

// importers returns the indexes of the lines that run the importer: active,
// paused by this package, and commented out by somebody.
func (c crontab) importers() (active, paused, byHand []int) {
	for i, raw := range c.lines {
		line := strings.TrimRight(string(raw), "\r\n")
		if marks, was, ok := parsePaused(line); ok && len(marks) > 0 {
			if runs(was, c.program) {
				paused = append(paused, i)
			}
			continue
		}
		trimmed := strings.TrimLeft(line, " \t")
		switch comment, ok := strings.CutPrefix(trimmed, "#"); {
		case !ok && runs(line, c.program):
			active = append(active, i)
		case ok && commentedOut(comment, c.program):
			byHand = append(byHand, i)
		}
	}
	return active, paused, byHand
}

// marks returns who holds line i paused.
func (c crontab) marks(i int) []Owner {
	marks, _, _ := parsePaused(strings.TrimRight(string(c.lines[i]), "\r\n"))
	return marks
}

// setMarks returns the crontab with line i paused by marks, or as it was before
// any pause when there are none.
func (c crontab) setMarks(i int, marks []Owner) crontab {
	line := string(c.lines[i])
	if _, was, ok := parsePaused(line); ok {
		line = was
	}
	if len(marks) > 0 {
		words := make([]string, len(marks))
		for j, m := range marks {
			words[j] = fmt.Sprintf("run=%s operator=%s since=%s",
				url.QueryEscape(m.Run), url.QueryEscape(m.Operator), m.Since.UTC().Format(time.RFC3339))
			if m.Others > 0 {
				words[j] += fmt.Sprintf(" others=%d", m.Others)
			}
		}
		line = pauseMark + strings.Join(words, "; ") + pauseSeparator + line
	}
	c.lines = slices.Clone(c.lines)
	c.lines[i] = []byte(line)
	return c
}

// parsePaused takes a line apart that setMarks wrote. A mark that somebody has
// edited does not parse; such a line is then one commented out by hand.
func parsePaused(line string) (marks []Owner, was string, ok bool) {
	rest, ok := strings.CutPrefix(line, pauseMark)
	if !ok {
		return nil, "", false
	}
	head, was, ok := strings.Cut(rest, pauseSeparator)
	if !ok {
		return nil, "", false
	}
	for text := range strings.SplitSeq(head, "; ") {
		var m Owner
		fields := strings.Split(text, " ")
		if len(fields) == 4 {
			n, ok := strings.CutPrefix(fields[3], "others=")
			var err error
			if m.Others, err = strconv.Atoi(n); !ok || err != nil || m.Others < 1 {
				return nil, "", false
			}
			fields = fields[:3]
		}
		if len(fields) != 3 {
			return nil, "", false
		}
		run, ok1 := strings.CutPrefix(fields[0], "run=")
		operator, ok2 := strings.CutPrefix(fields[1], "operator=")
		since, ok3 := strings.CutPrefix(fields[2], "since=")
		if !ok1 || !ok2 || !ok3 {
			return nil, "", false
		}
		var err1, err2, err3 error
		m.Run, err1 = url.QueryUnescape(run)
		m.Operator, err2 = url.QueryUnescape(operator)
		m.Since, err3 = time.Parse(time.RFC3339, since)
		if err1 != nil || err2 != nil || err3 != nil || m.Run == "" {
			return nil, "", false
		}
		marks = append(marks, m)
	}
	return marks, was, true
}

// commentedOut reports whether the text of a comment is a crontab line that
// runs the program, possibly with more "#" or a few words of why before it.
func commentedOut(comment, program string) bool {
	rest := strings.TrimLeft(comment, "# \t")
	for range 40 { // words of explanation
		if runs(rest, program) {
			return true
		}
		end := strings.IndexAny(rest, " \t")
		if end < 0 {
			return false
		}
		rest = strings.TrimLeft(rest[end:], " \t#")
	}
	return false
}

// runs reports whether an active crontab line runs the program.
func runs(line, program string) bool {
	command, ok := cronCommand(line)
	return ok && commandRuns(command, program, 0)
}

// cronCommand returns the command of a crontab line: what follows the five
// fields of a time or a word such as @hourly, up to the first "%" without a
// backslash, which ends the command for cron. Comments, empty lines and
// settings ("MAILTO=ops") have none.
func cronCommand(line string) (string, bool) {
	rest := strings.TrimLeft(line, " \t")
	if rest == "" || rest[0] == '#' {
		return "", false
	}
	fields := 5
	if rest[0] == '@' {
		fields = 1
	}
	for range fields {
		end := strings.IndexAny(rest, " \t")
		if end < 0 || fields == 5 && !cronField(rest[:end]) {
			return "", false
		}
		rest = strings.TrimLeft(rest[end:], " \t")
	}
	for i := range len(rest) {
		if rest[i] == '%' && (i == 0 || rest[i-1] != '\\') {
			rest = rest[:i]
			break
		}
	}
	return rest, rest != ""
}

// cronField reports whether s can be one field of a time: "*/5", "1-5", "mon,fri".
func cronField(s string) bool {
	for _, r := range s {
		if !strings.ContainsRune("*/-,~?#", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return false
		}
	}
	c := s[0]
	if c == '*' || c >= '0' && c <= '9' || c == '~' || c == '?' {
		return true
	}
	// Names of months and days; anything else is a word of prose.
	name, _, _ := strings.Cut(s, ",")
	name, _, _ = strings.Cut(name, "-")
	return slices.Contains(strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec mon tue wed thu fri sat sun"),
		strings.ToLower(name))
}

// Programs whose arguments are file names or patterns and are never run. The
// importer named behind one of them is a log, a rotation rule or a message.
var lookers = strings.Fields(`[ : awk cat chmod chown cp du echo false find grep gzip head kill killall less ln logger
	logrotate ls mail mailx mkdir mv pgrep pidof pkill printf ps rm sed stat tail tar tee test touch true wc which xz`)

// commandRuns reports whether a shell command runs the program: as a command of
// its own or behind a wrapper (env, flock, nice, sh -c "...").
func commandRuns(command, program string, depth int) bool {
	looking := false // the current simple command only looks at its arguments
	first := true    // no word of the current simple command was seen
	for _, w := range shellWords(command) {
		switch {
		case w.end:
			looking, first = false, true
			continue
		case w.redirect || looking:
			continue
		case first && !w.quoted && isSetting(w.text):
			continue // VAR=value before the command
		}
		if strings.HasSuffix(w.text, "/"+program) || w.text == program {
			return true
		}
		if w.quoted && depth < 3 && strings.ContainsAny(w.text, " \t;&|") && commandRuns(w.text, program, depth+1) {
			return true
		}
		if first {
			first = false
			looking = slices.Contains(lookers, path.Base(w.text))
		}
	}
	return false
}

func isSetting(word string) bool {
	name, _, ok := strings.Cut(word, "=")
	return ok && name != "" && !strings.ContainsAny(name, "/.-+:")
}

// A shellWord is one word of a command line, unquoted, or the end of a simple
// command (";", "&&", "|", "(", a closing or opening brace).
type shellWord struct {
	text     string
	quoted   bool // some of it was in quotes
	redirect bool // the file behind > or <
	end      bool
}

// shellWords splits a command line as far as telling commands from arguments
// needs it. It knows quotes, backslashes, comments, redirections and operators,
// and takes command substitution for one more operator.
func shellWords(s string) []shellWord {
	var (
		words    []shellWord
		word     strings.Builder
		in       bool // inside a word
		quoted   bool
		redirect bool
	)
	flush := func() {
		if in {
			words = append(words, shellWord{text: word.String(), quoted: quoted, redirect: redirect})
			redirect = false
		}
		word.Reset()
		in, quoted = false, false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\r':
			flush()
		case '\'', '"':
			in, quoted = true, true
			for i++; i < len(s) && s[i] != c; i++ {
				if c == '"' && s[i] == '\\' && i+1 < len(s) {
					i++
				}
				word.WriteByte(s[i])
			}
		case '\\':
			if in = true; i+1 < len(s) {
				i++
				word.WriteByte(s[i])
			}
		case ';', '&', '|', '(', ')', '`', '\n':
			if c == '&' && redirect { // 2>&1
				word.WriteByte(c)
				in = true
				continue
			}
			flush()
			words = append(words, shellWord{end: true})
		case '>', '<':
			if in && strings.Trim(word.String(), "0123456789") == "" {
				in = false // the number belongs to the redirection
			}
			flush()
			redirect = true
		case '#':
			if !in {
				flush()
				return words
			}
			word.WriteByte(c)
		default:
			if (c == '{' || c == '}' || c == '!') && !in && (i+1 == len(s) || s[i+1] == ' ') {
				words = append(words, shellWord{end: true})
				continue
			}
			in = true
			word.WriteByte(c)
		}
	}
	flush()
	return words
}
