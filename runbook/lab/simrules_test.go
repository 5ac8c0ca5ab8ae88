package lab_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
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
}

// rules are what must hold whatever went wrong. A new one is an entry here; "" is
// that it holds.
func (v *verdict) rules() map[string]func() string {
	return map[string]func() string{
		"importer is on or its debt on record": v.importer,
		"no byte of configuration is lost":     v.configuration,
		"nothing twice":                        v.nothingTwice,
		"no percentage before its time":        v.ramp,
		"nobody is offered what was taken":     v.nobodyOffered,
		"done is done":                         v.doneIsDone,
		"passing faults are got over":          v.gotOver,
		"the status says what is true":         v.status,
	}
}

func (v *verdict) all() {
	for name, rule := range v.rules() {
		v.o.checked = append(v.o.checked, name)
		if why := rule(); why != "" {
			v.o.why = append(v.o.why, name+": "+why)
		}
	}
	slices.Sort(v.o.why)
}

// passing reports whether every fault that happened is one to be got over.
func (v *verdict) passing() bool {
	for _, kind := range v.w.met {
		if kind != "kill" && !kindOf(kind).passing {
			return false
		}
	}
	return true
}

func (v *verdict) importer() string {
	st, err := v.w.importer().Status(v.t.Context())
	if err != nil {
		return err.Error()
	}
	status, err := runbook.StatusOf(v.t.Context(), v.journal)
	if err != nil {
		return err.Error()
	}
	if st.State != operate.ImporterOn && len(status.Owed()) == 0 {
		return fmt.Sprintf("it is %s, and nothing is owed", st.State)
	}
	if st.State != operate.ImporterOn && !v.w.edited {
		return fmt.Sprintf("it is %s after settling: %v", st.State, v.o.err)
	}
	return ""
}

func (v *verdict) configuration() string {
	for path, want := range map[string]string{"crontab": v.w.crontab, "etc/config": v.w.config} {
		got, err := os.ReadFile(filepath.Join(v.w.server.Root(), path))
		if err != nil {
			return err.Error()
		}
		if string(got) != want && !(path == "crontab" && v.w.edited) {
			return path + " (-before +after)\n" + cmp.Diff(want, string(got))
		}
	}
	return ""
}

// newest are the new images: those above the newest of the template.
func (v *verdict) nothingTwice() string {
	if !v.s.single {
		return ""
	}
	old, now := v.s.template.Client(), v.w.server.Client()
	l, err := old.Channels(v.t.Context())
	if err != nil {
		return err.Error()
	}
	for channel, device := range l.Pairs() {
		a, errA := old.IndexOf(v.t.Context(), l, channel, device)
		b, errB := now.Index(v.t.Context(), channel, device)
		if errA != nil || errB != nil {
			continue // broken by a program's death; said by the run
		}
		was, _ := a.Newest()
		n := 0
		for _, m := range b.Fulls() {
			if m.Version > was {
				n++
			}
		}
		if n > 1 {
			return fmt.Sprintf("%s %s has %d new images", channel, device, n)
		}
	}
	return ""
}

// ramp looks whether a percentage was published earlier than the schedule says,
// counted from the begin of the run. An image that a killed program left is open to
// everybody until it is mended.
func (v *verdict) ramp() string {
	if !v.passing() {
		return ""
	}
	for _, p := range v.w.ramp {
		if p.version > 1 && p.at.Sub(v.w.begun) < v.s.waits[p.percentage] {
			return fmt.Sprintf("image %d of %s is at %d %% after %v", p.version, strings.TrimPrefix(p.index, v.w.server.Root()), p.percentage, p.at.Sub(v.w.begun))
		}
	}
	return ""
}

// nobodyOffered asks what devices would choose, once the run is done.
func (v *verdict) nobodyOffered() string {
	if !v.o.done {
		return ""
	}
	for pair, versions := range v.s.taken {
		channel, device, _ := strings.Cut(pair, " ")
		x, err := v.w.server.Client().Index(v.t.Context(), channel, device)
		if err != nil {
			return err.Error()
		}
		for _, number := range []int{0, 1, 30, 100} {
			for build := range 2 {
				o, err := upgrade.Choose(x.Index, upgrade.Request{Build: build, Draw: func(int) int { return number }})
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
	if !v.o.done || v.s.want == "" || v.w.edited || !v.passing() {
		return ""
	}
	got, err := v.w.server.Snapshot()
	if err != nil {
		return err.Error()
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
