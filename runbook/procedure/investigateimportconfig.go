package procedure

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/importlog"
)

// configSeen is what etc/config says about what was asked.
type configSeen struct {
	Path     string              `json:"path"`
	Checksum string              `json:"checksum,omitempty"`
	Auto     []string            `json:"auto"`             // channels that the importer makes, in its order
	Type     string              `json:"type,omitempty"`   // of the channel that was asked about
	Listed   bool                `json:"listed,omitempty"` // it is in channels of [global]
	Findings []importlog.Finding `json:"findings,omitempty"`
	Notices  []string            `json:"notices,omitempty"`
}

func (i *InvestigateImport) configFile() *channelconfig.HostFile {
	return &channelconfig.HostFile{Runner: i.Server.Runner, Path: path.Join(i.Server.Root, "etc/config")}
}

// lookAtConfig reads and lints etc/config.
func (i *InvestigateImport) lookAtConfig(ctx context.Context) (configSeen, error) {
	in := i.Input
	file := i.configFile()
	seen := configSeen{Path: file.Path}
	c, err := file.Read(ctx)
	if c == nil {
		if errors.Is(err, systemimage.ErrNotFound) || errors.Is(err, systemimage.ErrRefused) {
			seen.Findings = []importlog.Finding{importlog.NewFinding(importlog.AboutConfig, "no-config", err.Error(), "put it back from a backup; no program of the server works without it")}
			return seen, nil
		}
		return seen, err
	}
	seen.Checksum = c.Checksum()
	linter := &channelconfig.Linter{Runner: i.Server.Runner, Root: i.Server.Root}
	if l, err := i.Server.Client.Channels(ctx); err == nil {
		linter.Channels = l.Channels
	}
	findings, err := linter.Lint(ctx, c)
	if err != nil {
		return seen, err
	}
	settings, err := c.Settings(i.Server.Root)
	if settings != nil {
		for _, ch := range settings.Channels {
			if ch.Auto() {
				seen.Auto = append(seen.Auto, ch.Name)
			}
			if ch.Name == in.Channel {
				seen.Listed, seen.Type = true, ch.Type
			}
		}
	}
	lines := strings.Split(string(c.Text()), "\n")
	for _, f := range findings {
		seen.add(in, f, lines)
	}
	if settings == nil && len(seen.Findings) == 0 {
		seen.Findings = []importlog.Finding{importlog.NewFinding(importlog.AboutConfig, "unusable-config", err.Error(), "correct etc/config: until then no program of the server works")}
	}
	return seen, nil
}

// add sorts a finding of the linter: what keeps an image of the channel away is a
// cause, the rest is worth knowing.
func (s *configSeen) add(in InvestigateImportInput, f channelconfig.Finding, lines []string) {
	channel, own := strings.CutPrefix(f.Section, "channel_")
	here := in.Channel == "" || !own || channel == in.Channel
	if f.Severity != systemimage.Harmful || !here && !s.blocks(in.Channel, channel, f.Class) {
		if f.Severity != systemimage.Worth && here && len(s.Notices) < maxNotices {
			s.Notices = append(s.Notices, importlog.Redact("etc/config: "+f.String()))
		}
		return
	}
	finding := importlog.NewFinding(importlog.AboutConfig, f.Class, f.Problem+": "+f.Why, "correct etc/config")
	if own {
		finding.Channel = channel
	}
	if f.Line > 0 && f.Line <= len(lines) {
		finding.Quotes = []importlog.Quote{{File: "etc/config", Line: f.Line, Text: importlog.Redact(strings.TrimRight(lines[f.Line-1], "\r"))}}
		finding.Remedy = fmt.Sprintf("correct line %d of etc/config", f.Line)
	}
	for n, e := range f.Fix {
		finding.Remedy += []string{": ", "; "}[min(n, 1)] + importlog.Redact(e.String())
	}
	s.Findings = append(s.Findings, finding)
}

// maxNotices bounds what is told besides.
const maxNotices = 12

// blocks reports whether a mistake in one channel keeps another from its turn:
// the importer dies before it begins, or when it comes to that channel.
func (s *configSeen) blocks(channel, faulty, class string) bool {
	switch class {
	case "grammar", "list-value", "missing-file", "missing-section", "not-a-number":
		return true
	case "unknown-generator", "url":
		at := slices.Index(s.Auto, faulty)
		return at >= 0 && at < slices.Index(s.Auto, channel)
	}
	return false
}

func (s configSeen) judge(r *importlog.Report) {
	what := fmt.Sprintf("%s: %d channels of type auto", s.Path, len(s.Auto))
	if r.Channel != "" && s.Listed {
		what += fmt.Sprintf("; %s has type %s", r.Channel, s.Type)
	}
	r.Looked = append(r.Looked, what)
	for _, f := range s.Findings {
		r.Add(f)
	}
	r.Notices = append(r.Notices, s.Notices...)
	if r.Channel == "" || slices.Contains(s.Auto, r.Channel) || len(s.Findings) > 0 {
		return
	}
	class := "not-listed"
	problem := "the channel is not among channels in [global], so that the importer does not know it"
	remedy := fmt.Sprintf("add %s to channels in [global], with a section [channel_%s]; if it is an alias or a redirect, look at its target", r.Channel, r.Channel)
	if s.Listed {
		class = "not-auto"
		problem = fmt.Sprintf("the channel has type %s, so that the importer does not make its images", s.Type)
		remedy = fmt.Sprintf("images get there with copy-image (examples/copyrc, release); for the importer write type = auto in [channel_%s]", r.Channel)
	}
	r.Add(importlog.NewFinding(importlog.AboutConfig, class, problem, remedy, importlog.Place{Channel: r.Channel}))
}
