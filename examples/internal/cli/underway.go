package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook"
)

// underway is what goes on, as the records of a run have it: the steps that were begun,
// and how far long work is.
type underway struct {
	jobs []job
	fars []far
}

// A job is a step that was begun.
type job struct {
	step, text string
	since      time.Time
}

// A far is how far something is.
type far struct {
	runbook.Record        // its last word
	of             string // the step within which it was heard of first, and with which it ends
	first          time.Time
	from           int64 // Done at the time from which its pace is counted
	since          time.Time
}

// settling is how long counts are taken for what was done before: a log that is read from
// its beginning, pairs that an earlier start has copied.
const settling = 2 * time.Second

// follow takes a record in. It says whether that is worth a line of its own on a
// terminal.
func (u *underway) follow(rec runbook.Record) (lasting bool) {
	switch rec.Kind {
	case runbook.Started, runbook.Armed:
		u.jobs = append(u.jobs, job{rec.Step, cmp.Or(rec.Intent, rec.Step), rec.Time})
		return false
	case runbook.Progress:
		u.progress(rec)
		return false
	case runbook.Opened, runbook.Resumed, runbook.Settling, runbook.Ended:
		*u = underway{}
		return rec.Kind != runbook.Ended
	}
	u.jobs = slices.DeleteFunc(u.jobs, func(j job) bool { return j.step == rec.Step })
	u.fars = slices.DeleteFunc(u.fars, func(f far) bool { return f.of != "" && f.of == rec.Step })
	looked := rec.Verb == runbook.VerbRead || rec.Verb == runbook.VerbRequire || rec.Verb == runbook.VerbVerify
	return !(looked && rec.Kind == runbook.Done)
}

func (u *underway) progress(rec runbook.Record) {
	at := slices.IndexFunc(u.fars, func(f far) bool { return f.Step == rec.Step && (f.Label == rec.Label || rec.Due != nil) })
	switch {
	case at >= 0 && rec.Total > 0 && rec.Done >= rec.Total:
		u.fars = slices.Delete(u.fars, at, at+1)
		return
	case at < 0:
		f := far{Record: rec, first: rec.Time, from: rec.Done, since: rec.Time}
		if len(u.jobs) > 0 {
			f.of = u.jobs[len(u.jobs)-1].step
		}
		u.fars = append(u.fars, f)
		return
	}
	f := &u.fars[at]
	if f.Record = rec; rec.Time.Sub(f.first) < settling {
		f.from, f.since = rec.Done, rec.Time
	}
}

// line says how long what goes on has gone on, how far it is, and what it is; "" when
// nothing does.
func (u *underway) line(now time.Time) string {
	var since time.Time
	var what []string
	if n := len(u.fars); n > 0 {
		f := u.fars[n-1]
		since = f.first
		what = f.words(now)
	}
	if n := len(u.jobs); n > 0 {
		j := u.jobs[n-1]
		since = j.since
		if text := strings.ReplaceAll(j.text, "\n", " "); !slices.Contains(what, text) {
			what = append(what, text)
		}
	}
	if what == nil {
		return ""
	}
	text := fmt.Sprintf("%c %s  %s", `|/-\`[now.UnixMilli()/250%4], short(now.Sub(since)), strings.Join(what, "  "))
	if more := len(u.jobs) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return Printable(text)
}

// words are the count with its pace, and what is counted; or what is waited for.
func (f far) words(now time.Time) []string {
	if f.Due != nil {
		f.Time = now
		_, text, _ := strings.Cut(f.String(), "  ")
		return []string{strings.TrimSpace(text)}
	}
	text := fmt.Sprint(f.Done)
	if f.Total > 0 {
		text += fmt.Sprintf(" of %d", f.Total)
	}
	return []string{text + f.pace(now), f.Label}
}

// pace is how fast it goes, and how long it will take, once that can be told.
func (f far) pace(now time.Time) string {
	took, did := now.Sub(f.since), f.Done-f.from
	if did <= 0 || took < settling {
		return ""
	}
	each := took / time.Duration(did)
	text := fmt.Sprintf(", %.1f a minute", float64(time.Minute)/float64(each))
	if left := f.Total - f.Done; left > 0 {
		text += ", " + short(each*time.Duration(left)) + " to go"
	}
	return text
}

// short is a time as clocks show it: 0:07, 12:31, 1:02:03.
func short(d time.Duration) string {
	n := int(max(d, 0).Round(time.Second) / time.Second)
	if n >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)
	}
	return fmt.Sprintf("%d:%02d", n/60, n%60)
}
