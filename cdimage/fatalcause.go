package cdimage

import (
	"regexp"
	"strings"

	"github.com/landingteam/landing/cdimage/cause"
)

// consequence is a traceback that only follows from what was told before.
var consequence = regexp.MustCompile(`LiveBuildsFailed|NoFilesystemImages|Errno 2\].*/live/`)

// fatal is the traceback that ended the run, nil when none did.
func (p *buildParser) fatal() *traceback {
	t := p.tb
	switch {
	case t == nil:
		return nil
	case t.harmless() || t.exception == "":
		p.endTraceback()
		return nil
	case p.s.unterminated && t.number == p.s.lines && p.explained(t) == nil:
		return nil // what it died of is cut
	}
	p.log.Fatal = t.exception
	return t
}

// fatalCauses explains the traceback that ended the run. There are none when
// others say it.
func (p *buildParser) fatalCauses(t *traceback) []cause.Cause {
	if p.follows(t) {
		return nil
	}
	if c := p.explained(t); c != nil {
		return c
	}
	return []cause.Cause{{Scope: t.scope(), Class: cause.Unknown, Line: t.exception, Number: t.number}}
}

// follows reports whether a traceback is the consequence of a download that
// failed, or of live file systems of which none is good.
func (p *buildParser) follows(t *traceback) bool {
	if len(p.downloads.failed) > 0 {
		return t.stage == stageDownload || consequence.MatchString(t.exception)
	}
	return consequence.MatchString(t.exception) && p.anyBad()
}

func (p *buildParser) anyBad() bool {
	for _, a := range p.log.Arches {
		if a.State != "" && !a.Good() {
			return true
		}
	}
	return false
}

// explained names the cause of a traceback: what it says itself, or the server's
// answer below it; then what the stage printed above it; then what wget did not
// print.
func (p *buildParser) explained(t *traceback) []cause.Cause {
	if c := p.said(t, false); c != nil {
		return c
	}
	if c := p.printedAbove(t); c != nil {
		return c
	}
	if c := p.said(t, true); c != nil {
		return c
	}
	if consequence.MatchString(t.exception) && p.log.has(stageDownload) {
		return []cause.Cause{{Scope: "publish", Class: cause.Network, Line: t.exception, Number: t.number}}
	}
	return nil
}

// said returns the strongest cause that the last line of a traceback and the answer
// below it give by themselves. Weak rules are for those that may have a better
// explanation above.
func (p *buildParser) said(t *traceback, weak bool) []cause.Cause {
	var hits []hit
	for _, a := range append([]answer{{t.exception, t.number}}, t.body...) {
		p.rules.match([]byte(a.text), a.number, nil, func(h hit) {
			if r := h.rule; r.Weak == weak && (r.Exception || !weak) && (r.Stage == "" || r.Exception && r.Stage == t.stage) {
				hits = append(hits, h)
			}
		})
	}
	if causes := p.rules.strongest(hits); len(causes) > 0 {
		return causes[:1]
	}
	return nil
}

// printedAbove returns what the stage that died printed above its end, the
// strongest: a seed that could not be fetched is no seed fault. Weak rules
// count only when nothing else was printed and a program that was called
// failed: it has said why.
func (p *buildParser) printedAbove(t *traceback) []cause.Cause {
	here := func(r *compiled) bool { return (r.Stage == "" || r.Stage == t.stage) && r.Stage != stageDownload }
	hits := p.printed(func(r *compiled) bool { return here(r) && !r.Weak })
	if len(hits) == 0 && strings.Contains(t.exception, "CalledProcessError") {
		hits = p.printed(func(r *compiled) bool { return here(r) && r.Weak })
	}
	if causes := p.rules.strongest(hits); len(causes) > 0 {
		return causes[:1]
	}
	return nil
}
