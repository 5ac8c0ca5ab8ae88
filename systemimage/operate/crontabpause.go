package operate

import (
	"bytes"
	"fmt"
	"net/url"
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

// edited are those of the lines in which a mark stands that nobody can be found by
// any more: somebody has edited it, or put more before it.
func (c crontab) edited(lines []int) (list []int) {
	for _, n := range lines {
		if bytes.Contains(c.lines[n], []byte(strings.Trim(pauseMark, "# "))) {
			list = append(list, n)
		}
	}
	return list
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
