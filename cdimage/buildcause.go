package cdimage

import (
	"regexp"
	"slices"
	"strings"
)

var (
	serverFault = regexp.MustCompile(`HTTP Error 5\d\d|Unauthorized|HTTP Error 401`)
	unreachable = regexp.MustCompile(`^[\w.]*(?:URLError|ServerNotFoundError|ConnectionError|gaierror|ProtocolError|BadStatusLine|RemoteDisconnected|IncompleteRead|timeout|TimeoutError)\b|` + networkReason)
	consequence = regexp.MustCompile(`LiveBuildsFailed|NoFilesystemImages|Errno 2\].*/live/`)
)

// finish draws the conclusions: what was published, and why not more.
func (p *buildParser) finish() {
	l := p.log
	var fatal *traceback
	if p.tb != nil {
		if p.tb.harmless() || p.tb.exception == "" {
			p.endTraceback()
		} else {
			fatal = p.tb
			l.Fatal = fatal.exception
			if p.s.unterminated && fatal.number == p.s.lines && p.fatalCauses(fatal) == nil {
				fatal, l.Fatal = nil, "" // what it died of is cut
			}
		}
	}
	p.outcome(fatal)

	var causes []Cause
	add := func(c Cause) {
		for _, known := range causes {
			if known.Scope == c.Scope && known.Class == c.Class {
				return
			}
		}
		causes = append(causes, c)
	}
	// What Launchpad's state says by itself; a livefs log says more.
	for _, a := range l.Arches {
		if c, bad := stateCause(a); bad {
			add(c)
		}
	}
	for _, c := range p.diskCauses() {
		add(c)
	}
	if fatal != nil {
		for _, c := range p.fatalCauses(fatal) {
			add(c)
		}
	}
	before := fatal
	if len(l.Published) > 0 {
		before = nil // it died when the images were published
	}
	for _, c := range p.downloadCauses(before) {
		add(c)
	}
	if fatal == nil {
		for _, c := range p.quietCauses() {
			add(c)
		}
	}
	if fatal != nil && len(causes) == 0 {
		scope := "publish"
		switch {
		case strings.Contains(fatal.exception, "HTTP Error"):
			scope = "launchpad"
		case fatal.stage == stageBuild || fatal.stage == "":
			scope = "host"
		case fatal.stage == stageMirrors:
			scope = "mirrors"
		}
		add(Cause{Scope: scope, Class: Unknown, Line: fatal.exception, Number: fatal.number})
	}
	for _, c := range p.missingImages() {
		if !slices.ContainsFunc(causes, func(k Cause) bool { return k.Scope == c.Scope || k.Scope == "publish" || k.Scope == "host" }) {
			add(c)
		}
	}
	l.Causes = causes
}

// outcome decides what was published.
func (p *buildParser) outcome(fatal *traceback) {
	l := p.log
	dead := fatal != nil && fatal.stage == stagePublish && !(p.signed && fatal.linked())
	switch {
	case !l.has(stagePublish):
		switch {
		case l.Finished:
			l.Publish = Skipped
		case fatal != nil || p.refused():
			l.Publish = None
		default:
			l.Publish = NotYet
		}
		l.Published = nil
		return
	case p.stage == stagePublish && !l.Finished && fatal == nil:
		l.Publish, l.Published = NotYet, nil
		return
	case dead && len(l.Published) > 0:
		l.Publish, l.Published = Broken, nil
		return
	}
	for _, name := range l.Published {
		label := l.labelOf(name)
		for i := range l.Arches {
			if l.Arches[i].Label == label {
				l.Arches[i].Published = true
			}
		}
	}
	all := len(p.noImages) == 0
	for _, a := range l.Arches {
		all = all && a.Published
	}
	if len(l.Arches) == 0 && len(p.downloads.failed) > 0 {
		all = false // a publish-only run that went without something
	}
	switch {
	case len(l.Published) == 0:
		l.Publish = None
	case all:
		l.Publish = Complete
	default:
		l.Publish = Partial
	}
}

// refused reports that what was read is what a command printed that never
// began a run.
func (p *buildParser) refused() bool {
	return slices.ContainsFunc(p.hits, func(h hit) bool { return h.rule.Scope == "command" })
}

// stateCause turns Launchpad's state into a cause.
func stateCause(a Arch) (Cause, bool) {
	c := Cause{Scope: a.Label, Number: 0}
	switch a.State {
	case "", "Successfully built", "success":
		return c, false
	case "Chroot problem":
		c.Class, c.Needs = Chroot, needsLivefsLog
	case "Cancelled build", "Cancelling build":
		c.Class = Cancelled
	case "Failed to upload":
		c.Class = Upload
	case "Dependency wait":
		c.Class = DependencyWait
	case "Gathering build output", "Needs building", "Currently building", "Uploading build":
		c.Class = Infrastructure // the host took a build at work for an ended one
	default: // "Failed to build", "failed"
		c.Class, c.Needs = Unknown, needsLivefsLog
	}
	return c, true
}

const needsLivefsLog = "livefs log"

func (p *buildParser) diskCauses() []Cause {
	for _, f := range p.downloads.failed {
		if f.hit.rule.Class == DiskSpace {
			return []Cause{f.hit.cause()}
		}
	}
	for _, h := range p.hits {
		if h.rule.Class == DiskSpace && h.rule.Scope == "host" {
			return []Cause{h.cause()}
		}
	}
	return nil
}

// fatalCauses explains the traceback that ended the run.
func (p *buildParser) fatalCauses(t *traceback) []Cause {
	if p.downloadedNothing(t) || t.stage == stageDownload && len(p.downloads.failed) > 0 {
		return nil // the failed downloads say it
	}
	var causes []Cause
	for _, a := range append([]answer{{t.exception, t.number}}, t.body...) {
		p.rs.match([]byte(a.text), a.number, func(h hit) {
			if h.rule.Stage == "" && !h.rule.Weak {
				causes = append(causes, h.cause())
			}
		})
	}
	if len(causes) > 0 {
		return causes[:1]
	}
	if serverFault.MatchString(t.exception) {
		return []Cause{{Scope: "launchpad", Class: Infrastructure, Line: t.exception, Number: t.number}}
	}
	if consequence.MatchString(t.exception) && (len(p.downloads.failed) > 0 || p.anyBad()) {
		return nil
	}
	if c := p.printedCauses(t, false); c != nil {
		return c
	}
	if unreachable.MatchString(t.exception) {
		scope := "publish"
		if t.stage == stageBuild {
			scope = "launchpad" // nothing else is talked to
		}
		return []Cause{{Scope: scope, Class: Network, Line: t.exception, Number: t.number}}
	}
	return nil
}

// downloadedNothing reports whether the traceback is about a file that wget
// could not fetch before.
func (p *buildParser) downloadedNothing(t *traceback) bool {
	return consequence.MatchString(t.exception) && len(p.downloads.failed) > 0
}

func (p *buildParser) anyBad() bool {
	return slices.ContainsFunc(p.log.Arches, func(a Arch) bool { return a.State != "" && !a.Good() })
}

// printedCauses returns what the stage that died printed above its end,
// strongest first. Weak rules count only when nothing else was printed and a
// program that was called failed: it has said why.
func (p *buildParser) printedCauses(t *traceback, onlyWeak bool) []Cause {
	byClass := map[Class][]hit{}
	for _, h := range p.hits {
		if h.rule.Weak == onlyWeak && h.rule.Class != DiskSpace && (h.rule.Stage == "" || h.rule.Stage == t.stage) && h.rule.Stage != stageDownload {
			byClass[h.rule.Class] = append(byClass[h.rule.Class], h)
		}
	}
	for _, class := range classes {
		if len(byClass[class]) > 0 {
			return []Cause{best(byClass[class])} // a seed that could not be fetched is no seed fault
		}
	}
	if !onlyWeak && strings.Contains(t.exception, "CalledProcessError") {
		return p.printedCauses(t, true)
	}
	return nil
}

// downloadCauses tells what wget could not fetch and what that took down.
func (p *buildParser) downloadCauses(fatal *traceback) []Cause {
	var causes []Cause
	if fatal != nil && fatal.stage != stageDownload && !p.downloadedNothing(fatal) {
		return nil
	}
	for _, f := range p.downloads.failed {
		if f.hit.rule.Class != Network {
			continue
		}
		c := f.hit.cause()
		if fatal == nil && len(p.log.Published) > 0 {
			c.Scope = p.scopeOf(f)
			if a := p.log.arch(f.label); a != nil && a.Published {
				c.Severity = "warning"
			}
		}
		causes = append(causes, c)
		if c.Scope == "publish" {
			break
		}
	}
	return causes
}

// scopeOf returns the architecture that a failed download took down: the one
// in its address, or the only one that is missing.
func (p *buildParser) scopeOf(f download) string {
	if f.label != "" {
		return f.label
	}
	missing := ""
	for _, a := range p.log.Arches {
		if a.Good() && !a.Published {
			if missing != "" {
				return "publish"
			}
			missing = a.Label
		}
	}
	if missing == "" && len(p.noImages) == 1 && p.log.project != "" {
		missing = p.log.project + "-" + strings.ReplaceAll(p.noImages[0].arch, "+", "-")
	}
	if missing == "" {
		return "publish"
	}
	return missing
}

// quietCauses are those that do not end a run: mirrors that were not told, and
// locks and refusals on the terminal.
func (p *buildParser) quietCauses() []Cause {
	var causes []Cause
	for _, h := range p.hits {
		switch {
		case h.rule.Scope == "mirrors":
			c := h.cause()
			if len(causes) > 0 && causes[len(causes)-1].Number == c.Number {
				continue // a full disk, told by rsync
			}
			c.Severity = "warning"
			causes = append(causes, c)
		case h.rule.Scope == "command" && len(p.log.Stages) == 0:
			causes = append(causes, h.cause())
			if len(causes) > 1 { // the usage line says less
				causes = causes[1:]
			}
		case h.rule.Class == Lock && len(p.log.Stages) == 0:
			causes = append(causes, h.cause())
		}
	}
	return causes
}

// missingImages names architectures that were built, not published, and about
// which nothing else is said.
func (p *buildParser) missingImages() []Cause {
	l := p.log
	if l.Publish != Partial && l.Publish != None || !l.has(stagePublish) {
		return nil
	}
	var causes []Cause
	for _, a := range l.Arches {
		if !a.Good() || a.Published {
			continue
		}
		c := Cause{Scope: a.Label, Class: Unknown}
		for _, n := range p.noImages {
			if l.labelOf(n.arch) == a.Label {
				c.Line, c.Number = n.line, n.number
			}
		}
		for _, h := range p.hits { // make's last words say more
			if h.rule.Class == Unknown {
				c.Line, c.Number = h.line, h.number
			}
		}
		causes = append(causes, c)
	}
	return causes
}
