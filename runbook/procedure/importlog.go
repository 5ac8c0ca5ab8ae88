package procedure

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage/importlog"
)

// ReadImportLog investigates a saved log of import-images: that of one run, or
// what a crontab line appended for months, at any verbosity, with the standard
// error stream in it or without. It needs no server. channel and device narrow
// the report; empty means all. The last run counts that got the global lock. The
// only errors are those of log.
func ReadImportLog(log io.Reader, channel, device string) (ImportReport, error) {
	r := ImportReport{Channel: channel, Device: device}
	x, err := readRuns(log)
	if err != nil {
		return r, err
	}
	x.judge(&r)
	r.conclude()
	return r, nil
}

// conclude says what the findings amount to, when nothing else did.
func (r *ImportReport) conclude() {
	switch {
	case len(r.Findings) > 0:
		r.Verdict = ImportCause
	case r.Verdict == "":
		r.Verdict = ImportHealthy
	}
}

// An importLog is what was kept of a log.
type importLog struct {
	run    *importlog.Run // the last that did something; nil without any
	lines  *logLines
	runs   int
	locked int            // runs at the end that met the lock
	lock   *importlog.Run // the first of them
}

// What may be secret in an address: what stands before @, and the query.
var (
	secretUser  = regexp.MustCompile(`://[^/@\s'"]*@|\b[^/@\s'"=;]+:[^/@\s'"]+@`)
	secretPort  = regexp.MustCompile(`(nonnumeric port: ['"])[^\s]*@`) // for which the server's downloads take a password
	secretQuery = regexp.MustCompile(`(https?://[^\s'"?;]*\?)[^\s'";,]+`)
)

// redact takes secrets out of the addresses in a text, and shows three dots.
func redact(text string) string {
	text = secretUser.ReplaceAllStringFunc(text, func(s string) string {
		if strings.HasPrefix(s, "://") {
			return "://...@"
		}
		return "...@"
	})
	text = secretPort.ReplaceAllString(text, "${1}...@")
	return secretQuery.ReplaceAllString(text, "${1}...")
}

func readRuns(log io.Reader) (*importLog, error) {
	x := &importLog{lines: &logLines{}}
	for run, err := range importlog.Runs(io.TeeReader(log, x.lines)) {
		if err != nil {
			return nil, err
		}
		x.runs++
		if run.Locked {
			if x.locked++; x.locked == 1 {
				x.lock = run
			}
			continue
		}
		x.run, x.locked, x.lock = run, 0, nil
	}
	x.lines.end()
	return x, nil
}

// logLines keeps the lines of a log that can prove something, the last ones when
// there are many. It is written to as the log is read.
type logLines struct {
	part []byte // of the line being written
	open bool   // something of it was written
	n    int
	kept []ImportQuote
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
	line := bytes.TrimRight(l.part, "\r")
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
	l.kept = append(l.kept, ImportQuote{Line: l.n, Text: redact(quote)})
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
func (l *logLines) between(from, to int) []ImportQuote {
	i, _ := slices.BinarySearchFunc(l.kept, from, func(q ImportQuote, n int) int { return q.Line - n })
	j := len(l.kept)
	if to > 0 {
		j, _ = slices.BinarySearchFunc(l.kept, to, func(q ImportQuote, n int) int { return q.Line - n })
	}
	return l.kept[i:max(i, j)]
}

// lastWith returns the last record with this text, or else the last kept line
// that has it.
func (l *logLines) lastWith(text string) []ImportQuote {
	if text = oneLine(text); text == "" {
		return nil
	}
	for _, whole := range []bool{true, false} {
		for i := len(l.kept) - 1; i >= 0; i-- {
			line := oneLine(l.kept[i].Text)
			if _, record := recordOf([]byte(line)); whole && string(record) == text || !whole && strings.Contains(line, text) {
				return []ImportQuote{l.kept[i]}
			}
		}
	}
	return nil
}
