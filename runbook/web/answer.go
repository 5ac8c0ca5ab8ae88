package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/internal/linediff"
	"github.com/landingteam/landing/runbook/mailbox"
)

// said is what a page says after an answer, by a word in its address.
var said = map[string]string{
	"yes":   "Your answer is delivered: yes. The run takes it when it looks next, or is started again.",
	"no":    "Your answer is delivered: no. The run takes it when it looks next, or is started again.",
	"stop":  "Your answer is delivered. The run takes it when it looks next, or is started again.",
	"later": "Nothing is decided: the question stays open.",
}

// surePage asks back before a no, which ends the run.
type surePage struct {
	frame
	Name     string
	Question runbook.Question
	Reason   string
}

// otherPage shows how the evidence has changed since the form was made.
type otherPage struct {
	frame
	Name string
	Text string
	Diff []linediff.Line
}

// serveAnswer takes an answer to the question that is open now, and to no other.
func (h *Handler) serveAnswer(w http.ResponseWriter, r *http.Request, who string) error {
	if who == "" {
		return &fault{http.StatusForbidden, "it is not known who you are: you may only read here"}
	}
	if err := r.ParseForm(); err != nil {
		return formFault(err)
	}
	form := r.PostForm
	step, digest := form.Get("step"), form.Get("digest")
	a := runbook.Answer{Verdict: runbook.Verdict(form.Get("verdict")), By: who, Account: who, Reason: strings.TrimSpace(printable(form.Get("reason"))),
		Digest: digest, Time: time.Now()}
	if value := strings.TrimSpace(form.Get("value")); value != "" {
		a.Value = json.RawMessage(value)
	}
	p, err := h.runPage(r, who)
	if err != nil {
		return err
	}
	if p.Broken != "" {
		return &fault{http.StatusConflict, "the journal is damaged: " + printable(p.Broken)}
	}
	at := slices.IndexFunc(p.Asked, func(q question) bool { return q.Step == step })
	if at < 0 {
		return &fault{http.StatusConflict, "this is not asked any more: " + settledText(p.Status, step)}
	}
	q := p.Asked[at].Question
	if digest != q.Digest {
		return h.otherEvidence(w, r, p, q, digest)
	}
	if err := q.Check(a); err != nil {
		return &fault{http.StatusUnprocessableEntity, sentence(err)}
	}
	if a.Verdict == runbook.No && !q.Doubt && form.Get("sure") == "" && !wantsJSON(r) {
		h.render(w, http.StatusOK, "sure.html", surePage{h.frame(r, who, "Sure?"), p.Name, q, a.Reason})
		return nil
	}
	if a.Verdict != runbook.Later {
		if err := h.deliver(r, p.Name, q, a); err != nil {
			return err
		}
	}
	if wantsJSON(r) {
		h.json(w, http.StatusOK, map[string]any{"answer": a})
		return nil
	}
	w.Header().Set("Location", "./?said="+string(a.Verdict))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

func formFault(err error) error {
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) {
		return err
	}
	return &fault{http.StatusBadRequest, "this is not the form of an answer"}
}

// deliver brings the answer to the source.
func (h *Handler) deliver(r *http.Request, name string, q runbook.Question, a runbook.Answer) error {
	err := h.Source.Deliver(r.Context(), name, q, a)
	switch {
	case errors.Is(err, mailbox.ErrAnswered):
		text := "somebody was faster"
		if first, err := h.Source.Delivered(r.Context(), name, q); err == nil && first != nil {
			text = fmt.Sprintf("%s was faster, and said %s at %s", printable(first.By), first.Verdict, clock(first.Time))
		}
		return &fault{http.StatusConflict, text + ": that counts, and yours does not"}
	case errors.Is(err, mailbox.ErrNotAsked):
		return &fault{http.StatusConflict, "the run does not look here for an answer: it asks where it was started"}
	case err != nil:
		return err
	}
	h.log().Info("answered", "run", q.Run, "step", q.Step, "verdict", a.Verdict, "by", a.By, "digest", q.Digest)
	return nil
}

// settledText says how a question ended that is not open any more.
func settledText(s runbook.Status, step string) string {
	for _, done := range s.Steps {
		if done.Step == step && done.By != "" {
			return fmt.Sprintf("%s has %s it at %s", printable(done.By), done.Kind, clock(done.Time))
		}
	}
	return "look at the page of the run"
}

// otherEvidence refuses an answer about what was shown before, and shows what is
// different now.
func (h *Handler) otherEvidence(w http.ResponseWriter, r *http.Request, p runPage, now runbook.Question, digest string) error {
	page := otherPage{frame: h.frame(r, p.Who, "Other evidence"), Name: p.Name,
		Text: "Your answer was about something else than what is asked now, and is not taken. Look again, and answer on the page of the run."}
	var before *runbook.Record
	for rec, err := range runbook.Records(r.Context(), runbook.ReadOnly(h.Source.Lines(r.Context(), p.Name))) {
		if err == nil && rec.Kind == runbook.Asked && rec.Step == now.Step && rec.Digest == digest {
			before = &rec
		}
	}
	if before != nil {
		old := runbook.StepStatus{Record: *before}.Question()
		page.Diff = diff(old.Text+"\n\n"+textOf(old), now.Text+"\n\n"+textOf(now))
	}
	if wantsJSON(r) {
		h.json(w, http.StatusConflict, map[string]any{"error": page.Text, "digest": now.Digest, "difference": page.Diff})
		return nil
	}
	h.render(w, http.StatusConflict, "other.html", page)
	return nil
}
