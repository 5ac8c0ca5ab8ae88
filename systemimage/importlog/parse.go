package importlog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

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

// over reports whether the record begins another run.
func (p *parser) over(text []byte) bool {
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
	}
	// A channel comes once in a run: the run before was killed without a word.
	name, ok := cut(text, "Processing channel: ")
	if !ok && text[0] == 'S' {
		name, ok = cut(text, "Skipping non-auto channel: ")
	}
	return ok && p.turns[string(name)] == p.number
}

// other reads a line that opens no record.
func (p *parser) other(b []byte) {
	if p.trace.open || string(b) == beginTrace {
		if exception := p.trace.read(b); exception != nil {
			p.exception = host.Shorten(string(exception))
		}
		return
	}
	switch {
	case len(b) == 0:
	case isXz(b):
		p.xz(b)
	case bytes.HasPrefix(b, []byte("ssh: ")):
		if len(p.run.Mirrors) < maxProblems {
			p.run.Mirrors = append(p.run.Mirrors, host.Shorten(string(b)))
		}
	case bytes.HasPrefix(b, []byte("\t[line ")):
		p.fault(b)
	case string(b) == "Killed", string(b) == "Terminated":
		p.exception = string(b)
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

// A record is one of INFO or DEBUG that means something.
type record struct {
	head  string
	whole bool // there is nothing behind head
	read  func(p *parser, text, rest []byte)
}

// records are the records that mean something, by their first letter, counted from C.
var records = [...][]record{
	'P' - 'C': {
		{"Processing channel: ", false, func(p *parser, _, rest []byte) { p.open(p.name(rest), "") }},
		{"Processing device: ", false, func(p *parser, _, rest []byte) { p.open(p.channel, p.name(rest)) }},
		{"Publishing new image '", false, func(p *parser, _, rest []byte) { p.published(rest) }},
		{"Publishing new delta from '", false, func(p *parser, _, rest []byte) { p.publishedDelta(rest) }},
	},
	0: { // C
		{"Calling '", false, (*parser).calling},
	},
	'N' - 'C': {
		{"New file from '", false, (*parser).newFile},
		{"No image will be produced because the '", false, func(p *parser, _, rest []byte) { p.cancelled(quoted(rest)) }},
	},
	'D' - 'C': {
		{"Device is a redirect, not considering.", true, (*parser).redirect},
		{"Directory not found: ", false, (*parser).keepHint},
	},
	'S' - 'C': {
		{"Skipping non-auto channel: ", false, (*parser).skipping},
		{"Syncing any existing alias", true, func(p *parser, _, _ []byte) { p.end(atAliases) }},
		{serverlog.LockText, true, func(p *parser, _, _ []byte) { p.run.Locked, p.ended = true, true }},
	},
	'G' - 'C': {{"Generating delta from '", false, func(p *parser, _, rest []byte) { p.base = append(p.base[:0], rest[:min(len(rest), 100)]...) }}},
	'E' - 'C': {{"Expiring old images", true, func(p *parser, _, _ []byte) { p.step = atExpiry }}},
	'M' - 'C': {
		{"Missing checksum: ", false, (*parser).keepHint},
		{"Missing rootfs tarball: ", false, (*parser).keepHint},
		{"Missing custom tarball: ", false, (*parser).keepHint},
		{"Missing device tarball: ", false, (*parser).keepHint},
		{"Missing channel name in JSON", false, (*parser).keepHint},
		{"Missing devices for channel name in JSON", false, (*parser).keepHint},
		{"Missing device name in JSON", false, (*parser).keepHint},
		{"Missing index for the channel device in JSON", false, (*parser).keepHint},
	},
	'R' - 'C': {{"Removing orphaned files from the pool", true, func(p *parser, _, _ []byte) { p.end(atOrphans) }}},
	'T' - 'C': {
		{"Triggering a mirror sync", true, func(p *parser, _, _ []byte) {
			p.end(atMirrors)
			p.run.Complete, p.ended = true, true
		}},
		{"Too few arguments", true, (*parser).keepHint},
	},
}

// record reads the first line of a record.
func (p *parser) record(level byte, text []byte) {
	if p.records++; p.records == 1 {
		p.run.First = string(p.lines.Stamp[:])
	}
	p.last = p.lines.Stamp
	p.lastLevel = level
	p.levels |= 1 << severity(level)
	if level != 'I' && level != 'D' {
		p.problem(level, text)
		return
	}
	n := int(text[0]) - 'C'
	if n < 0 || n >= len(records) {
		return
	}
	for i := range records[n] {
		r := &records[n][i]
		if rest, ok := cut(text, r.head); ok && (!r.whole || len(rest) == 0) {
			r.read(p, text, rest)
			return
		}
	}
}

func (p *parser) calling(_, generator []byte) {
	p.calls++
	p.errors, p.hint, p.file, p.base = p.errors[:0], "", p.file[:0], p.base[:0]
	p.generator = append(p.generator[:0], generator[:min(len(generator), 100)]...)
}

func (p *parser) newFile(_, rest []byte) {
	p.news++
	if _, file, ok := bytes.Cut(rest, []byte("': ")); ok {
		p.file = append(p.file[:0], file[:min(len(file), maxName)]...)
	}
}

func (p *parser) redirect(_, _ []byte) {
	if e := p.device(); e != nil {
		e.Outcome = Redirect
	}
}

func (p *parser) keepHint(text, _ []byte) { p.hint = host.Shorten(string(text)) }

func (p *parser) skipping(_, rest []byte) {
	p.close()
	channel := p.name(rest)
	p.turns[channel] = p.number
	p.add(Entry{Channel: channel, Outcome: Skipped})
}

// end ends the open device, and comes to what a run does behind it.
func (p *parser) end(at step) {
	p.close()
	p.step = at
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

func (p *parser) add(e Entry) bool {
	if len(p.run.Entries) >= maxEntries {
		return false
	}
	e.Line = p.lines.Line
	p.run.Entries = append(p.run.Entries, e)
	return true
}

// open begins a channel, or a device of it. Until something else is read, the
// run may have ended there.
func (p *parser) open(channel, device string) {
	if n := len(p.run.Entries); device != "" && p.step == atDevice && n > 0 && p.run.Entries[n-1].Device == "" {
		p.run.Entries = p.run.Entries[:n-1] // the channel has devices: they tell
	}
	p.close()
	if device == "" {
		p.channel = channel
		p.turns[channel] = p.number
	}
	if p.add(Entry{Channel: channel, Device: device, Outcome: Aborted}) && device != "" {
		p.entry = &p.run.Entries[len(p.run.Entries)-1]
	}
	p.step = atDevice
	p.calls, p.news, p.errors, p.hint, p.tool, p.generator, p.file, p.base = 0, 0, p.errors[:0], "", "", p.generator[:0], p.file[:0], p.base[:0]
}

// device returns the open device, or nil when the log does not say which it is.
func (p *parser) device() *Entry { return p.entry }

// close ends the open device: what happened to it is known now.
func (p *parser) close() {
	e := p.entry
	p.entry = nil
	if e == nil {
		// A channel without a device that could have been looked at.
		if n := len(p.run.Entries); p.step == atDevice && n > 0 && p.run.Entries[n-1].Device == "" && p.run.Entries[n-1].Outcome == Aborted {
			p.run.Entries[n-1].Outcome = NothingNew
		}
		return
	}
	if e.Outcome == Aborted {
		e.Outcome = NothingNew
		if e.Version > 0 {
			e.Outcome = Published
		}
	}
	p.endDamage(e)
}

func (p *parser) published(rest []byte) {
	e := p.device()
	if e == nil {
		return
	}
	e.Version = leading(rest)
	if i := bytes.IndexByte(rest, '('); i >= 0 {
		if j, files, ok := fileCount(rest); ok && j > i {
			e.Detail, e.Files = host.Shorten(string(rest[i+1:j])), files
		}
	}
	p.step = atFull
}

func (p *parser) publishedDelta(rest []byte) {
	p.step = atDelta
	e := p.device()
	if e == nil || len(e.Deltas) >= maxDeltas || len(p.deltas) >= maxEntries {
		return
	}
	_, files, _ := fileCount(rest)
	// All deltas of a run lie in one slice, those of an entry one after the other.
	p.deltas = append(p.deltas, Delta{Base: leading(rest), Files: files})
	e.Deltas = p.deltas[len(p.deltas)-1-len(e.Deltas) : len(p.deltas) : len(p.deltas)]
}

// fileCount reads the end of a record, as in "...version=4) with 5 files.", and
// returns where the parenthesis closes.
func fileCount(b []byte) (closing, files int, ok bool) {
	closing = bytes.LastIndexByte(b, ')')
	if closing < 0 {
		return 0, 0, false
	}
	count, ok := cut(b[closing:], ") with ")
	return closing, leading(count), ok
}

// leading reads the digits at the beginning.
func leading(b []byte) (n int) {
	for _, c := range b[:min(len(b), 9)] {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// cancelled reads "returned None", which is how a failure looks, and also the
// ordinary end of a device with nothing new.
func (p *parser) cancelled(generator string) {
	p.step = atExpiry
	e := p.device()
	if e == nil {
		return
	}
	closing := generator == "keyring" || generator == "version"
	if closing && p.news == 0 && p.calls > 1 {
		e.Outcome = NothingNew
		return
	}
	e.Outcome, e.Generator = Cancelled, generator
	e.Cause = evidence{event: noFile, text: strings.Join(p.errors, "; "), generator: generator, hint: p.hint,
		first: p.calls == 1, news: p.news > 0, channel: e.Channel, device: e.Device}.explain()
}
