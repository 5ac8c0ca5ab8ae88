package lab_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/upgrade"
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

func (v *verdict) importerStatus() operate.ImporterStatus {
	st, err := (&hand{w: v.w}).importer().Status(v.t.Context())
	if err != nil {
		v.t.Fatal(err)
	}
	return st
}

func (v *verdict) importer() string {
	st := v.importerStatus()
	owed := 0
	for _, j := range append([]*runbooktest.Memory{v.journal}, v.w.others...) {
		status, err := runbook.StatusOf(v.t.Context(), j)
		if err != nil {
			return err.Error()
		}
		owed += len(status.Owed())
	}
	if st.State != operate.ImporterOn && owed == 0 && !v.w.edited {
		return fmt.Sprintf("it is %s, and nothing is owed", st.State)
	}
	if len(st.By) > 0 {
		return fmt.Sprintf("it is %s after settling, by %v: %v", st.State, st.By, v.o.settling)
	}
	return ""
}

// report looks whether the last words about the importer tell that it is off.
func (v *verdict) report() string {
	st := v.importerStatus()
	if st.State == operate.ImporterOn {
		return ""
	}
	for _, rec := range slices.Backward(v.records) {
		if rec.Verb == runbook.VerbHold && strings.HasSuffix(rec.Step, "importer") {
			if rec.Kind == runbook.Released && rec.Seen == "the importer is on" && !v.w.editedAt.After(rec.Time.Add(-2*time.Second)) || rec.Kind == runbook.Released && rec.Seen == "" {
				return fmt.Sprintf("it is %s, and the report says %q", st.State, rec.Seen)
			}
			return ""
		}
	}
	return ""
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
	if v.s.want != "" {
		_, text, _ := strings.Cut(v.s.want, "-- config --\n")
		text, _, _ = strings.Cut(text, "-- crontab --\n")
		allowed = append(allowed, text)
	} else {
		return "" // the undisturbed run says what is allowed
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

// pairs calls f for each index with its newest image then and now.
func (v *verdict) pairs(f func(name string, was, is *systemimage.Index) string) string {
	old := v.s.template.Root()
	paths, _ := filepath.Glob(old + "/www/*/*/*/*/index.json")
	for _, path := range paths {
		rel := strings.TrimPrefix(path, old)
		was, errA := os.ReadFile(path)
		is, errB := os.ReadFile(v.w.at(rel))
		if errA != nil || errB != nil {
			continue // broken by a program's death; said by the run
		}
		a, errA := systemimage.ParseIndex(was)
		b, errB := systemimage.ParseIndex(is)
		if errA != nil || errB != nil {
			continue
		}
		if why := f(rel, a, b); why != "" {
			return why
		}
	}
	return ""
}

// nothingTwice counts the images above the newest of the template.
func (v *verdict) nothingTwice() string {
	if !v.s.single || v.w.has("another operator does something else") {
		return ""
	}
	return v.pairs(func(name string, a, b *systemimage.Index) string {
		was, _ := a.Newest()
		n := 0
		for _, m := range b.Fulls() {
			if m.Version > was {
				n++
			}
		}
		if n > 1+v.strays() {
			return fmt.Sprintf("%s has %d new images", name, n)
		}
		return ""
	})
}

// history looks whether an index lost what it had, or was lost.
func (v *verdict) history() string {
	old := v.s.template.Root()
	paths, _ := filepath.Glob(old + "/www/*/*/*/*/index.json")
	for _, path := range paths {
		rel := strings.TrimPrefix(path, old)
		_, errA := os.Stat(v.w.at(rel))
		_, errB := os.Stat(v.w.at(rel + ".new"))
		if errA != nil && errB != nil && !v.w.has("an index is missing") {
			return rel + " is lost"
		}
	}
	return v.pairs(func(name string, a, b *systemimage.Index) string {
		was, _ := a.Newest()
		if is, _ := b.Newest(); is < was {
			return fmt.Sprintf("%s ended with image %d, and ends with %d", name, was, is)
		}
		return ""
	})
}

// nobodyOffered asks what devices would choose, once the run is done.
func (v *verdict) nobodyOffered() string {
	if !v.o.done {
		return ""
	}
	for pair, versions := range v.s.taken {
		channel, device, _ := strings.Cut(pair, " ")
		text, err := os.ReadFile(v.w.at("www/" + channel + "/" + device + "/index.json"))
		if err != nil {
			return err.Error()
		}
		x, err := systemimage.ParseIndex(text)
		if err != nil {
			return err.Error()
		}
		for _, number := range []int{0, 1, 30, 100} {
			for build := range 2 {
				o, err := upgrade.Choose(x, upgrade.Request{Build: build, Draw: func(int) int { return number }})
				if err != nil {
					return err.Error()
				}
				for _, m := range o.Path {
					if slices.Contains(versions, m.Version) {
						return fmt.Sprintf("%s: a device at build %d with number %d is offered %v", pair, build, number, m)
					}
				}
			}
		}
	}
	return ""
}

// doneIsDone compares the world of a run that says that it is done.
func (v *verdict) doneIsDone() string {
	if !v.o.done || v.s.want == "" || v.w.edited || !v.passing() || v.strays() > 0 {
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

// alone looks whether a copy was sent while the importer was on, or began so although the
// program before it had shown that too: each looks first, right before it is sent. One
// that was on its way when its link or its process was lost may still come, and so one is
// no fault for each fault that keeps a command back.
func (v *verdict) alone() string {
	held := map[string]bool{"copy-image": true, "tag-image": true, "import-images": true}
	for _, p := range v.w.sent {
		if held[p.name] {
			return fmt.Sprintf("%s was sent at %v with the importer on", p.name, p.at)
		}
	}
	onItsWay := v.onItsWay()
	var with []programRun
	for _, p := range v.w.runs {
		if held[p.name] && p.importer {
			with = append(with, p)
		} else {
			with = nil
		}
		if len(with) > max(1, onItsWay) {
			return fmt.Sprintf("%s ran at %v with the importer on, as %s had", p.name, p.at, with[0].name)
		}
	}
	return ""
}

// onItsWay counts the faults that keep a command back, which may come later.
func (v *verdict) onItsWay() (n int) {
	for _, kind := range v.w.met {
		if v.s.kinds[kind].late {
			n++
		}
	}
	return n
}

// strays counts the imports that came when their run, which points a channel at a build,
// had given the configuration back: they publish what the importer would have, with no
// run at all.
func (v *verdict) strays() (n int) {
	points := slices.ContainsFunc(v.w.runs, func(p programRun) bool { return p.pointed })
	for _, p := range v.w.runs {
		if points && p.name == "import-images" && !p.pointed {
			n++
		}
	}
	return min(n, v.onItsWay())
}

func (v *verdict) elsewhere() string {
	if v.w.has("the address is another server's") && v.world() != v.w.begin && !v.others() && !v.blind() {
		return "the host is not the one whose tree is read, and was changed (-before +after)\n" + cmp.Diff(v.w.begin, v.world())
	}
	return v.w.elsewhere
}

// others reports whether somebody else has changed the world.
func (v *verdict) others() bool {
	return v.w.edited || len(v.w.lines) > 0 || v.w.has("another operator does something else") || v.w.has(somebodyTakes)
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

// held looks whether a hold was given back while its run was at work, although
// nobody's hand was in the crontab.
func (v *verdict) held() string {
	for _, rec := range v.records {
		if rec.Verb == runbook.VerbHold && strings.Contains(rec.Error, runbook.ErrNotHeld.Error()) && !v.w.edited {
			return rec.Step + " was lost: " + rec.Error
		}
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

// published looks whether an index that devices took nothing from was signed as it was.
func (v *verdict) published() string {
	for index, was := range v.w.unsigned {
		is, err := os.ReadFile(index)
		_, unsigned := os.Stat(index + ".asc")
		if err == nil && unsigned == nil && string(is) == was && !v.w.has("another operator does something else") {
			return index
		}
	}
	return ""
}

// comesBack looks whether a person was asked before content was published that had
// been replaced before.
func (v *verdict) comesBack() string {
	if !v.s.again || v.world() == v.w.begin {
		return ""
	}
	asked := slices.ContainsFunc(v.records, func(rec runbook.Record) bool {
		return rec.Kind == runbook.Approved && strings.Contains(rec.Step, "publish again")
	})
	copied := slices.ContainsFunc(v.records, func(rec runbook.Record) bool { return rec.Kind == runbook.Done && rec.Verb == runbook.VerbDo })
	if copied && !asked {
		return "published without a question"
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

// opening is a command that offers an image to devices.
var opening = regexp.MustCompile(`set-phased-percentage(?: -v)? (\S+) (\S+) (\d+) [1-9]`)

// advice looks whether anything that is said would bring a faulty image to devices.
func (v *verdict) advice() string {
	said := fmt.Sprint(v.o.err, "\n", v.o.settling)
	for _, rec := range v.records {
		said += "\n" + rec.Error + "\n" + rec.Reason
	}
	for _, m := range opening.FindAllStringSubmatch(said, -1) {
		if slices.ContainsFunc(v.s.taken[m[1]+" "+m[2]], func(version int) bool { return strconv.Itoa(version) == m[3] }) {
			return m[0]
		}
	}
	return ""
}

// rollback looks whether a program of the same site takes the tree of before for the
// newest, when another has seen what was published since.
func (v *verdict) rollback() string {
	if v.w.has("the address is another server's") || v.s.template == nil {
		return ""
	}
	reader := func() *systemimage.Client { return (&hand{w: v.w}).client() }
	return v.pairs(func(name string, was, is *systemimage.Index) string {
		then, errA := was.Generated()
		now, errB := is.Generated()
		if errA != nil || errB != nil || !now.After(then) {
			return ""
		}
		place := strings.Split(strings.TrimPrefix(name, "/www/"), "/")
		channel, device := strings.Join(place[:3], "/"), place[3]
		if _, err := reader().Index(v.t.Context(), channel, device); err != nil {
			return "" // nobody has seen it
		}
		v.w.mu.Lock()
		v.w.stale = time.Now().Add(time.Hour)
		v.w.mu.Unlock()
		defer func() {
			v.w.mu.Lock()
			v.w.stale = time.Time{}
			v.w.mu.Unlock()
		}()
		c := reader()
		c.Tries = 1
		if _, err := c.Index(v.t.Context(), channel, device); !errors.Is(err, systemimage.ErrReplayed) {
			return fmt.Sprintf("%s of %v was taken, though one of %v was seen: %v", name, then, now, err)
		}
		return ""
	})
}
