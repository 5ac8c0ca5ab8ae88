package cdimage

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// downloads follows wget through the stage that fetches the live file systems:
// one block a file, a good one of one line, a failed one of one or more.
type downloads struct {
	address string // the address line above an error
	failed  []download
}

type download struct {
	file  string // name of the artefact, when the address tells
	label string // of the architecture, when the address or the target tells
	hit   hit
}

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
		if len(d.failed) == 0 && p.log.project != "" {
			return true // nothing to make up for
		}
		m := goodLine.FindSubmatch(line)
		if m == nil {
			return false
		}
		if s := scratchPath.FindSubmatch(m[2]); s != nil {
			p.log.project = string(s[1])
		}
		d.arrived(p.log, quote(m[1]), quote(m[2]), string(m[3]))
		return true
	}
	if bytes.HasPrefix(line, []byte("http")) && addressLine.Match(line) {
		d.address = quote(bytes.TrimSuffix(line, []byte(":")))
		return true
	}
	var is bool
	p.rules.match(line, number, func(h hit) {
		if is || h.rule.Stage != stageDownload && h.rule.Class != DiskSpace {
			return
		}
		is = true
		f := download{hit: h}
		if m := fileAddress.FindStringSubmatch(d.address); m != nil {
			f.label, f.file = p.log.Arches.labelOfBuild(m[1]), m[2]
		}
		if m := targetArch.FindSubmatch(line); m != nil {
			f.label = p.log.Arches.labelOf(string(m[1]))
		}
		if s := scratchPath.FindSubmatch(line); s != nil {
			p.log.project = string(s[1])
		}
		if len(d.failed) < 1000 {
			d.failed = append(d.failed, f)
		}
	})
	if is {
		d.address = ""
	}
	return is
}

// arrived forgives what a good line makes up for: an earlier failure of the
// same file for the same architecture, and the tries that wget counts.
func (d *downloads) arrived(log *BuildLog, url, target, tries string) {
	file := url[strings.LastIndexByte(url, '/')+1:]
	label := ""
	if m := targetArch.FindStringSubmatch(target); m != nil {
		label = log.Arches.labelOf(m[1])
	}
	again, _ := strconv.Atoi(tries)
	d.failed = slices.DeleteFunc(d.failed, func(f download) bool {
		return f.file == file && f.label != "" && f.label == label
	})
	for n := len(d.failed); again > 1 && n > 0; again-- {
		n--
		if f := d.failed[n]; f.file != "" || f.label != "" || f.hit.rule.Class != Network {
			break
		}
		d.failed = d.failed[:n]
	}
}
