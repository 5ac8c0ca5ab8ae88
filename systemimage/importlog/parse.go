package importlog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/systemimage/internal/host"
	"github.com/landingteam/landing/systemimage/internal/serverlog"
)

// parser is the state of reading one run.
type parser struct {
	lines   *serverlog.Reader
	run     *Run
	records int
	levels  byte // seen, as bits
	ended   bool // the next record begins another run
	last    [serverlog.StampLen]byte
	names   map[string]string // names of channels and devices: the same ones come in every run
	turns   map[string]int    // the run, counted from 1, in which a channel last had its turn
	number  int               // of this run

	channel   string
	entry     *Entry   // the open device
	step      step     // what the open device or the run was at
	generator []byte   // called last for the device
	calls     int      // generators called for the device
	news      int      // new files of the device
	deltas    []Delta  // of the run
	errors    []string // errors since the last generator was called
	hint      string   // what a DEBUG record said about a missing build

	file   []byte   // last new file of the device, below www
	faulty []string // numbers of the lines of etc/config that cannot be parsed

	trace     trace
	exception string // last line of the last traceback after the last record
	lastLevel byte
	lastText  string // of the last ERROR record

	tool    string   // what xz said last when it failed
	base    []byte   // of the delta that is being made
	broken  []string // what xz said of the open device
	loose   []string // what xz said when no device was open
	cleared bool     // the remedy of the run's cause takes what was cut out of the pool

	called   bool    // a generator was called in the run
	aloud    printed // what Python said that the next traceback is about
	unlogged string  // why it could not write a record
}

// step is where a run is.
type step int

const (
	atStart step = iota
	atDevice
	atFull    // the full image was announced, and is being committed
	atDelta   // a delta was announced
	atExpiry  // everything of the device is committed
	atAliases // of the channel
	atOrphans
	atMirrors
)

// said reports whether the log has anything of the run.
func (p *parser) said() bool {
	return p.records > 0 || p.exception != "" || p.unlogged != "" || p.run.builder
}

// unstamped reads a line that is no record. It returns the run before when the line is
// of another one.
func (p *parser) unstamped(text []byte) (before *Run) {
	if p.records > 0 && importerNeverBegan(text) {
		before = p.finish()
		p.other(text)
		return before
	}
	whole := p.run.Complete && p.exception == ""
	p.other(text)
	if !whole || p.exception == "" || p.diesAtMirrors() {
		return nil
	}
	exception, functions := p.exception, p.trace.functions
	p.exception = ""
	before = p.finish()
	p.exception, p.trace.functions = exception, functions
	return before
}

// mayBegin reports whether it has to be asked if a record begins another run: only few
// can.
func (p *parser) mayBegin(level byte, text []byte) bool {
	return p.ended || p.exception != "" || text[0] == 'P' || text[0] == 'S' || severity(level) > 1 || isForeign(text)
}

// over reports whether the record begins another run.
func (p *parser) over(level byte, text []byte) bool {
	switch {
	case p.records == 0 && p.exception == "":
		return false
	case p.ended:
		return true
	case p.exception != "":
		if p.lastLevel == 'E' && strings.HasSuffix(p.exception, p.lastText) {
			p.exception = "" // the program caught it and logged it
			return false
		}
		return true
	case isForeign(text):
		return !p.run.foreign
	case severity(level) > 1:
		return p.begins(text)
	}
	// A channel comes once in a run: the run before was killed without a word.
	name, ok := cut(text, "Processing channel: ")
	if !ok && text[0] == 'S' {
		name, ok = cut(text, "Skipping non-auto channel: ")
	}
	return ok && (p.run.foreign || p.turns[string(name)] == p.number)
}

// longest is how far apart two records of one run can be, when it tells only of errors.
const longest = 6 * time.Hour

// begins reports whether an error or a warning is of another run than the record before:
// a run reads its configuration first, has nothing to do without one, and ends some time.
func (p *parser) begins(text []byte) bool {
	if p.records == 0 {
		return false
	}
	for _, head := range [...]string{"Source contains parsing errors", "While reading from '", "File contains no section headers"} {
		if _, ok := cut(text, head); ok {
			return true
		}
	}
	if quiet := p.levels&(1<<severity('D')|1<<severity('I')) == 0; !quiet || p.last == p.lines.Stamp {
		return false
	}
	if strings.HasSuffix(p.lastText, "using empty configuration.") {
		return true
	}
	const stamp = "2006-01-02 15:04:05,000"
	from, err := time.Parse(stamp, string(p.last[:]))
	to, err2 := time.Parse(stamp, string(p.lines.Stamp[:]))
	return err == nil && err2 == nil && to.Sub(from).Abs() >= longest
}

// diesAtMirrors reports whether a traceback behind a complete run is of its last step,
// and not of another run that had no record yet.
func (p *parser) diesAtMirrors() bool {
	return slices.Contains(p.trace.functions, "sync_mirrors") || isEnding(p.exception)
}

// other reads a line that opens no record.
func (p *parser) other(b []byte) {
	if p.trace.open || string(b) == beginTrace {
		switch exception := p.trace.read(b); {
		case exception == nil:
		case p.aloud == notWritten:
			p.aloud, p.unlogged = raised, host.Shorten(string(exception))
		case p.aloud == tidying:
			p.aloud = raised
		default:
			p.exception = host.Shorten(string(exception))
		}
		return
	}
	p.aloud = raised // its traceback stands right below
	switch {
	case len(b) == 0:
	case isXz(b):
		p.xz(b)
	case bytes.HasPrefix(b, []byte("\t[line ")):
		p.fault(b)
	case p.aside(b):
	case string(b) == serverlog.LockText:
		p.run.Locked = true
	}
}

// isXz reports whether a line is what xz said, or its likeness for several cores.
func isXz(line []byte) bool {
	return bytes.HasPrefix(line, []byte("xz: ")) || bytes.HasPrefix(line, []byte("pxz: "))
}

// fault keeps the number of a line of etc/config that cannot be parsed.
func (p *parser) fault(b []byte) {
	if _, rest, ok := bytes.Cut(b, []byte("[line ")); ok && len(p.faulty) < maxProblems {
		n := fmt.Sprint(leading(bytes.TrimLeft(rest, " ")))
		if !slices.Contains(p.faulty, n) {
			p.faulty = append(p.faulty, n)
		}
	}
}

// cut returns what follows head.
func cut(text []byte, head string) ([]byte, bool) {
	if len(text) < len(head) || string(text[:len(head)]) != head {
		return nil, false
	}
	return text[len(head):], true
}

// quoted returns what stands before the closing quote.
func quoted(b []byte) string {
	before, _, _ := bytes.Cut(b, []byte("'"))
	return host.Shorten(string(before))
}

// severity orders levels from 0.
func severity(level byte) int {
	switch level {
	case 'D':
		return 0
	case 'I':
		return 1
	case 'W':
		return 2
	}
	return 3
}

// problem reads an error or a warning.
func (p *parser) problem(level byte, b []byte) {
	text := host.Shorten(string(b))
	if level != 'W' {
		p.lastText = text
	}
	if text == "Too few arguments" {
		p.hint = text
	}
	if c, ok := cut(b, "Invalid channel name: "); ok && p.entry == nil {
		for i := len(p.run.Entries) - 1; i >= 0; i-- {
			if e := &p.run.Entries[i]; e.Channel == string(c) && e.Outcome == Aborted {
				e.Outcome, e.Cause = NotInTree, evidence{event: notInTree, channel: e.Channel}.explain()
				p.step = atStart
				return
			}
		}
	}
	e := p.device()
	if e == nil || p.calls == 0 && level != 'W' {
		p.remark(text)
		return
	}
	if level == 'W' {
		if len(e.Warnings) < maxProblems {
			e.Warnings = append(e.Warnings, text)
		}
	} else if len(p.errors) < 4 {
		p.errors = append(p.errors, text)
	}
}

func (p *parser) remark(text string) {
	if strings.HasPrefix(text, "While reading from ") {
		p.fault([]byte(text))
	}
	if len(p.run.Problems) < maxProblems {
		p.run.Problems = append(p.run.Problems, text)
	}
}

// name returns a name as a string, fit for a message.
func (p *parser) name(b []byte) string {
	if s, ok := p.names[string(b)]; ok {
		return s
	}
	if len(p.names) >= maxNames { // no honest log has that many
		clear(p.names)
		clear(p.turns)
	}
	s := host.Shorten(string(b))
	p.names[string(b[:min(len(b), len(s))])] = s
	return s
}
