package importlog

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// finish returns the run that was read and begins another.
func (p *parser) finish() *Run {
	run := p.run
	if p.lastLevel == 'E' && p.exception != "" && strings.HasSuffix(p.exception, p.lastText) && p.lastText != "" {
		p.exception = ""
	}
	run.Exception = p.exception
	if p.records > 0 {
		run.Last = string(p.last[:])
		run.Level = [...]string{"DEBUG", "INFO", "WARNING", "ERROR"}[bits.TrailingZeros8(p.levels)]
	}
	run.Cause = p.cause()
	p.endEntry()
	p.endLoose()
	run.foreign = run.foreign || p.isCleanup()
	*p = parser{lines: p.lines, names: p.names, turns: p.turns, number: p.number + 1,
		errors: p.errors[:0], generator: p.generator[:0], file: p.file[:0], base: p.base[:0], broken: p.broken[:0],
		deltas: make([]Delta, 0, len(p.deltas)),
		run:    &Run{Entries: make([]Entry, 0, len(run.Entries))}} // the next is as long
	if len(run.Entries) == 0 {
		run.Entries = nil
	}
	return run
}

// cause is what went wrong with the run as a whole.
func (p *parser) cause() *Finding {
	run := p.run
	malformed := slices.ContainsFunc(run.Problems, func(s string) bool { return strings.Contains(s, "using empty configuration") })
	e := evidence{text: run.Exception, trace: p.trace.functions, generator: quoted(p.generator), xz: p.tool, file: string(p.file)}
	switch {
	case run.Locked:
		e.event = locked
	case malformed:
		e.event, e.lines = misread, p.faulty
	case isEnding(run.Exception):
		e.event = killed
	case run.Exception != "":
		e.event = died
	case p.unlogged != "" && !run.Complete:
		e.event, e.text = notLogged, p.unlogged
	case !run.Complete && run.told():
		e.event = cutShort
	default:
		return nil
	}
	f, r := e.explainBy()
	p.cleared = r.pool
	return f
}

// endEntry says what the end of the run means for the device, or for the
// channel's aliases, that it was at.
func (p *parser) endEntry() {
	run := p.run
	if run.Complete {
		return
	}
	n := len(run.Entries)
	if n == 0 || run.Entries[n-1].Outcome != Aborted {
		if p.step == atAliases && run.Exception != "" {
			p.add(Entry{Channel: p.channel, Outcome: Aborted, Cause: run.Cause.with("while aliases were synchronized: %s", run.Cause.Problem)})
		}
		return
	}
	e := &run.Entries[n-1]
	e.Cause, e.Generator = run.Cause, quoted(p.generator)
	switch k := len(e.Deltas); {
	case p.step == atFull:
		e.Cause = run.Cause.with("%s; it was about to publish version %d", run.Cause.Problem, e.Version)
		e.Version, e.Files, e.Detail = 0, 0, ""
	case p.step == atDelta && k > 0:
		e.Cause = run.Cause.with("%s; it was about to publish the delta from %d, and the percentage of the image is 100", run.Cause.Problem, e.Deltas[k-1].Base)
		e.Deltas = e.Deltas[:k-1]
	case p.step == atExpiry && e.Version > 0:
		e.Outcome, e.Cause, e.Generator = Published, nil, ""
	}
	if len(e.Deltas) == 0 {
		e.Deltas = nil
	}
	if e.Version > 0 || !p.cleared {
		p.endDamage(e)
	}
}

// with is a copy of a finding with another problem.
func (f *Finding) with(format string, a ...any) *Finding {
	c := *f
	c.Problem = fmt.Sprintf(format, a...)
	return &c
}
