package web

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook"
)

// A view is what pages and reports show of a run.
type view struct {
	runbook.Status
	Name   string // in the source, "" in a report
	Word   string
	Class  string
	Broken string // what is wrong with the journal
	Asked  []question
	Owed   []runbook.StepStatus
	Doubt  []runbook.StepStatus
	Later  []runbook.StepStatus // for a time
	Holds  []runbook.StepStatus // all
	Gates  []gate               // that were answered
	Notes  []runbook.StepStatus
	Groups []group
	Line   *timeline
	Ramp   *ramp
	Left   int // steps that are not shown
	Plan   []planned
}

// A question is what a person is asked, and may answer here.
type question struct {
	runbook.Question
	Given *runbook.Answer // not taken yet by the run
	May   bool            // who looks may answer
	Why   string          // or why not
}

// ID is the same as long as the question is.
func (q question) ID() string { return "ask-" + q.Digest[:min(12, len(q.Digest))] }

// A gate is a question that was answered.
type gate struct {
	runbook.StepStatus
	Question runbook.Question
}

// viewOf makes what is shown of a status.
func viewOf(s runbook.Status, bad error) *view {
	v := &view{Status: s, Word: wordOf(s, bad), Owed: s.Owed(), Line: timelineOf(s), Ramp: rampOf(s)}
	v.Class = class(v.Word)
	if bad != nil {
		v.Broken = bad.Error()
	}
	for _, step := range s.Waiting() {
		v.Asked = append(v.Asked, question{Question: step.Question()})
	}
	for _, step := range s.InDoubt() {
		if !step.Waiting() {
			v.Doubt = append(v.Doubt, step)
		}
	}
	for _, step := range s.Steps {
		switch {
		case step.Verb == runbook.VerbNote:
			v.Notes = append(v.Notes, step)
		case step.Verb == runbook.VerbHold:
			v.Holds = append(v.Holds, step)
		case step.Verb == runbook.VerbGate && (step.Kind == runbook.Approved || step.Kind == runbook.Rejected):
			v.Gates = append(v.Gates, gate{step, step.Question()})
		case step.Kind == runbook.Deferred:
			v.Later = append(v.Later, step)
		}
	}
	steps := slices.DeleteFunc(slices.Clone(s.Steps), func(step runbook.StepStatus) bool { return step.Verb == runbook.VerbNote })
	if v.Left = len(steps) - maxSteps; v.Left > 0 {
		steps = steps[:maxSteps]
	}
	v.Groups = groupsOf(steps)
	return v
}

// Fault is how the last start failed.
func (v *view) Fault() string { return faultOf(v.Word, v.Error) }

// UnderWay reports whether a start has not come to its end.
func (v *view) UnderWay() bool { return v.Running != "" }

// runPage is one run as its template has it.
type runPage struct {
	frame
	*view
	Said string // what came of an answer
}

// serveRun shows one run.
func (h *Handler) serveRun(w http.ResponseWriter, r *http.Request, who string) error {
	p, err := h.runPage(r, who)
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		h.json(w, http.StatusOK, p.Status)
		return nil
	}
	p.Said = said[r.URL.Query().Get("said")]
	h.render(w, http.StatusOK, "run.html", p)
	return nil
}

// runPage reads the run that a request is about.
func (h *Handler) runPage(r *http.Request, who string) (runPage, error) {
	ctx := r.Context()
	e, err := h.Source.Run(ctx, r.PathValue("name"))
	if err != nil {
		return runPage{}, err
	}
	s, bad := h.statusOf(ctx, e)
	if ctx.Err() != nil || errors.Is(bad, fs.ErrNotExist) {
		return runPage{}, errors.Join(ctx.Err(), bad)
	}
	p := runPage{frame: h.frame(r, who, e.Name), view: viewOf(s, bad)}
	p.Name = e.Name
	p.Events, p.Seen = "events", seen(e)
	if planner, ok := h.Source.(Planner); ok {
		plan, err := planner.Plan(ctx, e.Name)
		if err != nil { // the run is what counts
			h.log().Warn("a plan cannot be read", "run", e.Name, "error", err)
		}
		p.Plan = against(plan, s)
	}
	for i := range p.Asked {
		q := &p.Asked[i]
		if q.Given, err = h.Source.Delivered(ctx, e.Name, q.Question); err != nil {
			return p, err
		}
		q.May, q.Why = may(q.Question, who)
	}
	return p, nil
}

// seen is the version of an entry as pages and events have it.
func seen(e Entry) string { return fmt.Sprintf("%s %t", e.Version, e.Running != "") }

// may says whether somebody may answer a question, or why not.
func may(q runbook.Question, who string) (bool, string) {
	if who == "" {
		return false, "This page is read-only for you: it is not known who you are."
	}
	trial := runbook.Answer{Verdict: runbook.Yes, By: who, Account: who, Reason: "-", Digest: q.Digest, Time: time.Now()}
	if err := q.Check(trial); err != nil {
		return false, sentence(err)
	}
	return true, ""
}

// sentence is what is wrong, without what a program adds.
func sentence(err error) string {
	var e *runbook.Error
	if errors.As(err, &e) && e.Text != "" {
		return strings.ToUpper(e.Text[:1]) + e.Text[1:] + "."
	}
	return err.Error()
}

// serveRecords sends the lines of the journal as they are.
func (h *Handler) serveRecords(w http.ResponseWriter, r *http.Request, _ string) error {
	e, err := h.Source.Run(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	attach(w, e.Name+".jsonl")
	if r.Method == http.MethodHead {
		return nil
	}
	for line, err := range h.Source.Lines(r.Context(), e.Name) {
		if err != nil { // what was sent ends before it; a page of the run says why
			h.log().Error("records cannot be sent in full", "run", e.Name, "error", err)
			panic(http.ErrAbortHandler)
		}
		hurry(w)
		if _, err := w.Write(append(slices.Clone(line), '\n')); err != nil {
			return nil // whoever asked is gone
		}
	}
	return nil
}

// attach makes an answer a file of this name, for people's own folders.
func attach(w http.ResponseWriter, name string) {
	plain := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '.' || c == '-' || c == '_' {
			return c
		}
		return '_'
	}, name)
	w.Header().Set("Content-Disposition", "attachment; filename="+strconv.Quote(plain))
}
