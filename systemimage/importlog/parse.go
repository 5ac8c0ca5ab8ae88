package importlog

import (
	"bytes"
	"strings"

	"github.com/landingteam/landing/systemimage/internal/host"
	"github.com/landingteam/landing/systemimage/internal/serverlog"
)

// importParser is the state of reading one run.
type importParser struct {
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
	entry     *Entry     // the open device
	step      importStep // what the open device or the run was at
	generator []byte     // called last for the device
	calls     int        // generators called for the device
	news      int        // new files of the device
	deltas    []Delta    // of the run
	errors    []string   // errors since the last generator was called
	hint      string     // what a DEBUG record said about a missing build

	trace     bool   // inside a traceback
	exception string // last line of the last traceback after the last record
	lastLevel byte
	lastText  string // of the last ERROR record
	tool      string // what xz said last
}

// importStep is where a run is.
type importStep int

const (
	atStart importStep = iota
	atDevice
	atFull    // the full image was announced, and is being committed
	atDelta   // a delta was announced
	atExpiry  // everything of the device is committed
	atAliases // of the channel
	atOrphans
	atMirrors
)

// over reports whether the record begins another run.
func (p *importParser) over(text []byte) bool {
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
func (p *importParser) other(b []byte) {
	switch {
	case len(b) == 0:
	case p.trace:
		if b[0] != ' ' && b[0] != '\t' {
			p.trace, p.exception = false, host.Shorten(string(b))
		}
	case string(b) == "Traceback (most recent call last):":
		p.trace = true
	case bytes.HasPrefix(b, []byte("xz: ")):
		p.tool = host.Shorten(string(b))
	case bytes.HasPrefix(b, []byte("ssh: ")):
		if len(p.run.Mirrors) < maxImportProblems {
			p.run.Mirrors = append(p.run.Mirrors, host.Shorten(string(b)))
		}
	case string(b) == "Killed", string(b) == "Terminated":
		p.exception = string(b)
	case string(b) == serverlog.LockText:
		p.run.Locked = true
	}
}

// record reads the first line of a record.
func (p *importParser) record(level byte, text []byte) {
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
	switch text[0] {
	case 'P':
		if c, ok := cut(text, "Processing channel: "); ok {
			p.open(p.name(c), "")
		} else if d, ok := cut(text, "Processing device: "); ok {
			p.open(p.channel, p.name(d))
		} else if rest, ok := cut(text, "Publishing new image '"); ok {
			p.published(rest)
		} else if rest, ok := cut(text, "Publishing new delta from '"); ok {
			p.publishedDelta(rest)
		}
	case 'C':
		if g, ok := cut(text, "Calling '"); ok {
			p.calls++
			p.errors, p.hint = p.errors[:0], ""
			p.generator = append(p.generator[:0], g[:min(len(g), 100)]...)
		}
	case 'N':
		if _, ok := cut(text, "New file from '"); ok {
			p.news++
		} else if rest, ok := cut(text, "No image will be produced because the '"); ok {
			p.cancelled(quoted(rest))
		}
	case 'D':
		if string(text) == "Device is a redirect, not considering." {
			if e := p.device(); e != nil {
				e.Outcome = Redirect
			}
		} else if _, ok := cut(text, "Directory not found: "); ok {
			p.hint = host.Shorten(string(text))
		}
	case 'S':
		if c, ok := cut(text, "Skipping non-auto channel: "); ok {
			p.close()
			channel := p.name(c)
			p.turns[channel] = p.number
			p.add(Entry{Channel: channel, Outcome: Skipped})
		} else if string(text) == "Syncing any existing alias" {
			p.close()
			p.step = atAliases
		} else if string(text) == serverlog.LockText {
			p.run.Locked, p.ended = true, true
		}
	case 'E':
		if string(text) == "Expiring old images" {
			p.step = atExpiry
		}
	case 'M':
		for _, head := range [...]string{"Missing checksum: ", "Missing rootfs tarball: ", "Missing custom tarball: ", "Missing device tarball: ",
			"Missing channel name in JSON", "Missing devices for channel name in JSON", "Missing device name in JSON", "Missing index for the channel device in JSON"} {
			if _, ok := cut(text, head); ok {
				p.hint = host.Shorten(string(text))
			}
		}
	case 'R':
		if string(text) == "Removing orphaned files from the pool" {
			p.close()
			p.step = atOrphans
		}
	case 'T':
		switch string(text) {
		case "Triggering a mirror sync":
			p.close()
			p.step = atMirrors
			p.run.Complete, p.ended = true, true
		case "Too few arguments":
			p.hint = "Too few arguments"
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
func (p *importParser) problem(level byte, b []byte) {
	text := host.Shorten(string(b))
	if level != 'W' {
		p.lastText = text
	}
	if c, ok := cut(b, "Invalid channel name: "); ok && p.entry == nil {
		for i := len(p.run.Entries) - 1; i >= 0; i-- {
			if e := &p.run.Entries[i]; e.Channel == string(c) && e.Outcome == Aborted {
				e.Outcome, e.Cause, e.Remedy = NotInTree, causeNotInTree, remedyNotInTree
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
		if len(e.Warnings) < maxImportProblems {
			e.Warnings = append(e.Warnings, text)
		}
	} else if len(p.errors) < 4 {
		p.errors = append(p.errors, text)
	}
}

func (p *importParser) remark(text string) {
	if len(p.run.Problems) < maxImportProblems {
		p.run.Problems = append(p.run.Problems, text)
	}
}

// name returns a name as a string, fit for a message.
func (p *importParser) name(b []byte) string {
	if s, ok := p.names[string(b)]; ok {
		return s
	}
	if len(p.names) >= maxImportNames { // no honest log has that many
		clear(p.names)
		clear(p.turns)
	}
	s := host.Shorten(string(b))
	p.names[string(b[:min(len(b), len(s))])] = s
	return s
}

func (p *importParser) add(e Entry) bool {
	if len(p.run.Entries) >= maxImportEntries {
		return false
	}
	e.Line = p.lines.Line
	p.run.Entries = append(p.run.Entries, e)
	return true
}

// open begins a channel, or a device of it. Until something else is read, the
// run may have ended there.
func (p *importParser) open(channel, device string) {
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
	p.calls, p.news, p.errors, p.hint, p.tool, p.generator = 0, 0, p.errors[:0], "", "", p.generator[:0]
}

// device returns the open device, or nil when the log does not say which it is.
func (p *importParser) device() *Entry { return p.entry }

// close ends the open device: what happened to it is known now.
func (p *importParser) close() {
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
}

func (p *importParser) published(rest []byte) {
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

func (p *importParser) publishedDelta(rest []byte) {
	p.step = atDelta
	e := p.device()
	if e == nil || len(e.Deltas) >= maxImportDeltas || len(p.deltas) >= maxImportEntries {
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
func (p *importParser) cancelled(generator string) {
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
	e.Cause, e.Remedy = cancelCause(generator, p.calls, p.news, p.errors, p.hint)
}
