package procedure

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/runbook"
)

// InvestigateBuild says why a build of an image is missing or incomplete, what
// to do about it, and what the image server can import nevertheless:
//
//  1. find the log of the build, or of the newest one, in the mirrored log tree;
//  2. follow the architectures that failed to their livefs logs on Launchpad;
//  3. with a Builder, look into the published directory, since a log may say
//     more than there is.
//
// It only reads.
type InvestigateBuild struct {
	Logs    *cdimage.Client    // the mirrored log tree; without Rules it is read by those of Builder
	Livefs  cdimage.LivefsLogs // the logs of live file systems; nil: they are not followed
	Builder *builder.Builder   // the image host; nil: what was published is known from the log alone
	Input   InvestigateBuildInput
}

// InvestigateBuildInput is what one run of [InvestigateBuild] looks at.
type InvestigateBuildInput struct {
	cdimage.Build // without an ID the newest of its image set
}

// Run is the procedure: it notes what [InvestigateBuild.Investigate] found. See
// [runbook.Procedure].
func (b *InvestigateBuild) Run(ctx context.Context, r *runbook.Run) error {
	report, err := runbook.Read(ctx, r, "investigate", func(ctx context.Context) (BuildReport, error) {
		report, err := b.Investigate(ctx)
		// In the journal architectures are an object, which has no order.
		slices.SortFunc(report.Arches, func(x, y cdimage.Arch) int { return strings.Compare(x.Label, y.Label) })
		return report, err
	})
	if err != nil {
		return err
	}
	return r.Note(report.String())
}

// Investigate reads what is to be read, and weighs it. What cannot be read
// besides the log itself is a warning of the report.
func (b *InvestigateBuild) Investigate(ctx context.Context) (BuildReport, error) {
	build, logs := b.Input.Build, *b.Logs
	if logs.Rules == nil && b.Builder != nil {
		logs.Rules = b.Builder.Rules
	}
	if build.ID.IsZero() {
		var err error
		if build, err = logs.Latest(ctx, build.ImageSet); err != nil {
			return BuildReport{}, err
		}
	}
	d, err := logs.Diagnose(ctx, build, b.Livefs)
	if err != nil {
		return BuildReport{}, err
	}
	if b.Builder == nil || d.Running {
		return NewBuildReport(d, nil), nil
	}
	onHost, err := b.Builder.Result(ctx, build)
	if err != nil {
		d.Warnings = append(d.Warnings, fmt.Sprintf("the published directory could not be looked at: %v", err))
		return NewBuildReport(d, nil), nil
	}
	return NewBuildReport(believe(d, onHost), onHost.Files), nil
}

// believe takes over what the host's directory says about publishing where it
// differs from the mirrored log.
func believe(d cdimage.Diagnosis, onHost builder.Result) cdimage.Diagnosis {
	if d.Republish.Safe != onHost.Republish.Safe || d.Republish.First != onHost.Republish.First { // the remedy is derived from it
		d.Remedy, d.Actions = onHost.Remedy, onHost.Actions
	}
	d.Publish, d.Republish = onHost.Publish, onHost.Republish
	for i, a := range d.Arches {
		for _, h := range onHost.Arches {
			if a.Label != h.Label || a.Published == h.Published {
				continue
			}
			d.Arches[i].Published = h.Published
			for _, c := range onHost.Causes {
				if c.Scope == a.Label {
					d.Causes = append(d.Causes, c)
				}
			}
			d.Remedy, d.Actions = onHost.Remedy, onHost.Actions
		}
	}
	return d
}

// A BuildReport is what is known about one build: why it is as it is, and what
// can be imported.
type BuildReport struct {
	cdimage.Diagnosis
	Imports []RootfsImport `json:"imports"`
}

// A RootfsImport says whether the image server can import the root file system of
// one architecture from the published directory of a build.
type RootfsImport struct {
	Label string `json:"label"`
	Can   bool   `json:"importable"`
	Why   string `json:"why"`
}

// NewBuildReport completes a diagnosis. files are the names in the published
// directory; nil when it was not looked at.
//
// The image server takes a directory that has SHA256SUMS and a root file system
// for the architecture, whoever put it there. So an architecture that failed
// does not keep the good ones back; but where the image builder carried its
// older file over, it is imported again under the new ID.
func NewBuildReport(d cdimage.Diagnosis, files []string) BuildReport {
	r := BuildReport{Diagnosis: d, Imports: []RootfsImport{}}
	for _, a := range d.Arches {
		r.Imports = append(r.Imports, rootfsImport(d, a, files))
	}
	return r
}

func rootfsImport(d cdimage.Diagnosis, a cdimage.Arch, files []string) RootfsImport {
	im := RootfsImport{Label: a.Label}
	switch {
	case d.Running:
		im.Why = "the build is still at work"
	case d.Publish == cdimage.NotYet:
		im.Why = "not known, the log at hand is incomplete"
	case d.Publish == cdimage.Broken && files == nil:
		im.Why = "the run died while publishing; if its directory has no SHA256SUMS, the image server passes it over"
	case d.Publish == cdimage.Broken && slices.Contains(files, "SHA256SUMS") && hasRootfs(d, a, files):
		im.Can, im.Why = true, "the run died, but its directory has a file for it and checksums: the image server takes it"
	case d.Publish == cdimage.Broken:
		im.Why = "the run died while publishing, the directory is not complete: the image server passes it over"
	case a.Published:
		im.Can, im.Why = true, "published as "+orBuild(d.ID)
	case d.Publish == cdimage.Partial && hasRootfs(d, a, files):
		im.Why = "not published; what the directory has for it is an older root file system, carried over under the new ID"
	case d.Publish == cdimage.Partial && files == nil:
		im.Why = "not published; if the directory has a file for it, that is an older one, carried over"
	default:
		im.Why = "not published; the image server stays with the build before"
	}
	return im
}

func orBuild(id cdimage.BuildID) string {
	if id.IsZero() {
		return "this build"
	}
	return id.String()
}

// hasRootfs reports whether the published directory has a root file system of an
// architecture, whichever build it is of.
func hasRootfs(d cdimage.Diagnosis, a cdimage.Arch, files []string) bool {
	return slices.ContainsFunc(files, func(f string) bool {
		_, kind, _ := strings.Cut(f[strings.LastIndexByte(f, '-')+1:], ".")
		return kind == "tar.gz" && d.Arches.LabelOfFile(f) == a.Label
	})
}

// Wrong reports whether anything is to be done, or asked: a cause was found, or
// the image is not complete without one, or the log allows no verdict.
func (r BuildReport) Wrong() bool {
	return len(r.Causes) > 0 || r.Publish == cdimage.NotYet && !r.Running || r.Publish == cdimage.None || r.Publish == cdimage.Partial || r.Publish == cdimage.Broken
}

// String returns the report as one would write it into a bug.
func (r BuildReport) String() string {
	var b strings.Builder
	b.WriteString(r.Diagnosis.String())
	if len(r.Imports) > 0 {
		b.WriteString("image server:\n")
	}
	for _, im := range r.Imports {
		can := "cannot import"
		if im.Can {
			can = "can import"
		}
		fmt.Fprintf(&b, "  %s %s: %s\n", can, im.Label, im.Why)
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "note: %s\n", w)
	}
	return b.String()
}
