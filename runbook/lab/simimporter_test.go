package lab_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/operate"
)

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
