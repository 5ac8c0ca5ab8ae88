package systemimage

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLogLine bounds the part of one line that is kept. The server's longest
// lines, sets of orphaned files at debug level, carry nothing anybody acts on
// beyond their first words; what follows the bound is read and dropped.
const maxLogLine = 64 << 10

// A logLine is one line of what the server's programs print. A line that begins
// with a time stamp and a level opens a record; every other line continues the
// record before it (a traceback, a message over several lines), is a path that
// copy-image or tag-image prints, or comes from somebody else altogether.
type logLine struct {
	when  []byte // "2026-11-22 10:16:46,991", the server's local time; nil when the line opens no record
	level byte   // 'D', 'I', 'W', 'E' or 'C'; 0 when the line opens no record
	text  []byte // message, or the whole line when it opens no record
	torn  bool   // the input ended before the end of this line
}

// A logReader reads lines of constant memory from output of any length, in any
// encoding. The slices of a logLine live until the next call of next.
type logReader struct {
	r    *bufio.Reader
	line int // number of the line that next returned, from 1
}

func newLogReader(r io.Reader) *logReader {
	return &logReader{r: bufio.NewReaderSize(r, maxLogLine)}
}

// next returns the next line, or io.EOF, or the error of the reader.
func (l *logReader) next() (logLine, error) {
	raw, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		// The start of the line must survive reading over the rest of it.
		raw = bytes.Clone(raw)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.r.ReadSlice('\n')
		}
	}
	if err != nil && (err != io.EOF || len(raw) == 0) {
		return logLine{}, err
	}
	l.line++
	torn := err == io.EOF
	if n := len(raw); n > 0 && raw[n-1] == '\n' {
		raw = raw[:n-1]
	}
	// A terminal on the way turns line ends into CR LF.
	if n := len(raw); n > 0 && raw[n-1] == '\r' {
		raw = raw[:n-1]
	}
	parsed := parseLogLine(raw)
	parsed.torn = torn
	return parsed, nil
}

// parseLogLine tells a line that opens a record from the others. It looks at
// fixed positions instead of using a regular expression because import logs run
// to hundreds of megabytes.
func parseLogLine(b []byte) logLine {
	const stamp = len("2006-01-02 15:04:05,000")
	if len(b) < stamp+len(" INFO ") || b[4] != '-' || b[7] != '-' || b[10] != ' ' ||
		b[13] != ':' || b[16] != ':' || b[19] != ',' || b[stamp] != ' ' {
		return logLine{text: b}
	}
	for i, c := range b[:stamp] {
		switch i {
		case 4, 7, 10, 13, 16, 19:
		default:
			if c < '0' || c > '9' {
				return logLine{text: b}
			}
		}
	}
	rest := b[stamp+1:]
	end := bytes.IndexByte(rest, ' ')
	if end < 0 {
		return logLine{text: b}
	}
	switch string(rest[:end]) {
	case "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL":
		return logLine{when: b[:stamp], level: rest[0], text: rest[end+1:]}
	}
	return logLine{text: b}
}
