package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/landingteam/landing/runbook"
)

// A screen is where a person reads. On a terminal lines are broken between words, and
// a last line moves that says what goes on. Elsewhere, with NO_COLOR and on a dumb
// terminal everything is written as it comes.
type screen struct {
	w     io.Writer
	width func() int // nil: no terminal

	mu     sync.Mutex
	moving bool // the last line is there
	open   bool // a line has no end yet: a question waits at it
	now    underway
	stop   chan struct{}
}

// newScreen makes the screen of an output.
func newScreen(w io.Writer) *screen {
	s := &screen{w: w}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return s
	}
	s.width = func() int {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 20 {
			return n
		}
		return 80
	}
	s.stop = make(chan struct{})
	go s.move(s.stop)
	return s
}

func (s *screen) live() bool { return s.width != nil }

// still ends the moving, for what is only printed.
func (s *screen) still() *screen {
	s.close()
	return s
}

// close takes the last line away.
func (s *screen) close() {
	if s.stop != nil {
		close(s.stop)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.now = underway{}
		s.clear()
		s.stop = nil
	}
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	if !s.live() {
		return s.w.Write(p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	var b bytes.Buffer
	for line := range strings.Lines(string(p)) {
		text, end := strings.CutSuffix(line, "\n")
		fitted := fit(text, s.width())
		if !end {
			fitted = strings.TrimSuffix(fitted, "\n")
		}
		b.WriteString(fitted)
		s.open = !end
	}
	if _, err := s.w.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// fit breaks a line into lines that are indented to its last column.
func fit(line string, width int) string {
	if utf8.RuneCountInString(line) < width {
		return line + "\n"
	}
	indent := len(line) - len(strings.TrimLeft(line, " "))
	for i := indent; i+2 < min(len(line), width/2); i++ {
		if line[i:i+2] == "  " && line[i+2] != ' ' {
			indent = i + 2
		}
	}
	return Wrap(line, strings.Repeat(" ", indent), width-1)
}

const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	green  = "\x1b[32m"
	plain  = "\x1b[0m"
)

// colour is that of a word about what happened.
func colour(k runbook.Kind) string {
	switch k {
	case runbook.Failed, runbook.Owed, runbook.Doubt, runbook.Rejected:
		return red
	case runbook.Asked, runbook.Deferred:
		return yellow
	case runbook.Done, runbook.Adopted, runbook.Approved, runbook.Released:
		return green
	}
	return ""
}

// line writes a record's line; on a terminal its first word has a colour.
func (s *screen) line(rec runbook.Record, text string) {
	if c := colour(rec.Kind); s.live() && c != "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.clear()
		text = strings.TrimSuffix(fit(text, s.width()), "\n")
		const clock = len("15:04:05  ")
		end := clock + strings.Index(text[clock:]+"  ", "  ")
		text = text[:clock] + c + text[clock:end] + plain + text[end:]
		fmt.Fprintln(s.w, text)
		return
	}
	fmt.Fprintln(s, text)
}

// follow keeps what goes on, for the last line. It says whether the record is worth a
// line of its own on a terminal.
func (s *screen) follow(rec runbook.Record) (lasting bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.follow(rec)
}

// move draws the last line anew, as long as something goes on.
func (s *screen) move(stop <-chan struct{}) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-tick.C:
			s.mu.Lock()
			if text := s.status(now); text != "" && !s.open {
				fmt.Fprintf(s.w, "\r\x1b[K%s", text)
				s.moving = true
			} else {
				s.clear()
			}
			s.mu.Unlock()
		}
	}
}

// clear takes the last line away; with the lock held.
func (s *screen) clear() {
	if s.moving {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.moving = false
	}
}

// status is the last line, cut to the width.
func (s *screen) status(now time.Time) string {
	text := s.now.line(now)
	if most := s.width() - 1; utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most-1]) + "…"
	}
	return text
}
