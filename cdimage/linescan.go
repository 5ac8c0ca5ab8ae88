package cdimage

import (
	"bytes"
	"errors"
	"io"
	"iter"
)

const (
	blockSize  = 128 << 10
	maxLine    = 64 << 10 // of a longer line only the beginning is looked at
	maxHistory = 8 << 10  // of what was passed is kept for quoting
)

// A scanner hands over the lines of a log that hold a wanted literal. Memory
// is one block, whatever the log or its lines measure.
type scanner struct {
	g     *grams
	visit func(line []byte, number int) bool
	buf   []byte // the block, as far as it is in use

	pos     int  // first byte not yet scanned
	counted int  // bytes before it are in number
	number  int  // of the line at counted
	all     bool // the visitor wants the next line
	skip    bool // inside a line too long, until its end

	begin        int  // start of what the visitor may look back on
	at           int  // start of the line being visited
	unterminated bool // the line being visited is the last one and has no end
	lines        int  // lines passed when the scan has ended
	bytes        int64
}

// scan reads r to its end. The last line is visited in any case when it has no
// end. visit gets a line without its line end and its
// number; when it returns true it also gets the next line, whatever that says.
// The error is that of r; all that came before has been visited.
func (s *scanner) scan(r io.Reader, visit func(line []byte, number int) bool) error {
	s.buf = make([]byte, 0, blockSize+maxHistory)
	s.visit, s.number = visit, 1
	for {
		n, err := io.ReadAtLeast(r, s.buf[len(s.buf):cap(s.buf)], 1)
		s.buf = s.buf[:len(s.buf)+n]
		s.bytes += int64(n)
		s.skipRest()
		s.wholeLines()
		s.openLine(err != nil)
		if err != nil {
			s.count()
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		s.keep()
	}
}

// skipRest passes over what is left of a line too long.
func (s *scanner) skipRest() {
	if !s.skip {
		return
	}
	i := bytes.IndexByte(s.buf[s.pos:], '\n')
	if i < 0 {
		s.pos = len(s.buf)
		return
	}
	s.pos += i + 1
	s.skip = false
}

// wholeLines scans the lines that have an end.
func (s *scanner) wholeLines() {
	end := s.pos + bytes.LastIndexByte(s.buf[s.pos:], '\n') + 1
	for s.pos < end {
		if !s.all && s.g.step > 0 {
			hit := s.g.find(s.buf[s.pos:end])
			if hit < 0 {
				s.pos = end
				return
			}
			s.pos += bytes.LastIndexByte(s.buf[s.pos:s.pos+hit], '\n') + 1
		}
		stop := s.pos + bytes.IndexByte(s.buf[s.pos:end], '\n')
		s.hand(s.pos, min(stop, s.pos+maxLine))
		s.pos = stop + 1
	}
}

// openLine looks at the line that has no end yet: at the end of the log, or
// when it is already too long.
func (s *scanner) openLine(last bool) {
	rest := s.buf[s.pos:]
	if s.skip || !(last && len(rest) > 0) && len(rest) < maxLine {
		return
	}
	head := rest[:min(len(rest), maxLine)]
	s.unterminated = last
	if s.all || last || s.g.wants(head) {
		s.hand(s.pos, s.pos+len(head))
	}
	s.pos, s.skip = len(s.buf), true
}

// hand gives one line to the visitor.
func (s *scanner) hand(from, to int) {
	s.number += bytes.Count(s.buf[s.counted:from], newline)
	s.counted, s.at = from, from
	s.all = s.visit(shown(s.buf[from:to]), s.number)
}

// shown is a line as a terminal shows it: of a bar that is drawn over and over only
// what was drawn last.
func shown(line []byte) []byte {
	if bytes.IndexByte(line, '\r') < 0 { // many times as fast as to look from behind
		return line
	}
	line = bytes.TrimRight(line, "\r")
	return line[bytes.LastIndexByte(line, '\r')+1:]
}

// count takes in the last lines.
func (s *scanner) count() {
	s.number += bytes.Count(s.buf[s.counted:], newline)
	s.lines = s.number - 1
	if len(s.buf) > 0 && s.buf[len(s.buf)-1] != '\n' {
		s.lines = s.number
		s.unterminated = true
	}
}

// keep makes room for the next block and keeps the unfinished line and a little
// history before it.
func (s *scanner) keep() {
	from := max(0, s.pos-maxHistory)
	s.number += bytes.Count(s.buf[s.counted:max(s.counted, from)], newline)
	s.counted = max(0, s.counted-from)
	s.buf = s.buf[:copy(s.buf, s.buf[from:])]
	s.pos -= from
	s.begin = 0
	if from > 0 { // history may begin inside a line
		s.begin = bytes.IndexByte(s.buf[:s.pos], '\n') + 1
	}
}

var newline = []byte{'\n'}

// above gives the lines above the visited one, upwards, with how many lines above
// they stand, as far as they are in memory whatever the log measures.
func (s *scanner) above() iter.Seq2[int, []byte] {
	from := s.begin
	if s.at-from > maxHistory { // as little as there always is, so that no verdict hangs on the size of blocks
		from = s.at - maxHistory
		from += bytes.IndexByte(s.buf[from:s.at], '\n') + 1
	}
	return func(yield func(int, []byte) bool) {
		rest := s.buf[from:s.at]
		for up := 1; len(rest) > 0; up++ {
			rest = bytes.TrimSuffix(rest, newline)
			i := bytes.LastIndexByte(rest, '\n')
			if !yield(up, shown(rest[i+1:])) {
				return
			}
			rest = rest[:i+1]
		}
	}
}
