package cdimage

import (
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage/cause"
)

// remedies join the sentences of several causes to one.
type remedies struct {
	first   []string // what to do before the image is made again
	actions []cause.Action
	again   cause.Remedy // how it is made again, if at all
	suffix  []string     // of that, "when Launchpad is back"
	notes   []string
}

const again = "{again}"

// add takes the remedy of one cause.
func (r *remedies) add(rem cause.Remedy, pkg string, howAgain cause.Remedy) {
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
func (r *remedies) join() cause.Remedy {
	text := strings.Join(r.first, ", ")
	actions := slices.DeleteFunc(slices.Clone(r.actions), func(a cause.Action) bool { return a == cause.AskLaunchpad })
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
	if slices.Contains(r.actions, cause.AskLaunchpad) {
		actions = append(actions, cause.AskLaunchpad)
	}
	return cause.Remedy{Text: strings.Join(append([]string{text}, r.notes...), "; "), Actions: actions}
}

// of returns the remedy of a cause: that of its rule, or of its class.
func remedyOf(c cause.Cause, table map[cause.Class]cause.Remedy) cause.Remedy {
	if c.Remedy.Text != "" {
		return c.Remedy
	}
	if r, ok := table[c.Class]; ok {
		return r
	}
	return table[cause.Unknown]
}

// Remedy says what to do about the failure of one live file system. A fault
// inside a livefs build cannot be published around: it takes a full rebuild.
func (l *LivefsLog) Remedy() cause.Remedy {
	switch {
	case len(l.Causes) == 0 && l.Incomplete != "":
		return cause.Remedy{Text: "read the livefs log; the copy at hand is incomplete: " + l.Incomplete, Actions: []cause.Action{cause.ReadLivefsLog}}
	case len(l.Causes) == 0:
		return cause.Remedy{Text: "none", Actions: []cause.Action{cause.Nothing}}
	case l.Causes[0].Class == cause.Cancelled:
		return cause.Remedy{Text: "none needed; full rebuild if the build is still wanted", Actions: []cause.Action{cause.Nothing}}
	}
	return rebuildRemedy(l.Causes[:1])
}

var fullRebuild = cause.Remedy{Text: "full rebuild", Actions: []cause.Action{cause.FullRebuild}}

// rebuildRemedy joins what the causes of failed livefs builds ask for.
func rebuildRemedy(causes []cause.Cause) cause.Remedy {
	table := livefsRemedies()
	var r remedies
	unread := 0
	for _, c := range causes {
		rem := remedyOf(c, table)
		if below, ok := chrootRemedies()[c.Underlying]; ok && c.Class == cause.Chroot && c.Remedy.Text == "" {
			rem = below
		}
		if slices.Equal(rem.Actions, []cause.Action{cause.ReadLivefsLog}) {
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
		return cause.Remedy{Text: "read the " + logs, Actions: []cause.Action{cause.ReadLivefsLog}}
	case unread > 0:
		r.add(cause.Remedy{Text: "read the other " + logs, Actions: []cause.Action{cause.ReadLivefsLog}}, "", fullRebuild)
	}
	return r.join()
}
