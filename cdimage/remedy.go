package cdimage

import (
	"slices"
	"strings"
)

// An Action is one thing to do about a build. The words are stable.
type Action string

// The actions.
const (
	Nothing          Action = "nothing"
	Wait             Action = "wait"              // for a run, a lock, the archive or a mirror
	PublishOnly      Action = "publish-only"      // run again without new livefs builds
	FullRebuild      Action = "full-rebuild"      // run again with new livefs builds
	FixPackage       Action = "fix-package"       // or what it depends on
	FixSeed          Action = "fix-seed"          // the list of packages that the image is made of
	FixLivecdRootfs  Action = "fix-livecd-rootfs" // the scripts that make the live file system
	FixConfiguration Action = "fix-configuration" // of cdimage
	FreeSpace        Action = "free-space"        // on the image host
	TriggerMirrors   Action = "trigger-mirrors"   // the image is published, and they were not told
	ReadLivefsLog    Action = "read-livefs-log"   // the log at hand does not say why
	CorrectCommand   Action = "correct-command"   // the host cannot do what was asked for
	RepeatCommand    Action = "repeat-command"    // as it was
	AskLaunchpad     Action = "ask-launchpad"     // its operators, about a builder
)

// A Remedy is what to do, in order, and the same as a sentence. What follows a
// semicolon in the sentence is an explanation.
type Remedy struct {
	Actions []Action
	Text    string
}

func remedy(text string, actions ...Action) Remedy { return Remedy{actions, text} }

// Remedy says what to do about the failure of one live file system. A fault
// inside a livefs build cannot be published around: it takes a full rebuild.
func (l *LivefsLog) Remedy() Remedy {
	if len(l.Causes) == 0 {
		if l.Incomplete != "" {
			return remedy("read the livefs log; the copy at hand is incomplete: "+l.Incomplete, ReadLivefsLog)
		}
		return remedy("none", Nothing)
	}
	if l.Causes[0].Class == Cancelled {
		return remedy("none needed; full rebuild if the build is still wanted", Nothing)
	}
	return rebuildRemedy(l.Causes[:1])
}

// rebuildRemedy joins what the causes of failed livefs builds ask for.
func rebuildRemedy(causes []Cause) Remedy {
	var (
		before  []string // what to do before the rebuild
		actions []Action
		notes   []string
		unread  bool
	)
	first := func(text string, a Action) {
		if !slices.Contains(before, text) {
			before = append(before, text)
		}
		if !slices.Contains(actions, a) {
			actions = append(actions, a)
		}
	}
	note := func(text string) {
		if !slices.Contains(notes, text) {
			notes = append(notes, text)
		}
	}
	rebuild := "full rebuild"
	asked := false
	for _, c := range causes {
		switch c.Class {
		case Dependency:
			first("fix the dependency"+of(c.Package), FixPackage)
		case Package:
			first("fix the package"+space(c.Package), FixPackage)
		case Seed:
			first("fix the seed"+about(c.Package), FixSeed)
		case LivecdRootfs:
			first("fix livecd-rootfs", FixLivecdRootfs)
		case Chroot:
			first("wait for the archive/builder", Wait)
		case Network:
			note("a network fault inside a livefs build needs a new livefs build, publish-only cannot repair it")
		case DiskSpace:
			note("the builder's disk was full: ask for a bigger one if it repeats")
		case Infrastructure:
			note("tell the Launchpad operators which builder it was")
			asked = true
		case Upload, DependencyWait:
			note("report to Launchpad if it repeats")
		case Cancelled:
			if len(causes) == countClass(causes, Cancelled) {
				rebuild = "full rebuild if the cancellation was not meant"
			}
		default:
			unread = true
		}
	}
	if unread && len(before) == 0 && !asked {
		return remedy("read the livefs log"+plural(countClass(causes, Unknown)), ReadLivefsLog)
	}
	if unread {
		first("read the other livefs log"+plural(countClass(causes, Unknown)), ReadLivefsLog)
	}
	actions = append(actions, FullRebuild)
	if asked {
		actions = append(actions, AskLaunchpad)
	}
	text := strings.Join(append(before, rebuild), ", ")
	if len(before) > 0 {
		text = strings.Join(before, ", ") + ", then " + rebuild
	}
	if len(notes) > 0 {
		text += "; " + strings.Join(notes, "; ")
	}
	return Remedy{actions, text}
}

func countClass(causes []Cause, class Class) (n int) {
	for _, c := range causes {
		if c.Class == class {
			n++
		}
	}
	return n
}

func of(name string) string {
	if name == "" {
		return ""
	}
	return " of " + name
}

func space(name string) string {
	if name == "" {
		return ""
	}
	return " " + name
}

func about(name string) string {
	if name == "" {
		return ""
	}
	return " (" + name + ")"
}

func plural(n int) string {
	if n > 1 {
		return "s"
	}
	return ""
}
