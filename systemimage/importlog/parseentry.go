package importlog

import (
	"bytes"
	"strings"

	"github.com/landingteam/landing/systemimage/internal/host"
)

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
		// A channel without a device that could have been looked at, or that the log names.
		if n := len(p.run.Entries); n > 0 && p.run.Entries[n-1].Device == "" && p.run.Entries[n-1].Outcome == Aborted {
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
