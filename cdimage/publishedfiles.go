package cdimage

import (
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage/cause"
)

// believing returns the log without what it says was published and is not among
// the files of the published directory.
func (l *BuildLog) believing(files []string) *BuildLog {
	b := *l
	b.Arches, b.Causes = slices.Clone(l.Arches), slices.Clone(l.Causes)
	for i := range b.Arches {
		a := &b.Arches[i]
		if !a.Published || l.hasFile(a.Label, files) {
			continue
		}
		a.Published = false
		b.Causes = append(b.Causes, cause.Cause{Scope: a.Label, Class: cause.Unknown, Line: "the log says published, the directory has no file for it"})
		b.Publish = b.published()
		if !slices.ContainsFunc(b.Arches, func(a Arch) bool { return a.Published }) {
			b.Publish = None
		}
	}
	if len(b.Arches) == 0 && b.Publish == Complete && len(files) == 0 {
		b.Publish = None
	}
	return &b
}

// ended returns the log with the ends of live file systems that Launchpad tells and the
// log does not.
func (l *BuildLog) ended(states map[string]string) *BuildLog {
	b := *l
	b.Arches, b.Causes = slices.Clone(l.Arches), slices.Clone(l.Causes)
	for i := range b.Arches {
		a := &b.Arches[i]
		if state := states[a.Label]; a.State == "" && state != "" && !waiting(state) {
			a.State = state
			b.Causes = append(b.Causes, stateCause(*a)...)
		}
	}
	return &b
}

// hasFile reports whether one of the files is of the architecture with a label,
// by the name that the publisher gave it.
func (l *BuildLog) hasFile(label string, files []string) bool {
	return slices.ContainsFunc(files, func(f string) bool {
		return slices.ContainsFunc(l.Published, func(name string) bool {
			return l.Arches.Label(name) == label && strings.Contains(f, "-"+name)
		})
	})
}

// publishedBy is the outcome by the files of the published directory alone, where
// the log does not say it, and marks the architectures that have one.
func (l *BuildLog) publishedBy(files []string) Outcome {
	n := 0
	for i := range l.Arches {
		a := &l.Arches[i]
		a.Published = a.Good() && slices.ContainsFunc(files, func(f string) bool { return l.Arches.LabelOfFile(f) == a.Label })
		if a.Published {
			n++
		}
	}
	switch {
	case n == 0:
		return None
	case n < len(l.Arches):
		return Partial
	}
	return Complete
}

// lostLog is the cause of a log without an end of a run that ended well.
func lostLog(publish Outcome) cause.Cause {
	c := cause.Cause{Scope: "host", Class: cause.DiskSpace, Line: "the run ended with status 0, its log has no end: there was no room to write it"}
	if publish == Complete {
		c.Severity = warning
		c.Remedy = cause.Remedy{Text: "free space for the logs on the cdimage host; the image is published", Actions: []cause.Action{cause.FreeSpace}}
	}
	return c
}
