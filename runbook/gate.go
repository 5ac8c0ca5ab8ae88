package runbook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Gate is a question to a person that the run cannot answer itself.
type Gate struct {
	// Name is the gate's identity inside its group.
	Name string
	// Question is what is asked. Yes lets the run go on.
	Question string
	// Evidence is what the person is shown. An approval holds for this evidence
	// only, by its JSON. If its type has a method AppendText, as of
	// encoding.TextAppender, that text is shown, and journalled as it was shown.
	Evidence any
	// Not lists people who may not answer, for instance the one who copied: by the
	// name that they give, or the account that they use.
	Not []string
	// NeedReason makes the person say why, whatever the answer is. Otherwise a
	// reason may be given.
	NeedReason bool
	// OnNo is what a no leads to where the procedure goes on after it, for the person:
	// "recovery by hand". Without it a no ends the run.
	OnNo string
	// Timeout rejects when nobody answers, counted from when it was asked
	// first; zero waits for ever.
	Timeout time.Duration
}

// Gate asks a person and returns nil after yes. A recorded approval holds as
// long as question and evidence are the same and its author is not excluded;
// otherwise it is asked again. ErrPending ends this start, ErrRejected the run.
func (r *Run) Gate(ctx context.Context, g Gate) error {
	_, err := r.Approve(ctx, g)
	return err
}

// Approve is Gate for those who need to know who approved, for instance to
// exclude that person from the next gate.
func (r *Run) Approve(ctx context.Context, g Gate) (Answer, error) {
	e, step := r.e, r.path(g.Name)
	s, err := e.claim(step, VerbGate, g.Name, g.Question)
	if err != nil {
		return Answer{}, err
	}
	evidence, err := raw(g.Evidence)
	if err != nil {
		return Answer{}, &Error{Kind: ErrInvalid, Step: step, Text: "the evidence is no JSON", Err: err}
	}
	shown, err := textOfEvidence(g.Evidence)
	if err != nil {
		return Answer{}, &Error{Kind: ErrInvalid, Step: step, Text: "the evidence has no text", Err: err}
	}
	rec := Record{Step: step, Verb: VerbGate, Intent: g.Question, Evidence: evidence, Shown: shown, Digest: digestOf(g.Question, evidence), Not: g.Not, NeedReason: g.NeedReason, OnNo: g.OnNo}
	if e.holds(s, rec) {
		if e.mode == planning {
			e.list(s.Record)
		}
		return decided(s.Record)
	}
	switch e.mode {
	case settling:
		return Answer{}, stopped(step)
	case planning:
		rec.Kind = Planned
		e.list(rec)
		return Answer{}, nil
	}
	if err := e.ready(ctx); err != nil {
		return Answer{}, err
	}
	a, err := r.ask(ctx, rec, s, g.Timeout)
	if errors.Is(err, errNobody) {
		a, err = Answer{Verdict: No, Reason: err.Error()}, nil
	}
	if err != nil {
		return Answer{}, err
	}
	rec.Kind, rec.By, rec.Account, rec.Reason, rec.Evidence, rec.Shown, rec.NeedReason, rec.OnNo = Approved, a.By, a.Account, a.Reason, nil, "", false, ""
	if a.Verdict != Yes {
		rec.Kind = Rejected
	}
	if err := e.append(ctx, rec); err != nil {
		return Answer{}, err
	}
	return decided(e.last(step))
}

// holds reports whether what is on record about a gate decides it: a no always
// does, and a yes to the same question about the same evidence. What is settled
// does not show evidence any more.
func (e *engine) holds(s *state, now Record) bool {
	switch {
	case s == nil:
		return false
	case s.Kind == Rejected:
		return true
	case s.Kind != Approved:
		return false
	}
	return e.mode == settling || s.Intent == now.Intent && s.Digest == now.Digest && !excluded(now.Not, s.By, s.Account)
}

// decided is what a decision on record means for the procedure.
func decided(rec Record) (Answer, error) {
	if rec.Kind == Rejected {
		return Answer{}, rejection(rec)
	}
	return Answer{Verdict: Yes, By: rec.By, Account: rec.Account, Reason: rec.Reason, Time: rec.Time}, nil
}

var errNobody = errors.New("nobody answered in time")

func rejection(rec Record) error {
	err := &Error{Kind: ErrRejected, Step: rec.Step, Text: said(rec),
		Hint: "this run ends here; start with a new journal once the reason is gone"}
	if rec.By == "" {
		err.Text, err.Err = "", &Error{Kind: ErrTimeout, Text: rec.Reason}
	}
	return err
}

// ask puts a question to the Human and journals that it did. rec says what.
func (r *Run) ask(ctx context.Context, rec Record, s *state, timeout time.Duration) (Answer, error) {
	asked, again := time.Now().UTC(), s != nil && s.Kind == Asked && s.Digest == rec.Digest
	if again {
		asked = s.asked
	}
	if timeout > 0 {
		deadline := asked.Add(timeout)
		rec.Deadline = &deadline
	}
	q := rec.asks(r.e.id, asked)
	pending := q.pending()
	if rec.Kind = Asked; !again || rec.NeedReason != s.NeedReason { // whoever answers elsewhere has to see it
		if err := r.e.append(ctx, rec); err != nil {
			return Answer{}, err
		}
	}
	a, err := r.put(ctx, q)
	switch {
	case err != nil && ctx.Err() != nil: // whoever leaves has not answered
		pending.Err = join(err, pending.Err)
		return Answer{}, pending
	case timeout > 0 && (err != nil && !time.Now().Before(q.Deadline) || err == nil && a.Time.After(q.Deadline)):
		return Answer{}, fmt.Errorf("%w (%v)", errNobody, timeout)
	case errors.Is(err, ErrPending):
		if why := whyPending(err); why != "" {
			pending.Text = q.Text + " (" + why + ")"
		}
		return Answer{}, pending
	case err != nil:
		return Answer{}, inStep(rec.Step, err)
	}
	if pending.Text = q.fault(a); pending.Text != "" {
		return Answer{}, pending
	}
	if a.Verdict == Later {
		pending.Text = q.Text + " (" + cmp.Or(a.By, "somebody") + " says later)"
		return Answer{}, pending
	}
	return a, nil
}

// whyPending is what a Human says about an answer that it has not.
func whyPending(err error) string {
	if e, ok := err.(*Error); ok && e.Err == nil {
		return e.Text
	} else if ok {
		return e.Text + ": " + e.Err.Error()
	}
	why, _ := strings.CutSuffix(err.Error(), ErrPending.Error())
	return strings.TrimSuffix(why, ": ")
}

// put asks the Human, up to the deadline. Nobody there is ErrPending.
func (r *Run) put(ctx context.Context, q Question) (a Answer, err error) {
	if r.e.x.Human == nil {
		return a, ErrPending
	}
	if !q.Deadline.IsZero() {
		sub, cancel := context.WithDeadline(ctx, q.Deadline)
		defer cancel()
		ctx = sub
	}
	_, err = r.e.call(ctx, q.Step, func(ctx context.Context) (err error) { a, err = r.e.x.Human.Ask(ctx, q); return err })
	if a.Time.IsZero() {
		a.Time = time.Now()
	}
	a.By, a.Account, a.Reason = strings.TrimSpace(a.By), strings.TrimSpace(a.Account), strings.TrimSpace(a.Reason)
	return a, err
}

// askDoubt asks whether an effect without probe happened before the run was
// cut off. If it did, the step is done. The digest is that of one try: what was
// answered about an earlier one does not count for this.
func (r *Run) askDoubt(ctx context.Context, rec Record, s *state, f effect) (json.RawMessage, bool, error) {
	predicted, err := f.predict()
	if err != nil {
		return nil, false, inStep(rec.Step, fmt.Errorf("predict: %w", err))
	}
	q := rec
	q.Evidence, q.Digest = predicted, digestOf(fmt.Sprintf("%s, tried at %s", rec.Intent, s.begun.UTC().Format(time.RFC3339Nano)), predicted)
	a, err := r.ask(ctx, q, s, 0)
	if err != nil {
		return nil, false, err
	}
	rec.By, rec.Account, rec.Reason = a.By, a.Account, a.Reason
	switch a.Verdict {
	case Stop:
		return nil, false, &Error{Kind: ErrInDoubt, Step: rec.Step, Text: strings.TrimSuffix(fmt.Sprintf("%s left it open: %s", a.By, a.Reason), ": ")}
	case No:
		rec.Kind, rec.Error = Failed, "did not happen"
		return nil, false, r.e.append(ctx, rec)
	}
	m := a.Value
	if len(m) == 0 {
		m = predicted
	}
	if err := f.accept(m); err != nil {
		return nil, false, &Error{Kind: ErrPending, Step: rec.Step, Text: fmt.Sprintf("the value given by %s does not fit", a.By), Err: err}
	}
	rec.Kind, rec.Result = Adopted, m
	return m, true, r.e.append(ctx, rec)
}
