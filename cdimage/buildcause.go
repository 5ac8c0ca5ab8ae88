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
	fatal := p.fatal()
	p.outcome(fatal)
	var causes causeList
	causes.add(p.stateCauses()...)
	causes.add(p.diskCauses()...)
	if fatal != nil {
		causes.add(p.fatalCauses(fatal)...)
	}
	before := fatal
	if len(p.log.Published) > 0 {
		before = nil // it died when the images were published
	}
	causes.add(p.downloadCauses(before)...)
	if fatal == nil {
		causes.add(p.quietCauses()...)
	} else if len(causes) == 0 {
		causes.add(Cause{Scope: fatal.scope(), Class: Unknown, Line: fatal.exception, Number: fatal.number})
	}
	for _, c := range p.missingImages() {
		if !slices.ContainsFunc(causes, func(k Cause) bool { return k.Scope == c.Scope || k.Scope == "publish" || k.Scope == "host" }) {
			causes.add(c)
		}
	}
	p.log.Causes = causes
}

// A causeList has one cause for each scope and class.
type causeList []Cause

func (l *causeList) add(causes ...Cause) {
	for _, c := range causes {
		if !slices.ContainsFunc(*l, func(k Cause) bool { return k.Scope == c.Scope && k.Class == c.Class }) {
			*l = append(*l, c)
		}
	}
}

// fatal is the traceback that ended the run, nil when none did.
func (p *buildParser) fatal() *traceback {
	t := p.tb
	switch {
	case t == nil:
		return nil
	case t.harmless() || t.exception == "":
		p.endTraceback()
		return nil
	case p.s.unterminated && t.number == p.s.lines && p.fatalCauses(t) == nil:
		return nil // what it died of is cut
	}
	p.log.Fatal = t.exception
	return t
}

// needsLivefsLog is what would say more about a failed live file system.
const needsLivefsLog = "livefs log"

// launchpadStates are Launchpad's words for the end of a build that is no good
// one, and the class that each stands for. Those of a build at work were taken
// for an end by the host.
var launchpadStates = map[string]Cause{
	"Chroot problem":         {Class: Chroot, Needs: needsLivefsLog},
	"Cancelled build":        {Class: Cancelled},
	"Cancelling build":       {Class: Cancelled},
	"Failed to upload":       {Class: Upload},
	"Dependency wait":        {Class: DependencyWait},
	"Gathering build output": {Class: Infrastructure},
	"Needs building":         {Class: Infrastructure},
	"Currently building":     {Class: Infrastructure},
	"Uploading build":        {Class: Infrastructure},
}

// stateCauses are what Launchpad's states say by themselves; a livefs log says
// more.
func (p *buildParser) stateCauses() (causes []Cause) {
	for _, a := range p.log.Arches {
		if a.State == "" || a.Good() {
			continue
		}
		c, ok := launchpadStates[a.State]
		if !ok { // "Failed to build", "failed"
			c = Cause{Class: Unknown, Needs: needsLivefsLog}
		}
		c.Scope = a.Label
		causes = append(causes, c)
	}
	return causes
}

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
		p.rules.match([]byte(a.text), a.number, func(h hit) {
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
		return []Cause{{Scope: scope, Class: Network, Line: t.exception, Number: t.number, Remedy: whenNetworkIsBack}}
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
// strongest first: a seed that could not be fetched is no seed fault. Weak rules
// count only when nothing else was printed and a program that was called
// failed: it has said why.
func (p *buildParser) printedCauses(t *traceback, onlyWeak bool) []Cause {
	var said []hit
	for _, h := range p.hits {
		if h.rule.Weak == onlyWeak && h.rule.Class != DiskSpace && (h.rule.Stage == "" || h.rule.Stage == t.stage) && h.rule.Stage != stageDownload {
			said = append(said, h)
		}
	}
	if causes := p.rules.strongest(said); len(causes) > 0 {
		return causes[:1]
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
			if a := p.log.Arches.find(f.label); a != nil && a.Published {
				c.Severity = warning
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
			c.Severity = warning
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
			if l.Arches.labelOf(n.arch) == a.Label {
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
