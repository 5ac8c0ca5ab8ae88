package cdimage

import (
	"bytes"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage/cause"
)

// decide names the failing step and its causes, strongest first.
func (p *livefsParser) decide() {
	l := p.log
	died := p.died()
	p.s.at = len(p.s.buf)
	last := p.lastLine(l.Lines + 1)
	lost := cause.Cause{Class: cause.Infrastructure, Line: last.line, Number: min(l.Lines, last.number)}
	switch {
	case p.frozen == 0 && !died: // whole lines, but the builder never came to clean up
		l.Failing = p.where()
		l.Causes = append(l.Causes, lost)
		return
	case p.reached && !died:
		if len(p.after) > 0 {
			lost = best(p.after)
		} else if p.removed {
			return // a good build
		}
		l.Failing = p.run
		l.Causes = append(l.Causes, lost)
		return
	}
	l.Failing = p.where()
	causes := p.causes()
	if p.aborted {
		causes = []cause.Cause{p.cancelled()}
	}
	if len(causes) == 0 {
		causes = []cause.Cause{{Class: cause.Unknown, Line: p.end.line, Number: p.end.number}}
	}
	if !p.reached {
		causes = []cause.Cause{p.chroot(causes[0])}
	}
	if len(causes) > 2 {
		causes = causes[:2]
	}
	l.Causes = causes
}

// cancelled is the cause of a build that was killed while it was cleaned up.
func (p *livefsParser) cancelled() cause.Cause {
	said := p.killed
	if said.line == "" {
		said = p.end // the log is cut before it says so
	}
	return cause.Cause{Class: cause.Cancelled, Line: said.line, Number: said.number}
}

func (p *livefsParser) where() string {
	if p.lb != "" {
		return p.work + ": " + p.lb
	}
	return p.work
}

// chroot wraps the cause of a failure before buildlivefs, as Launchpad does:
// its state is "Chroot problem" whatever went wrong.
func (p *livefsParser) chroot(why cause.Cause) cause.Cause {
	c := why
	c.Class, c.Underlying = cause.Chroot, why.Class
	if why.Class == cause.Unknown {
		c.Underlying = ""
	}
	for _, h := range p.hits { // the last error of apt sums the step up
		if h.rule.Class == why.Class && (strings.HasPrefix(h.line, "E: ") || strings.HasPrefix(h.line, "Error: ")) {
			c.Line, c.Number = h.line, h.number
		}
	}
	return c
}

// causes weighs what was found in the failing step.
func (p *livefsParser) causes() []cause.Cause {
	strong, weak := p.counting()
	needsIndex := slices.ContainsFunc(p.hits, func(h hit) bool { return h.rule.NeedsIndex })
	network := slices.ContainsFunc(strong, func(h hit) bool { return h.rule.Class == cause.Network })
	if needsIndex && !network && len(p.carried) > 0 {
		return []cause.Cause{best(p.carried)}
	}
	causes := p.rules.strongest(strong)
	switch {
	case len(causes) > 0 && causes[0].Class == cause.DiskSpace:
		return causes[:1]
	case len(causes) == 0 && p.reached && len(p.after) > 0:
		return []cause.Cause{best(p.after)}
	case len(causes) == 0:
		return p.rules.strongest(weak)
	}
	if causes[0].Class == cause.Network && needsIndex {
		causes = causes[:1]
	}
	if len(causes) > 1 && causes[0].Class == cause.Network && causes[1].Class == cause.Package && causes[1].Number > causes[0].Number && !strings.HasPrefix(causes[0].Line, "E") {
		causes[0], causes[1] = causes[1], causes[0] // apt went on to unpack: it did without
	}
	if p.reached && len(p.after) > 0 && causes[0].Class != cause.Infrastructure {
		causes = append(causes[:1], best(p.after))
	}
	return causes
}

// counting parts the hits that count from those that count only when there are
// no others: a network message far above the end of the step is one of these, and
// one after which there was a download that went well.
func (p *livefsParser) counting() (strong, weak []hit) {
	end := p.frozen
	if p.unmounted > 0 {
		end = p.unmounted
	}
	for _, h := range p.hits {
		far := h.rule.Class == cause.Network && h.item == "" && end-h.number > nearEnd
		if h.rule.Weak || far || h.past {
			weak = append(weak, h)
		} else {
			strong = append(strong, h)
		}
	}
	return strong, weak
}

// missing reports whether an item was asked for and has not arrived yet.
func (p *livefsParser) missing() bool {
	for _, h := range p.hits {
		if h.item != "" {
			return true
		}
	}
	return len(p.carried) > 0
}

// saved reports whether a line is wget's about a file that has come. It begins with its
// day; most lines that are looked at do not.
func saved(line []byte) bool {
	if len(line) == 0 || notDigit(rune(line[0])) {
		return false
	}
	return bytes.Contains(line, []byte(" URL:http")) && bytes.Contains(line, []byte("] -> \"")) ||
		bytes.Contains(line, []byte("/s) - ")) && bytes.Contains(line, []byte(" saved ["))
}

// wentOn passes over what other programs than apt could not get before: had it
// mattered, the script would have ended there.
func (p *livefsParser) wentOn() {
	p.failed = false
	for i := range p.hits {
		h := &p.hits[i]
		apt := h.item != "" || strings.HasPrefix(h.line, " ") || strings.HasPrefix(h.line, "E: ") || strings.HasPrefix(h.line, "Error: ")
		h.past = h.past || h.rule.Class == cause.Network && !apt
	}
}

// arrived forgives the network what came in the end.
func (p *livefsParser) arrived(key string) {
	same := func(h hit) bool { return h.item != "" && h.item == key }
	p.hits = slices.DeleteFunc(p.hits, same)
	p.carried = slices.DeleteFunc(p.carried, same)
}
