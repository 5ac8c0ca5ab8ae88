package cdimage

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/landingteam/landing/cdimage/cause"
)

// downloads follows wget through the stage that fetches the live file systems:
// one block a file, a good one of one line, a failed one of one or more.
type downloads struct {
	address string // the address line above an error
	failed  []download
	came    []string // labels of the architectures of which a file came that is more than a list
}

type download struct {
	file  string // name of the artefact, when the address tells
	label string // of the architecture, when the address or the target tells
	hit   hit
}

// ofDownload reports whether a rule for downloads matched, whatever its class is: a disk
// that is full is none.
func (d download) ofDownload() bool { return d.hit.rule.Stage == stageDownload }

var (
	goodLine    = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d URL:(\S+) \[[\d/]+\] -> "([^"]+)" \[(\d+)\]`)
	addressLine = regexp.MustCompile(`^https?://\S+:$`)
	fileAddress = regexp.MustCompile(`/\+build/(\d+)/\+files/([^/:]+):?$`)
	scratchPath = regexp.MustCompile(`/scratch/([^/]+)/`)
	targetArch  = regexp.MustCompile(`/live/(?:boot-|recovery-|system-)?([a-z0-9]+(?:\+[a-z0-9_-]+)?)\.`)
)

// add takes one line of the stage; false when wget did not print it.
func (d *downloads) add(p *buildParser, line []byte, number int) bool {
	if len(line) > 24 && bytes.Equal(line[19:24], []byte(" URL:")) {
		d.address = ""
		m := goodLine.FindSubmatch(line)
		if m == nil {
			return false
		}
		p.scratch(m[2])
		d.arrived(p.log, quote(m[1]), quote(m[2]), string(m[3]))
		return true
	}
	if bytes.HasPrefix(line, []byte("http")) && addressLine.Match(line) {
		d.address = quote(bytes.TrimSuffix(line, []byte(":")))
		return true
	}
	var is bool
	counts := func(r *compiled) bool { return r.Stage == stageDownload || r.Class == cause.DiskSpace }
	p.rules.match(line, number, counts, func(h hit) {
		if is || !counts(h.rule) {
			return
		}
		is = true
		f := download{hit: h}
		if m := fileAddress.FindStringSubmatch(d.address); m != nil {
			f.label, f.file = p.log.Arches.labelOfBuild(m[1]), m[2]
		}
		if m := targetArch.FindSubmatch(line); m != nil {
			f.label = p.log.Arches.Label(string(m[1]))
		}
		p.scratch(line)
		if len(d.failed) < 1000 {
			d.failed = append(d.failed, f)
		}
	})
	if is {
		d.address = ""
	}
	return is
}

// scratch learns the project from the folder that its files are downloaded to.
func (p *buildParser) scratch(text []byte) {
	if s := scratchPath.FindSubmatch(text); s != nil {
		p.log.project = quote(s[1])
	}
}

// arrived forgives what a good line makes up for: an earlier failure of the
// same file for the same architecture, and the tries that wget counts.
func (d *downloads) arrived(log *BuildLog, url, target, tries string) {
	file := url[strings.LastIndexByte(url, '/')+1:]
	label := ""
	if m := targetArch.FindStringSubmatch(target); m != nil {
		label = log.Arches.Label(m[1])
		if !strings.Contains(file, "manifest") {
			d.came = addNew(d.came, label)
		}
	}
	again, _ := strconv.Atoi(tries)
	d.failed = slices.DeleteFunc(d.failed, func(f download) bool {
		return f.file == file && f.label != "" && f.label == label
	})
	for n := len(d.failed); again > 1 && n > 0; again-- {
		n--
		if f := d.failed[n]; f.file != "" || f.label != "" || !f.ofDownload() {
			break
		}
		d.failed = d.failed[:n]
	}
}

// downloadCauses tells what wget could not fetch and what that took down. They
// are left out where the run died before the images were copied, of something
// else.
func (p *buildParser) downloadCauses(fatal *traceback) []cause.Cause {
	var causes []cause.Cause
	if fatal != nil && !p.follows(fatal) && !p.log.has(stagePublish) {
		return nil
	}
	for _, f := range p.downloads.failed {
		if !f.ofDownload() {
			continue
		}
		c := f.hit.cause()
		if len(p.log.Published) > 0 {
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
	if missing == "" && len(p.noImages) == 1 && p.noImages[0].arch != "" && p.log.project != "" {
		missing = p.log.project + "-" + strings.ReplaceAll(p.noImages[0].arch, "+", "-")
	}
	if missing == "" {
		return "publish"
	}
	return missing
}

// silentDownload reports whether wget printed nothing about an architecture's files,
// which is what it does when the body of an answer is cut. It returns the marker
// of the stage.
func (p *buildParser) silentDownload(label string) (marker said, silent bool) {
	for _, s := range p.log.Stages {
		if strings.HasPrefix(s.Name, stageDownload) && !slices.Contains(p.downloads.came, label) {
			return said{"===== " + s.Name + " =====", s.Line}, true
		}
	}
	return said{}, false
}
