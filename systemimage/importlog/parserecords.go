package importlog

import (
	"bytes"

	"github.com/landingteam/landing/systemimage/internal/host"
	"github.com/landingteam/landing/systemimage/internal/serverlog"
)

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
	if isForeign(text) {
		p.run.foreign = true
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
	p.called = true
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
