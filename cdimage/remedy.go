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
	SubmitAgain      Action = "submit-again"      // published images, to Test Observer
	ReadLivefsLog    Action = "read-livefs-log"   // the log at hand does not say why
	CorrectCommand   Action = "correct-command"   // the host cannot do what was asked for
	RepeatCommand    Action = "repeat-command"    // as it was
	AskLaunchpad     Action = "ask-launchpad"     // its operators, about a builder
)

// A Remedy is what to do, in order, as a sentence and as actions. What follows a
// semicolon in the sentence is an explanation.
//
// In a [Rule] the sentence may have gaps. {again} is how the image is made again:
// a full rebuild after a fault inside a live file system; otherwise publishing
// again where every live file system was built, and a full rebuild where not. Its action
// is added. {package} is the package concerned; what stands in square brackets
// is left out when none is: "fix the package[ {package}], then {again}".
type Remedy struct {
	Text    string   `json:"text"`
	Actions []Action `json:"actions"`
}

// remedies join the sentences of several causes to one.
type remedies struct {
	first   []string // what to do before the image is made again
	actions []Action
	again   Remedy   // how it is made again, if at all
	suffix  []string // of that, "when Launchpad is back"
	notes   []string
}

const again = "{again}"

// add takes the remedy of one cause.
func (r *remedies) add(rem Remedy, pkg string, howAgain Remedy) {
	head, note, _ := strings.Cut(fill(rem.Text, pkg), "; ")
	if before, after, ok := strings.Cut(head, again); ok {
		r.again = howAgain
		r.suffix = append(r.suffix, after)
		head = strings.TrimSuffix(before, ", then ")
	}
	r.first = addNew(r.first, head)
	r.notes = addNew(r.notes, note)
	r.actions = addNew(r.actions, rem.Actions...)
}

// fill puts the package's name into its gap.
func fill(text, pkg string) string {
	from, to := strings.IndexByte(text, '['), strings.IndexByte(text, ']')
	if from < 0 || to < from {
		return strings.ReplaceAll(text, "{package}", pkg)
	}
	if pkg == "" {
		return text[:from] + text[to+1:]
	}
	return strings.ReplaceAll(text[:from]+text[from+1:to]+text[to+1:], "{package}", pkg)
}

// addNew appends what is not there yet, and not empty.
func addNew[T ~string](list []T, more ...T) []T {
	for _, x := range more {
		if x != "" && !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}

// join makes one remedy of all. Launchpad's operators are told last.
func (r *remedies) join() Remedy {
	text := strings.Join(r.first, ", ")
	actions := slices.DeleteFunc(slices.Clone(r.actions), func(a Action) bool { return a == AskLaunchpad })
	if r.again.Text != "" {
		head, note, _ := strings.Cut(r.again.Text, "; ")
		if all := slices.Compact(slices.Clone(r.suffix)); len(all) == 1 { // said of all of them
			head += all[0]
		}
		if text != "" {
			text += ", then "
		}
		text += head
		if note != "" {
			r.notes = append([]string{note}, r.notes...)
		}
		actions = addNew(actions, r.again.Actions...)
	}
	if slices.Contains(r.actions, AskLaunchpad) {
		actions = append(actions, AskLaunchpad)
	}
	return Remedy{strings.Join(append([]string{text}, r.notes...), "; "), actions}
}

// of returns the remedy of a cause: that of its rule, or of its class.
func remedyOf(c Cause, table map[Class]Remedy) Remedy {
	if c.Remedy.Text != "" {
		return c.Remedy
	}
	if r, ok := table[c.Class]; ok {
		return r
	}
	return table[Unknown]
}

// Remedy says what to do about the failure of one live file system. A fault
// inside a livefs build cannot be published around: it takes a full rebuild.
func (l *LivefsLog) Remedy() Remedy {
	switch {
	case len(l.Causes) == 0 && l.Incomplete != "":
		return Remedy{"read the livefs log; the copy at hand is incomplete: " + l.Incomplete, []Action{ReadLivefsLog}}
	case len(l.Causes) == 0:
		return Remedy{"none", []Action{Nothing}}
	case l.Causes[0].Class == Cancelled:
		return Remedy{"none needed; full rebuild if the build is still wanted", []Action{Nothing}}
	}
	return rebuildRemedy(l.Causes[:1])
}

var fullRebuild = Remedy{"full rebuild", []Action{FullRebuild}}

// rebuildRemedy joins what the causes of failed livefs builds ask for.
func rebuildRemedy(causes []Cause) Remedy {
	table := livefsRemedies()
	var r remedies
	unread := 0
	for _, c := range causes {
		rem := remedyOf(c, table)
		if below, ok := chrootRemedies()[c.Underlying]; ok && c.Class == Chroot && c.Remedy.Text == "" {
			rem = below
		}
		if slices.Equal(rem.Actions, []Action{ReadLivefsLog}) {
			unread++
			continue
		}
		r.add(rem, c.Package, fullRebuild)
	}
	logs := "livefs log"
	if unread > 1 {
		logs += "s"
	}
	switch {
	case unread > 0 && len(r.actions) == 0: // nothing that helps whatever they say
		return Remedy{"read the " + logs, []Action{ReadLivefsLog}}
	case unread > 0:
		r.add(Remedy{"read the other " + logs, []Action{ReadLivefsLog}}, "", fullRebuild)
	}
	return r.join()
}
