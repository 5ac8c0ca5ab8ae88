package cdimage

import (
	"bytes"
	"regexp"
	"slices"
)

// said is a line and its number.
type said struct {
	line   string
	number int
}

var clockStamp = regexp.MustCompile(`^\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\]$`) // above each step of today

// idle reports whether a line says nothing: it is blank, or the builder's own.
func idle(line []byte) bool {
	text := bytes.TrimSpace(line)
	switch string(text) {
	case "", "Build failed", "Install failed":
		return true
	}
	return text[0] == '[' && clockStamp.Match(text)
}

// isError reports whether a line begins as programs begin their errors, "E: ",
// "fatal: " or "KeyError: ".
func isError(line []byte) bool {
	i := bytes.Index(line, []byte(": "))
	if i < 1 || bytes.HasPrefix(line, []byte("E: Can not write log ")) {
		return false
	}
	switch head := line[:i]; string(head) {
	case "E", "Error", "ERROR", "error", "fatal", "FATAL":
		return true
	default:
		return bytes.IndexByte(head, ' ') < 0 && (bytes.HasSuffix(head, []byte("Error")) || bytes.HasSuffix(head, []byte("Exception")))
	}
}

// lastLine returns the nearest line above line number that says something.
func (p *livefsParser) lastLine(number int) said {
	for up, line := range p.s.above() {
		if !idle(line) {
			return said{quote(line), number - up}
		}
	}
	return said{number: number}
}

// lastWords returns what a step said last: the last error, which programs that are
// called go on after, or else the last line.
func (p *livefsParser) lastWords(number int) said {
	for up, line := range p.s.above() {
		switch {
		case up > nearEnd, bytes.HasPrefix(line, []byte("RUN: /")), bytes.HasPrefix(line, []byte("P: Begin unmounting")), liveBuildStep(line) != nil:
			return p.lastLine(number)
		case isError(line):
			return said{quote(line), number - up}
		}
	}
	return p.lastLine(number)
}

// died reports whether a step failed.
func (p *livefsParser) died() bool {
	return p.traceback || p.unmounted > 0 && slices.ContainsFunc(p.hits, func(h hit) bool { return !h.rule.Weak })
}
