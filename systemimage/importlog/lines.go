package importlog

import (
	"bytes"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage/internal/serverlog"
)

// logLines keeps the lines of a log that can prove something, the last ones when
// there are many. It is written to as the log is read.
type logLines struct {
	part []byte // of the line being written
	open bool   // something of it was written
	n    int
	kept []Quote
	last int // number of the last line that is not blank
}

const (
	maxKept  = 4000
	maxQuote = 400
)

// telling is what a record of INFO or DEBUG begins with that proves something.
var telling = [...]string{"No image will be produced", "Something else holds", "Calling '", "New file from '", "Publishing new image",
	"Directory not found", "Missing ", "Too few arguments", "Skipping non-auto channel: "}

// Write implements io.Writer. It never fails.
func (l *logLines) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		line, rest, whole := bytes.Cut(b, []byte{'\n'})
		// The end of a line that is too long to be quoted is not worth its memory.
		l.part = append(l.part, line[:min(len(line), maxQuote+1-min(len(l.part), maxQuote+1))]...)
		l.open = true
		if whole {
			l.end()
		}
		b = rest
	}
	return n, nil
}

// end ends a line.
func (l *logLines) end() {
	if !l.open {
		return
	}
	l.n++
	line := serverlog.Plain(bytes.TrimRight(l.part, "\r"))
	l.part, l.open = l.part[:0], false
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	l.last = l.n
	level, text := recordOf(line)
	keep := true
	switch level {
	case "":
		// The last line of a traceback, or what other programs said. Of what is
		// indented only a line of the configuration.
		keep = line[0] != ' ' && (line[0] != '\t' || bytes.HasPrefix(line, []byte("\t[line "))) && !bytes.HasPrefix(line, []byte("Traceback "))
	case "INFO", "DEBUG":
		keep = slices.ContainsFunc(telling[:], func(head string) bool { return bytes.HasPrefix(text, []byte(head)) })
	}
	if !keep {
		return
	}
	quote := strings.ToValidUTF8(string(line), "\uFFFD")
	if len(line) > maxQuote {
		quote = strings.ToValidUTF8(string(line[:maxQuote]), "\uFFFD") + "…"
	}
	if len(l.kept) >= 2*maxKept {
		l.kept = append(l.kept[:0], l.kept[maxKept:]...)
	}
	l.kept = append(l.kept, Quote{Line: l.n, Text: Redact(quote)})
}

// recordOf splits the first line of a record; another line has no level.
func recordOf(line []byte) (level string, text []byte) {
	const stamp = "2006-01-02 15:04:05,000 "
	if len(line) <= len(stamp) || line[4] != '-' || line[10] != ' ' || line[13] != ':' || line[19] != ',' || line[23] != ' ' {
		return "", nil
	}
	word, text, _ := bytes.Cut(line[len(stamp):], []byte{' '})
	for _, l := range [...]string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"} {
		if string(word) == l {
			return l, text
		}
	}
	return "", nil
}

// between returns the kept lines from one line to before another; 0 is the end.
func (l *logLines) between(from, to int) []Quote {
	i, _ := slices.BinarySearchFunc(l.kept, from, func(q Quote, n int) int { return q.Line - n })
	j := len(l.kept)
	if to > 0 {
		j, _ = slices.BinarySearchFunc(l.kept, to, func(q Quote, n int) int { return q.Line - n })
	}
	return l.kept[i:max(i, j)]
}

// lastWith returns the last record with this text, or else the last kept line
// that has it.
func (l *logLines) lastWith(text string) []Quote {
	if text = oneLine(text); text == "" {
		return nil
	}
	for _, whole := range []bool{true, false} {
		for i := len(l.kept) - 1; i >= 0; i-- {
			line := oneLine(l.kept[i].Text)
			if _, record := recordOf([]byte(line)); whole && string(record) == text || !whole && strings.Contains(line, text) {
				return []Quote{l.kept[i]}
			}
		}
	}
	return nil
}

// configuration is what the log says about a configuration that cannot be parsed.
func (l *logLines) configuration() []Quote {
	end := len(l.kept)
	for end > 0 && !strings.Contains(l.kept[end-1].Text, "using empty configuration") {
		end--
	}
	begin := end
	for begin > 0 && end-begin < 12 {
		begin--
		if level, text := recordOf([]byte(l.kept[begin].Text)); level == "ERROR" && !strings.HasPrefix(string(text), "Failed to parse") {
			break
		}
	}
	var quotes []Quote
	seen := map[string]bool{}
	for _, q := range l.kept[begin:end] {
		level, _ := recordOf([]byte(q.Text))
		if level == "" && !strings.HasPrefix(q.Text, "\t[line ") || level != "" && level != "ERROR" || seen[q.Text] {
			continue // the traceback says it twice
		}
		seen[q.Text] = true
		quotes = append(quotes, q)
	}
	return quotes
}
