package serverlog

import (
	"bytes"
	"encoding/binary"
	"io"
	"regexp"
)

// MaxLine bounds the part of one line that is kept. The server's longest
// lines, sets of orphaned files at debug level, carry nothing anybody acts on
// beyond their first words; what follows the bound is read and dropped.
const MaxLine = 64 << 10

// A Reader reads what the server's programs print, line by line, in constant
// memory, from output of any length and in any encoding.
//
// A line that begins with a time stamp and a level opens a record; every other
// line continues the record before it (a traceback, a message over several
// lines), is a path that copy-image or tag-image prints, or comes from somebody
// else altogether.
type Reader struct {
	r     io.Reader
	buf   []byte // of constant size; what was read and not yet returned is buf[from:to]
	from  int
	to    int
	err   error          // of r, once there is nothing behind it
	Line  int            // number of the line that Next returned, from 1
	Stamp [StampLen]byte // "2026-11-22 10:16:46,991" of the last record, the server's local time
	Torn  bool           // the input ended before the end of the line
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: r, buf: make([]byte, MaxLine)}
}

// Next returns the next line: its level, 'D', 'I', 'W', 'E' or 'C', and the
// message if it opens a record, else 0 and the whole line. The text lives until
// the next call. The error is io.EOF or that of the reader.
func (l *Reader) Next() (level byte, text []byte, err error) {
	var raw []byte
	if n := bytes.IndexByte(l.buf[l.from:l.to], '\n'); n >= 0 {
		raw = l.buf[l.from : l.from+n]
		l.from += n + 1
	} else if raw, err = l.fill(); err != nil {
		return 0, nil, err
	}
	l.Line++
	if l.Line == 1 {
		raw = bytes.TrimPrefix(raw, []byte("\ufeff")) // of a file that was saved elsewhere
	}
	// A terminal on the way turns line ends into CR LF.
	if n := len(raw); n > 0 && raw[n-1] == '\r' {
		raw = raw[:n-1]
	}
	if !stamped(raw) {
		if raw = Plain(raw); !stamped(raw) {
			return 0, raw, nil
		}
	}
	rest := raw[StampLen+1:]
	n := 0
	switch rest[0] {
	case 'D':
		n = after(rest, "DEBUG ")
	case 'I':
		n = after(rest, "INFO ")
	case 'W':
		n = after(rest, "WARNING ")
	case 'E':
		n = after(rest, "ERROR ")
	case 'C':
		n = after(rest, "CRITICAL ")
	}
	if n == 0 {
		return 0, raw, nil
	}
	copy(l.Stamp[:], raw)
	return rest[0], rest[n:], nil
}

// stamped reports whether a line begins as records do. Fixed positions, eight at a time:
// import logs run to hundreds of megabytes.
func stamped(raw []byte) bool {
	return len(raw) >= StampLen+len(" INFO ") && raw[StampLen] == ' ' && shaped(raw[0:8], dayPattern, dayAdd) &&
		shaped(raw[8:16], timePattern, timeAdd) && shaped(raw[15:23], milliPattern, milliAdd)
}

// Plain returns a line without the time, the host and the program that the journal of
// systemd puts before it, as in "Nov 22 02:00:01 images import-images[1234]: ".
func Plain(line []byte) []byte {
	const shortest = len("Nov 22 02:00:01 h p[1]: ")
	if len(line) < shortest || !(line[3] == ' ' && line[6] == ' ' && line[9] == ':') && !(line[4] == '-' && line[10] == 'T') {
		return line
	}
	return line[len(journal.Find(line)):]
}

var journal = regexp.MustCompile(`^(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}|[\d-]{10}T[\d:.,]+(?:Z|[+-]\d\d:?\d\d)) \S+ \S+\[\d+\]: `)

// fill reads until there is a whole line in the buffer, and returns it. Of a line
// that is longer than the buffer it returns the beginning and drops the rest.
func (l *Reader) fill() ([]byte, error) {
	l.to = copy(l.buf, l.buf[l.from:l.to])
	l.from = 0
	seen := l.to // without a line end in it
	var long []byte
	for empty := 0; ; {
		if n := bytes.IndexByte(l.buf[seen:l.to], '\n'); n >= 0 {
			raw := l.buf[:seen+n]
			l.from = seen + n + 1
			if long != nil {
				raw = long
			}
			return raw, nil
		}
		if l.err != nil {
			raw := l.buf[:l.to]
			l.from = l.to
			if long != nil {
				raw = long
			}
			if l.err != io.EOF || len(raw) == 0 {
				return nil, l.err
			}
			l.Torn = true
			return raw, nil
		}
		if l.to == len(l.buf) {
			if long == nil {
				long = bytes.Clone(l.buf)
			}
			l.to = 0
		}
		seen = l.to
		n, err := l.r.Read(l.buf[l.to:])
		l.to += n
		if l.err = err; n == 0 && err == nil {
			if empty++; empty == 100 {
				l.err = io.ErrNoProgress
			}
		}
	}
}

// StampLen is the length of the time stamp that opens a record.
const StampLen = len("2006-01-02 15:04:05,000")

// after returns the length of head if b begins with it.
func after(b []byte, head string) int {
	if len(b) >= len(head) && string(b[:len(head)]) == head {
		return len(head)
	}
	return 0
}

// The shapes of "2006-01-02 15:04:05,000" in three little-endian words, the last
// of which overlaps by a byte: the pattern has "0" where any digit may stand.
const (
	dayPattern, dayAdd     = 0x2d30302d30303030, 0x0f06060f06060606 // 0000-00-
	timePattern, timeAdd   = 0x30303a3030203030, 0x06060f06060f0606 // 00 00:00
	milliPattern, milliAdd = 0x3030302c30303a30, 0x0606060f06060f06 // 0:00,000
)

// shaped reports whether eight bytes have a shape. What differs from the pattern
// is 0 to 9 for a digit and 0 for anything else, so that adding 6 to the one and
// 15 to the other does not carry into the high half of a byte.
func shaped(b []byte, pattern, add uint64) bool {
	x := binary.LittleEndian.Uint64(b) ^ pattern
	return (x|(x+add))&0xf0f0f0f0f0f0f0f0 == 0
}

// LockText is what every program says before it ends because another one holds
// the global lock.
const LockText = "Something else holds the global lock. exiting."
