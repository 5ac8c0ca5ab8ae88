package cli

import (
	"bytes"
	"cmp"
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
	jobs   []job
	stop   chan struct{}
}

// A job is what goes on, and how far it is.
type job struct {
	step, text  string
	since       time.Time
	done, total int64
	far         string // its label
	from        int64  // done when it was first heard of
	heard       time.Time
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
		s.jobs = nil
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
	at := -1
	for i := range s.jobs {
		if s.jobs[i].step == rec.Step && rec.Kind != runbook.Progress || rec.Kind == runbook.Progress && s.jobs[i].far == rec.Label {
			at = i
		}
	}
	switch rec.Kind {
	case runbook.Started, runbook.Armed:
		s.jobs = append(s.jobs, job{step: rec.Step, text: cmp.Or(rec.Intent, rec.Step), since: rec.Time})
		return false
	case runbook.Progress:
		if at < 0 { // it belongs to what was begun last
			if len(s.jobs) == 0 || s.jobs[len(s.jobs)-1].far != "" {
				s.jobs = append(s.jobs, job{text: rec.Label, since: rec.Time})
			}
			at = len(s.jobs) - 1
			s.jobs[at].far, s.jobs[at].from, s.jobs[at].heard = rec.Label, rec.Done, rec.Time
		}
		s.jobs[at].done, s.jobs[at].total = rec.Done, rec.Total
		return false
	case runbook.Ended:
		s.jobs = nil
		return false
	}
	if at >= 0 {
		s.jobs = append(s.jobs[:at:at], s.jobs[at+1:]...)
	}
	if len(s.jobs) > 0 && s.jobs[len(s.jobs)-1].step == "" { // progress of what is over
		s.jobs = s.jobs[:len(s.jobs)-1]
	}
	looked := rec.Verb == runbook.VerbRead || rec.Verb == runbook.VerbRequire || rec.Verb == runbook.VerbVerify
	return !(looked && rec.Kind == runbook.Done)
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
			if len(s.jobs) > 0 && !s.open {
				fmt.Fprintf(s.w, "\r\x1b[K%s", s.status(now))
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

// status is the last line: how long it has gone on, how far it is, and what it is.
func (s *screen) status(now time.Time) string {
	j := s.jobs[len(s.jobs)-1]
	text := fmt.Sprintf("%c %s", `|/-\`[now.UnixMilli()/250%4], short(now.Sub(j.since)))
	if j.far != "" {
		text += fmt.Sprintf("  %d", j.done)
		if j.total > 0 {
			text += fmt.Sprintf(" of %d", j.total)
		}
		text += j.pace(now)
		if j.far != j.text {
			text += "  " + j.far
		}
	}
	text += "  " + j.text
	if more := len(s.jobs) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	text = Printable(strings.ReplaceAll(text, "\n", " "))
	if most := s.width() - 1; utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most-1]) + "…"
	}
	return text
}

// pace is how fast it goes, and how long it will take, once that can be told.
func (j job) pace(now time.Time) string {
	took, did := now.Sub(j.heard), j.done-j.from
	if did <= 0 || took < 2*time.Second {
		return ""
	}
	each := took / time.Duration(did)
	text := fmt.Sprintf(", %.1f a minute", float64(time.Minute)/float64(each))
	if left := j.total - j.done; left > 0 {
		text += ", " + short(each*time.Duration(left)) + " to go"
	}
	return text
}

// short is a time as clocks show it: 0:07, 12:31, 1:02:03.
func short(d time.Duration) string {
	n := int(max(d, 0).Round(time.Second) / time.Second)
	if n >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)
	}
	return fmt.Sprintf("%d:%02d", n/60, n%60)
}
