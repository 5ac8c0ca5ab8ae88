package runbook

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Question is what a Human is asked.
type Question struct {
	Run      string          `json:"run"`
	Step     string          `json:"step"`
	Text     string          `json:"text"`
	Evidence json.RawMessage `json:"evidence,omitempty"`
	// Shown is the text of the evidence, if it has one: show it instead.
	Shown string `json:"shown,omitempty"`
	// Digest is the SHA-256 of text and evidence. An answer given elsewhere
	// carries it, so that it cannot be taken for one about something else.
	Digest string `json:"digest"`
	// Not lists who may not answer, by name or account.
	Not        []string `json:"not,omitempty"`
	NeedReason bool     `json:"need_reason,omitempty"`
	OnNo       string   `json:"on_no,omitempty"` // what a no leads to; empty: the end of the run
	// Doubt is set when the question is whether an effect happened. Evidence
	// is then the result that was predicted.
	Doubt bool      `json:"doubt,omitempty"`
	Asked time.Time `json:"asked"`
	// Deadline is when the question is answered with no; zero is never.
	Deadline time.Time `json:"deadline,omitzero"`
}

// Verdict is the answer proper.
type Verdict string

// The verdicts.
const (
	Yes   Verdict = "yes"   // go on; to a doubt: it happened
	No    Verdict = "no"    // the run ends for good; to a doubt: it did not happen
	Later Verdict = "later" // not yet: the question stays open
	Stop  Verdict = "stop"  // to a doubt only: leave it open
)

// Answer is what a person said. The engine looks whether it counts; see
// [Question.Check].
type Answer struct {
	Verdict Verdict `json:"verdict"`
	By      string  `json:"by"` // the name that the person goes by
	// Account is the system's name of who answered, if it is known: that of the
	// user at the terminal, of the owner of a file, of who logged in.
	Account string `json:"account,omitempty"`
	Reason  string `json:"reason"`
	// Digest, if set, must be the question's.
	Digest string `json:"digest,omitempty"`
	// Value is, after a doubt, what the effect returned; empty means as
	// predicted.
	Value json.RawMessage `json:"value,omitempty"`
	// Time is when it was given; zero means now. An answer that was given after
	// the deadline does not count.
	Time time.Time `json:"-"`
}

// Names are those by which the next gate's Not excludes who gave this answer.
func (a Answer) Names() (names []string) {
	for _, name := range []string{a.By, a.Account} {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Human answers questions. When nobody is there it returns an error that wraps
// ErrPending. It may be asked several questions at once, by a parallel Each.
// The Human of package terminal is one, the Box of package mailbox another.
type Human interface {
	Ask(ctx context.Context, q Question) (Answer, error)
}

// Check reports whether an answer counts: nil, or an ErrPending that says what is
// wrong with it. The engine asks the same, so it is for those who carry answers
// and want to say so at once.
func (q Question) Check(a Answer) error {
	text := q.fault(a)
	if text == "" {
		return nil
	}
	return &Error{Kind: ErrPending, Step: q.Step, Text: text, Hint: "answer it again"}
}

// MayAnswer reports, before an answer is taken, whether somebody is excluded, by the
// name given or by account: an ErrPending then, and nil otherwise.
func (q Question) MayAnswer(by, account string) error {
	if !excluded(q.Not, by, account) {
		return nil
	}
	return &Error{Kind: ErrPending, Step: q.Step, Text: q.exclusion(by, account)}
}

func (q Question) exclusion(by, account string) string {
	return fmt.Sprintf("%s may not answer this; it needs somebody else", person(by, account))
}

// fault says what is wrong with an answer; "" is nothing.
func (q Question) fault(a Answer) string {
	by := strings.TrimSpace(a.By)
	switch {
	case a.Verdict == Later:
		return ""
	case a.Verdict != Yes && a.Verdict != No && !(q.Doubt && a.Verdict == Stop):
		return fmt.Sprintf("the answer %q is none", a.Verdict)
	case by == "":
		return "the answer does not say who gave it"
	case q.NeedReason && strings.TrimSpace(a.Reason) == "":
		return fmt.Sprintf("the answer of %s has no reason, and this question needs one", by)
	case excluded(q.Not, a.By, a.Account):
		return q.exclusion(by, a.Account)
	case a.Digest != "" && a.Digest != q.Digest:
		return fmt.Sprintf("the answer of %s is about other evidence", by)
	case !q.Deadline.IsZero() && a.Time.After(q.Deadline):
		return fmt.Sprintf("the answer of %s came after %s", by, clock(q.Deadline))
	case len(a.Value) > 0 && !json.Valid(a.Value):
		return fmt.Sprintf("the value given by %s is no JSON", by)
	}
	return ""
}

// pending is what a run ends with while the question is open.
func (q Question) pending() *Error {
	err := &Error{Kind: ErrPending, Step: q.Step, Text: q.Text, Hint: "start again when it is answered"}
	if q.Doubt {
		err.Err = ErrInDoubt
	}
	return err
}

// asks is what a record asks a person, of which a run, and since when.
func (rec Record) asks(run string, asked time.Time) Question {
	q := Question{Run: run, Step: rec.Step, Text: rec.Intent, Evidence: rec.Evidence, Shown: rec.Shown, Digest: rec.Digest,
		Not: rec.Not, NeedReason: rec.NeedReason, OnNo: rec.OnNo, Doubt: rec.Verb == VerbDo, Asked: asked}
	if q.Doubt {
		q.Text = doubtQuestion(rec.Intent)
	}
	if rec.Deadline != nil {
		q.Deadline = *rec.Deadline
	}
	return q
}

func digestOf(question string, evidence []byte) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%q %s", question, evidence))
	return hex.EncodeToString(h[:])
}

// excluded reports whether one of a person's names is in not.
func excluded(not []string, names ...string) bool {
	return slices.ContainsFunc(not, func(n string) bool {
		n = strings.TrimSpace(n)
		return slices.ContainsFunc(names, func(name string) bool { return n != "" && strings.EqualFold(n, strings.TrimSpace(name)) })
	})
}

// person is what somebody is called: by the name given, and by the account if that
// says something else.
func person(by, account string) string {
	if account == "" || strings.EqualFold(by, account) {
		return by
	}
	return fmt.Sprintf("%s (account %s)", by, account)
}

func doubtQuestion(intent string) string { return "Did this happen? " + intent }

// textOfEvidence is what a person is shown; "" when the evidence has no text.
func textOfEvidence(v any) (string, error) {
	t, ok := v.(encoding.TextAppender)
	if !ok {
		return "", nil
	}
	text, err := t.AppendText(nil)
	return strings.ToValidUTF8(strings.TrimRight(string(text), "\n"), "\uFFFD"), err
}
