package cdimage

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage/cause"
)

// A BuildLog is what one run of the image builder wrote: which live file
// systems it asked Launchpad for, what became of them, and what it published.
type BuildLog struct {
	Stages []Stage
	Arches Arches // in the order in which they were asked for

	Published []string // architectures as the publisher names them: "armhf", "arm64+raspi"
	Publish   Outcome  // as far as the log goes; a log without an end is NotYet

	// Finished is true when the log has the marker of its regular end. It does
	// not mean that anything was published.
	Finished bool

	// Fatal is the last line of the traceback that ended the run.
	Fatal string

	Causes   []cause.Cause // what the log itself gives as reasons, strongest first
	Warnings []string      // what looks like a fault and did no harm

	Start, End time.Time // first and last time the host printed, UTC
	Cut        bool      // the last line has no end: written to, or copied, just now
	Incomplete string    // why the copy at hand is not whole: a gzip that ends early
	Lines      int
	Bytes      int64

	allAsked bool          // Launchpad was asked for every live file system
	suspects []cause.Cause // what may have ended a run without a word, strongest first
	project  string        // from the paths of the downloads, may be empty
}

// A Stage is one part of a log: of a run, headed by a "===== text =====" marker,
// or one step of a livefs build.
type Stage struct {
	Name       string    `json:"name"`
	Line       int       `json:"line"`
	Start, End time.Time `json:",omitzero"` // End is the start of the next stage, zero for the last; a livefs log has no times
}

// Beginnings of the markers that the parser knows.
const (
	stageBuild     = "Building live filesystems"
	stageDownload  = "Downloading live filesystem"
	stageGerminate = "Germinating"
	stagePublish   = "Publishing"
	stagePurge     = "Purging old images"
	stageMirrors   = "Triggering mirrors"
	stageFinished  = "Finished"
)

// buildMarks are the lines that give a cd-build-log its structure.
var buildMarks = []string{
	" =====\n", " =====\r", " starting at ", " finished at ", "/+livefs/", "reusing build ", "Publishing ", " URL:http",
	"Traceback (most recent", " image for ", "No filesystem for ", "No images produced!",
	"launchpad-buildd/", "Couldn't submit artifact", "Unable to contact tracker", "No keys found", "LP_SIGN_CONFIG set", "Signing ", "No iso.qa.", "Submitting images", "Test Observer is not",
}

var (
	markerLine = regexp.MustCompile(`^===== (.+) =====$`)
	startLine  = regexp.MustCompile(`^(\S+) on (\S.*) starting at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$`)
	endLine    = regexp.MustCompile(`^(\S+) on (\S.*) finished at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) \((.+)\)$`)
	linkLine   = regexp.MustCompile(`^(\S+): (https?://\S+/\+livefs/\S+/\+build/\d+)$`)
	reuseLine  = regexp.MustCompile(`^reusing build (https?://\S+)$`)
	archLine   = regexp.MustCompile(`^Publishing ([A-Za-z0-9_+-]+) \.\.\.$`)
	noImage    = regexp.MustCompile(`^No (?:\S.* image|filesystem) for (\S+)!$`)
)

const hostDate = "Mon Jan _2 15:04:05 MST 2006"
const lineDate = "2006-01-02 15:04:05"

// buildParser is the state of one pass.
type buildParser struct {
	log   *BuildLog
	rules *matcher
	s     *scanner

	marker     string // seen, its date is still to come
	markerLine int

	stage     string
	builder   bool // a program of Launchpad's builder was run
	signed    bool // all images are in the directory, and so are their checksums
	noImages  []archNote
	downloads downloads
	hits      []hit
	tb        *traceback
}

// An archNote is a line about one architecture as the publisher names it.
type archNote struct {
	arch, line string
	number     int
}

// ParseBuildLog reads a cd-build-log of any era, plain or gzip, in one pass
// with flat memory. The log is returned also with an error, with what could be
// told; the error is an [Error]: ErrIncomplete for a gzip that ends early,
// ErrFormat for a page of HTML or a livefs log in the log's place, or that of r.
//
// An empty log is no error: the host creates the file before it writes to it.
func ParseBuildLog(r io.Reader) (*BuildLog, error) { return (*Rules)(nil).ParseBuildLog(r) }

// ParseBuildLog is [ParseBuildLog] with the rules rs.
func (rs *Rules) ParseBuildLog(r io.Reader) (*BuildLog, error) {
	t := rs.orDefault().build
	p := &buildParser{log: &BuildLog{}, rules: t.matcher(false), s: &scanner{g: t.literals}}
	plain, err := unpack(r)
	if err == nil {
		err = p.s.scan(plain, p.visit)
	}
	if err == nil && p.builder && len(p.log.Stages) == 0 {
		err = errLivefs
	}
	p.log.Lines, p.log.Bytes = p.s.lines, p.s.bytes
	p.log.Cut = p.s.unterminated || err != nil
	if p.marker != "" && knownStage(p.marker) {
		p.enter(time.Time{})
	}
	p.finish()
	if err != nil {
		err = &Error{Op: "read cd-build-log", Kind: kindOf(err), Err: err}
	}
	if errors.Is(err, ErrIncomplete) {
		p.log.Incomplete = errShortGzip.Error()
	}
	return p.log, err
}

func (p *buildParser) visit(line []byte, number int) bool {
	if p.marker != "" {
		t, err := time.Parse(hostDate, string(bytes.TrimSpace(line)))
		if err == nil {
			p.enter(t.UTC())
			return p.tb != nil
		}
		if p.s.unterminated {
			return false // the date is cut
		}
		p.marker = "" // only looks like a marker: there is no date below
	}
	if bytes.HasPrefix(line, []byte("===== ")) {
		if m := markerLine.FindSubmatch(line); m != nil {
			p.marker, p.markerLine = quote(m[1]), number
			return true
		}
	}
	if p.tb != nil && p.tb.add(line) {
		return true
	}
	if bytes.HasPrefix(line, []byte("Traceback (most recent")) {
		if p.tb == nil || !p.tb.chained {
			p.endTraceback()
			p.tb = &traceback{line: number, stage: p.stage}
		}
		p.tb.chained = false
		return true
	}
	p.builder = p.builder || bytes.HasPrefix(line, []byte("RUN: /usr/share/launchpad-buildd/"))
	if p.runLine(line, number) {
		p.endTraceback() // the run goes on
	} else {
		p.rules.match(line, number, p.counts, p.found)
	}
	return p.tb != nil || p.stage == stageDownload
}

// runLine handles the lines that the image builder prints itself; false when
// the line is none of them.
func (p *buildParser) runLine(line []byte, number int) bool {
	switch {
	case bytes.Contains(line, []byte(" starting at ")):
		if m := startLine.FindSubmatch(line); m != nil {
			a := p.arch(quote(m[1]))
			a.Builder = quote(m[2])
			a.Start = p.clock(m[3])
			return true
		}
	case bytes.Contains(line, []byte(" finished at ")):
		if m := endLine.FindSubmatch(line); m != nil {
			a := p.arch(quote(m[1]))
			a.Builder, a.State = quote(m[2]), quote(m[4])
			a.End = p.clock(m[3])
			return true
		}
	case bytes.HasPrefix(line, []byte("reusing build ")):
		if m := reuseLine.FindSubmatch(line); m != nil && len(p.log.Arches) > 0 {
			p.log.Arches[len(p.log.Arches)-1].Reused = quote(m[1])
			return true
		}
	case bytes.Contains(line, []byte("/+livefs/")):
		// A number without a line end may lack digits.
		if m := linkLine.FindSubmatch(line); m != nil && !p.s.unterminated {
			p.arch(quote(m[1])).Link = quote(m[2])
			return true
		}
	}
	switch p.stage {
	case stageDownload:
		return p.downloads.add(p, line, number)
	case stagePublish:
		return p.publishLine(line, number)
	}
	return false
}

func (p *buildParser) publishLine(line []byte, number int) bool {
	begins := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(t string) bool { return bytes.HasPrefix(line, []byte(t)) })
	}
	switch {
	case begins("Publishing "):
		// The image's own line; what goes with it has more words or a dot.
		if m := archLine.FindSubmatch(line); m != nil {
			p.log.Published = append(p.log.Published, string(m[1]))
			p.signed = false
		}
	case begins("No keys found", "LP_SIGN_CONFIG set", "Signing ", "No iso.qa.", "Submitting ", "Test Observer is not"):
		p.signed = true
	case begins("Couldn't submit artifact"):
		p.rules.match(line, number, p.counts, p.found)
	case begins("Unable to contact tracker"):
		p.warn(quote(line))
	case begins("No images produced!"):
		p.noImages = append(p.noImages, archNote{line: quote(line), number: number})
	default:
		m := noImage.FindSubmatch(line)
		if m == nil {
			return false
		}
		p.noImages = append(p.noImages, archNote{quote(m[1]), quote(line), number})
	}
	return true
}

func (p *buildParser) warn(text string) {
	if len(p.log.Warnings) < 100 {
		p.log.Warnings = append(p.log.Warnings, text)
	}
}

// arch returns the entry for a label, which a log begun in the middle may
// mention for the first time at its end.
func (p *buildParser) arch(label string) *Arch {
	if a := p.log.Arches.find(label); a != nil {
		return a
	}
	if len(p.log.Arches) >= 200 { // no run has more than a dozen
		return &Arch{}
	}
	p.log.Arches = append(p.log.Arches, Arch{Label: label})
	return &p.log.Arches[len(p.log.Arches)-1]
}

func (p *buildParser) clock(b []byte) time.Time {
	t, err := time.Parse(lineDate, string(b))
	if err == nil {
		p.seen(t)
	}
	return t
}

func (p *buildParser) seen(t time.Time) {
	if p.log.Start.IsZero() {
		p.log.Start = t
	}
	if t.After(p.log.End) {
		p.log.End = t
	}
}

// enter begins the stage whose marker was read. Whatever came before has not
// ended the run.
func (p *buildParser) enter(t time.Time) {
	p.endTraceback()
	name := p.marker
	p.marker = ""
	if n := len(p.log.Stages); n > 0 {
		p.log.Stages[n-1].End = t
	}
	if !t.IsZero() {
		p.seen(t)
	}
	p.log.Stages = append(p.log.Stages, Stage{Name: name, Line: p.markerLine, Start: t})
	p.stage = name
	for _, known := range []string{stageDownload, stageGerminate} {
		if strings.HasPrefix(name, known) {
			p.stage = known
		}
	}
	if name == stageFinished {
		p.log.Finished = true
		p.stage = stageMirrors // background ssh may still print
	}
}

func knownStage(name string) bool {
	for _, s := range []string{stageBuild, stageDownload, stageGerminate, stagePublish, stagePurge, stageMirrors, stageFinished, "Copying "} {
		if strings.HasPrefix(name, s) {
			return true
		}
	}
	return false
}

// counts reports whether a line of a rule says something here: the first of each
// rule is enough.
func (p *buildParser) counts(r *compiled) bool {
	switch {
	case r.Exception, r.Stage != "" && p.stage != r.Stage, r.Scope == "command" && p.stage != "":
		return false
	case p.stage == stageMirrors && r.Stage == "" && !r.own:
		return false // said by another host
	}
	return !slices.ContainsFunc(p.hits, func(h hit) bool { return h.rule == r })
}

func (p *buildParser) found(h hit) {
	if p.counts(h.rule) {
		p.hits = append(p.hits, h)
	}
}
