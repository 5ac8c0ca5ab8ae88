package lab_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// A verdict looks at the rules when a run has come to its end.
type verdict struct {
	t       *testing.T
	s       *simulation
	w       *simWorld
	o       *outcome
	journal *runbooktest.Memory
	text    string // of the world
	records []runbook.Record
}

// A rule is what must hold whatever went wrong; "" is that it holds.
type rule struct {
	name  string
	holds func(*verdict) string
}

// rules are looked at in their order. A new one is an entry here.
func rules() []rule {
	return []rule{
		{"the dead do nothing when they wake", (*verdict).dead},
		{"importer is on or its debt on record", (*verdict).importer},
		{"the report says how the importer is", (*verdict).report},
		{"no byte of configuration is lost", (*verdict).configuration},
		{"nothing twice", (*verdict).nothingTwice},
		{"no history begins again", (*verdict).history},
		{"no percentage before its time", (*verdict).ramp},
		{"no percentage is passed over", (*verdict).steps},
		{"nobody is offered what was taken", (*verdict).nobodyOffered},
		{"done is done", (*verdict).doneIsDone},
		{"passing faults are got over", (*verdict).gotOver},
		{"the status says what is true", (*verdict).status},
		{"nothing runs while the importer does", (*verdict).alone},
		{"another site is left alone", (*verdict).elsewhere},
		{"an effect without an end is in doubt", (*verdict).doubt},
		{"what is held stays held", (*verdict).held},
		{"nothing halts without an alarm", (*verdict).halts},
		{"a mistyped version is refused", (*verdict).mistyped},
		{"what was taken back comes back only when asked", (*verdict).comesBack},
		{"no time is wasted", (*verdict).quick},
		{"no run goes on for ever", (*verdict).bounded},
		{"no advice brings back what is taken", (*verdict).advice},
		{"an older tree is refused", (*verdict).rollback},
		{"what has no signature is not published by the way", (*verdict).published},
	}
}

func (v *verdict) all() {
	for rec, err := range runbook.Records(v.t.Context(), v.journal) {
		if err != nil {
			v.t.Fatal(err)
		}
		v.records = append(v.records, rec)
	}
	for _, r := range rules() {
		v.o.checked = append(v.o.checked, r.name)
		if why := r.holds(v); why != "" {
			v.o.why = append(v.o.why, r.name+": "+why)
		}
	}
}

// world is the text of the image server's world.
func (v *verdict) world() string {
	if v.text == "" {
		var err error
		if v.text, err = v.w.server.Snapshot(); err != nil {
			v.t.Fatal(err)
		}
	}
	return v.text
}

// passing reports whether every fault that happened is one to be got over.
func (v *verdict) passing() bool {
	for _, kind := range v.w.met {
		if kind != "kill" && (!v.s.kinds[kind].passing || slices.Contains(v.s.stays, kind)) {
			return false
		}
	}
	return true
}

func (v *verdict) configuration() string {
	read := func(path string) string {
		text, err := os.ReadFile(v.w.at(path))
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	if got := read("crontab"); got != v.w.crontab && !v.w.edited {
		return "crontab (-before +after)\n" + cmp.Diff(v.w.crontab, got)
	}
	got := read("etc/config")
	for _, line := range v.w.lines {
		if !strings.Contains(got, line) {
			return "etc/config has lost " + line
		}
		got = strings.Replace(got, line, "", 1)
	}
	allowed := []string{v.w.config}
	if v.s.edits {
		if v.s.want == "" {
			return "" // the undisturbed run says what is allowed
		}
		_, text, _ := strings.Cut(v.s.want, "-- config --\n")
		text, _, _ = strings.Cut(text, "-- crontab --\n")
		allowed = append(allowed, text)
	}
	if v.last("keep back") != "" && v.last("let in") != runbook.Done { // what a person is told of
		head, rest, _ := strings.Cut(v.w.config, "[channel_"+generic+"]\ntype = auto\n")
		allowed = append(allowed, head+"[channel_"+generic+"]\ntype = manual\n"+rest)
	}
	for _, want := range allowed {
		if strings.ReplaceAll(got, v.w.server.Root(), "@ROOT@") == strings.ReplaceAll(want, v.w.server.Root(), "@ROOT@") {
			return ""
		}
	}
	if v.w.has("another operator does something else") {
		return ""
	}
	return "etc/config (-before +after)\n" + cmp.Diff(v.w.config, got)
}

// last is the last record of a step; "" is that it was not begun.
func (v *verdict) last(step string) (kind runbook.Kind) {
	for _, rec := range v.records {
		if rec.Step == step {
			kind = rec.Kind
		}
	}
	return kind
}

// doneIsDone compares the world of a run that says that it is done. A build whose job is
// gone from the host cannot be told from somebody else's, of another content: it is made
// once more, and what is published then has the number of the later one.
func (v *verdict) doneIsDone() string {
	anew := v.s.builds && v.w.has(jobFolderGone)
	if !v.o.done || v.s.want == "" || v.w.edited || !v.passing() || v.strays() > 0 || anew {
		return ""
	}
	got := v.world()
	for _, line := range v.w.lines {
		got = strings.Replace(got, line, "", 1)
	}
	if got != v.s.want {
		return "the world differs (-undisturbed +this)\n" + cmp.Diff(v.s.want, got)
	}
	return ""
}

func (v *verdict) gotOver() string {
	if v.passing() && !v.o.done {
		return fmt.Sprintf("not done after %d starts: %v", v.o.starts-1, v.o.err)
	}
	return ""
}

func (v *verdict) status() string {
	status, err := runbook.StatusOf(v.t.Context(), v.journal)
	if err != nil {
		return err.Error()
	}
	if done := status.Ending == "done"; done != v.o.done {
		return fmt.Sprintf("it says %q of a run that is done: %v", status.Ending, v.o.done)
	}
	return ""
}

func (v *verdict) elsewhere() string {
	if v.w.has("the address is another server's") && v.world() != v.w.begin && !v.others() && !v.blind() {
		return "the host is not the one whose tree is read, and was changed (-before +after)\n" + cmp.Diff(v.w.begin, v.world())
	}
	return v.w.elsewhere
}

// others reports whether somebody else has changed the world.
func (v *verdict) others() bool {
	return v.w.edited || len(v.w.lines) > 0 || v.w.has("another operator does something else") || v.w.has(somebodyTakes) || v.w.has(takenAfterKill)
}

// blind reports whether a back-out may not have been able to compare the tree with the
// host's: then it stops first, and looks afterwards.
func (v *verdict) blind() bool { return v.s.taken != nil && len(v.w.met) > 1 }

// dead wakes the killed processes.
func (v *verdict) dead() string {
	if len(v.w.dead) == 0 {
		return ""
	}
	before := v.world()
	v.w.wake()
	time.Sleep(2 * 26 * time.Hour) // what they had begun has ended
	v.text = ""
	if after := v.world(); after != before {
		return "the world differs once the killed processes woke (-before +after)\n" + cmp.Diff(before, after)
	}
	return ""
}

// doubt looks whether an effect whose job was lost with the link is on record as one
// that did not happen.
func (v *verdict) doubt() string {
	for _, at := range v.w.lost {
		for _, rec := range v.records {
			if rec.Verb != runbook.VerbDo || rec.Kind == runbook.Started || rec.Time.Before(at) {
				continue
			}
			known := strings.Contains(rec.Error, "published as version") // what is missing is said
			if rec.Kind == runbook.Failed && strings.Contains(rec.Error, errLost.Error()) && !known {
				return fmt.Sprintf("%s failed on record: %s", rec.Step, rec.Error)
			}
			break
		}
	}
	return ""
}

func (v *verdict) bounded() string {
	if v.w.endless {
		return fmt.Sprintf("its journal has %d records, and it had not come to an end", len(v.records))
	}
	return ""
}

func (v *verdict) halts() string {
	for _, rec := range v.records {
		if strings.HasPrefix(rec.Reason, "halting: ") && !v.w.bad && !v.w.has("another operator does something else") && v.passing() {
			return rec.Reason
		}
	}
	return ""
}

func (v *verdict) mistyped() string {
	switch {
	case v.w.mistyped == 0:
		return ""
	case v.o.done:
		return "it is done, with a version that does not exist"
	case v.world() != v.w.begin && !v.others():
		return "something was done (-before +after)\n" + cmp.Diff(v.w.begin, v.world())
	}
	return ""
}

// quick looks how long a run takes that meets nothing but passing faults.
func (v *verdict) quick() string {
	most := v.s.takes + 6*time.Hour + 4*26*time.Hour
	if !v.w.has("midnight passes") {
		most -= 4 * 26 * time.Hour
	}
	if v.s.takes > 0 && v.passing() && v.o.took > most {
		return fmt.Sprintf("it took %v, undisturbed it takes %v", v.o.took, v.s.takes)
	}
	return ""
}
