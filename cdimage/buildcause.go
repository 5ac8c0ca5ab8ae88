package cdimage

import (
	"slices"

	"github.com/landingteam/landing/cdimage/cause"
)

// warning is the severity of a cause that kept nothing from being published.
const warning = "warning"

// finish draws the conclusions: what was published, and why not more. What kept
// images away goes first, then what came after it.
func (p *buildParser) finish() {
	l := p.log
	fatal := p.fatal()
	p.outcome(fatal)
	// What has ended is looked at only when there is nothing left to ask for.
	l.allAsked = len(l.Stages) > 1 || fatal != nil && fatal.through("lp_refresh") ||
		slices.ContainsFunc(l.Arches, func(a Arch) bool { return a.State != "" })

	var causes causeList
	causes.add(p.stateCauses()...)
	causes.add(p.diskCauses()...)
	causes.add(p.downloadCauses(fatal)...)
	if fatal != nil {
		causes.add(p.fatalCauses(fatal)...)
	} else {
		causes.add(p.refusals()...)
	}
	causes.add(p.ownCauses()...)
	for _, c := range p.missingImages() {
		if !slices.ContainsFunc(causes, func(k cause.Cause) bool { return k.Scope == c.Scope || k.Scope == "publish" || k.Scope == "host" }) {
			causes.add(c)
		}
	}
	l.suspects = p.suspects()
	if l.Publish == None && len(causes) == 0 {
		causes.add(l.suspects...)
	}
	if l.Publish == None && len(causes) == 0 && len(p.noImages) > 0 {
		last := p.noImages[len(p.noImages)-1]
		causes.add(cause.Cause{Scope: "publish", Class: cause.Unknown, Line: last.line, Number: last.number})
	}
	causes.add(p.warnings()...)
	l.Causes = causes
}

// A causeList has one cause for each scope and class.
type causeList []cause.Cause

func (l *causeList) add(causes ...cause.Cause) {
	for _, c := range causes {
		if !slices.ContainsFunc(*l, func(k cause.Cause) bool { return k.Scope == c.Scope && k.Class == c.Class }) {
			*l = append(*l, c)
		}
	}
}

// needsLivefsLog is what would say more about a failed live file system.
const needsLivefsLog = "livefs log"

// launchpadStates are Launchpad's words for the end of a build that is no good
// one, and the class that each stands for. Those of a build at work were taken
// for an end by the host.
var launchpadStates = map[string]cause.Cause{
	"Chroot problem":         {Class: cause.Chroot, Needs: needsLivefsLog},
	"Cancelled build":        {Class: cause.Cancelled},
	"Cancelling build":       {Class: cause.Cancelled},
	"Failed to upload":       {Class: cause.Upload},
	"Dependency wait":        {Class: cause.DependencyWait},
	"Gathering build output": {Class: cause.Infrastructure},
	"Needs building":         {Class: cause.Infrastructure},
	"Currently building":     {Class: cause.Infrastructure},
	"Uploading build":        {Class: cause.Infrastructure},
}

// stateCauses are what Launchpad's states say by themselves; a livefs log says
// more.
func (p *buildParser) stateCauses() (causes []cause.Cause) {
	for _, a := range p.log.Arches {
		causes = append(causes, stateCause(a)...)
	}
	return causes
}

func stateCause(a Arch) []cause.Cause {
	if a.State == "" || a.Good() {
		return nil
	}
	c, ok := launchpadStates[a.State]
	if !ok { // "Failed to build", "failed"
		c = cause.Cause{Class: cause.Unknown, Needs: needsLivefsLog}
	}
	c.Scope = a.Label
	return []cause.Cause{c}
}

// waiting reports whether a state is that of a build at work.
func waiting(state string) bool {
	switch state {
	case "Needs building", "Currently building", "Gathering build output", "Uploading build", "Cancelling build":
		return true
	}
	return false
}

func (p *buildParser) diskCauses() []cause.Cause {
	for _, f := range p.downloads.failed {
		if f.hit.rule.Class == cause.DiskSpace {
			return []cause.Cause{f.hit.cause()}
		}
	}
	for _, h := range p.hits {
		if h.rule.Class == cause.DiskSpace && h.rule.Scope == "host" {
			return []cause.Cause{h.cause()}
		}
	}
	return nil
}

// refusals are what a command says on the terminal that began no run.
func (p *buildParser) refusals() (causes []cause.Cause) {
	if len(p.log.Stages) > 0 {
		return nil
	}
	for _, h := range p.hits {
		switch {
		case h.rule.Scope == "command":
			causes = append(causes[:min(len(causes), 1)], h.cause())
			if len(causes) > 1 { // the usage line says less
				causes = causes[1:]
			}
		case h.rule.Class == cause.Lock:
			causes = append(causes, h.cause())
		}
	}
	return causes
}

// ownCauses are those of classes that were added, in runs that published less than
// they were to.
func (p *buildParser) ownCauses() []cause.Cause {
	if p.log.Publish == Complete || p.log.Publish == Skipped || p.log.Publish == NotYet {
		return nil
	}
	return p.rules.strongest(p.printed(func(r *compiled) bool { return r.own && !r.Weak }))
}

// suspects are what the log says as reasons where none is certain: no traceback ended
// the run, and its log just stops or nothing was published.
func (p *buildParser) suspects() []cause.Cause {
	said := p.printed(func(r *compiled) bool { return !r.Weak && r.Stage != stageDownload })
	if len(said) == 0 {
		said = p.printed(func(r *compiled) bool { return r.Weak })
	}
	if causes := p.rules.strongest(said); len(causes) > 0 {
		return causes[:1]
	}
	return nil
}

// printed are the lines found by rules that is accepts, but for warnings, refusals
// and full disks.
func (p *buildParser) printed(is func(*compiled) bool) (said []hit) {
	for _, h := range p.hits {
		if !h.rule.Warning && h.rule.Scope != "command" && h.rule.Class != cause.DiskSpace && is(h.rule) {
			said = append(said, h)
		}
	}
	return said
}

// warnings are what went wrong and kept nothing from being published.
func (p *buildParser) warnings() (causes []cause.Cause) {
	for _, h := range p.hits {
		if !h.rule.Warning {
			continue
		}
		c := h.cause()
		if len(causes) > 0 && causes[len(causes)-1].Number == c.Number {
			continue // a full disk, told by rsync
		}
		c.Severity = warning
		causes = append(causes, c)
	}
	return causes
}

// missingImages names architectures that were built, not published, and about
// which nothing else is said. make's last words say more than the publisher's.
func (p *buildParser) missingImages() []cause.Cause {
	l := p.log
	if l.Publish != Partial && l.Publish != None || !l.has(stagePublish) {
		return nil
	}
	make := p.printed(func(r *compiled) bool { return r.Class == cause.Unknown })
	var causes []cause.Cause
	for _, a := range l.Arches {
		if !a.Good() || a.Published {
			continue
		}
		c := cause.Cause{Scope: a.Label, Class: cause.Unknown}
		for _, n := range p.noImages {
			if l.Arches.Label(n.arch) == a.Label {
				c.Line, c.Number = n.line, n.number
			}
		}
		if len(make) > 0 {
			c.Line, c.Number = make[len(make)-1].line, make[len(make)-1].number
		} else if silent, ok := p.silentDownload(a.Label); ok {
			c.Class = cause.Network
			if c.Line == "" {
				c.Line, c.Number = silent.line, silent.number
			}
		}
		causes = append(causes, c)
	}
	return causes
}
