// Package terminal asks the questions of a run on a terminal.
//
// A [Human] there is one for runbook.Runner: it shows the question with its evidence
// and takes an answer, a reason and, if nobody said who sits there, a name. Questions
// that somebody answers elsewhere, or later, go through package mailbox.
//
//	situation                                           error
//	the input ends, or only ever has what is no answer  runbook.ErrPending
//	who sits there may not answer                       runbook.ErrPending
//	the run is cancelled while it waits                 that of the context
package terminal

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/runbook"
)

// A Human asks on a terminal: the evidence, below it the question, and last
// what may be answered: yes, no or later, or their first letters. A no is asked back
// once. The end of the input means that nobody is there. It asks one question at a time.
type Human struct {
	In  io.Reader
	Out io.Writer
	// By is who sits there; if it is empty the person is asked.
	By string
	// Account is the system's name of who sits there, if it is known.
	Account string
	// Flush, if set, throws away what was typed before the question was shown and
	// In has not given out yet; what In has given out is thrown away then too.
	Flush func()

	once  sync.Once
	turn  chan struct{}
	lines chan string // closed at the end of In
}

// Ask implements runbook.Human.
func (h *Human) Ask(ctx context.Context, q runbook.Question) (runbook.Answer, error) {
	h.once.Do(func() {
		h.turn = make(chan struct{}, 1)
		h.lines = make(chan string)
		// A read cannot be called off, so it lives here, and a line that comes
		// after a question was given up goes to the next one.
		go func() {
			defer close(h.lines)
			in := bufio.NewScanner(h.In)
			for in.Scan() {
				h.lines <- in.Text()
			}
		}()
	})
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-ctx.Done():
		return runbook.Answer{}, context.Cause(ctx)
	}
	if err := q.MayAnswer(h.By, h.Account); err != nil {
		return runbook.Answer{}, err
	}
	if _, err := fmt.Fprintf(h.Out, "\n%v", q); err != nil {
		return runbook.Answer{}, err
	}
	if h.Flush != nil {
		h.flush()
	}
	return h.dialogue(ctx, q)
}

// flush throws away what was typed before the question could be read.
func (h *Human) flush() {
	h.Flush()
	for {
		select {
		case _, open := <-h.lines:
			if !open {
				return
			}
		case <-time.After(20 * time.Millisecond): // the reader may be about to hand on a line
			return
		}
	}
}

func (h *Human) dialogue(ctx context.Context, q runbook.Question) (a runbook.Answer, err error) {
	a.Digest, a.By, a.Account = q.Digest, h.By, h.Account
	if err := h.line(ctx, q.Offers(), func(s string) (ok bool) {
		a.Verdict, ok = q.Verdict(s)
		return ok
	}); err != nil || a.Verdict == runbook.Later {
		return a, err
	}
	if a.Verdict == runbook.No && !q.Doubt {
		if err := h.askBack(ctx, q, &a); err != nil || a.Verdict == runbook.Later {
			return a, err
		}
	}
	if q.Doubt && a.Verdict == runbook.Yes {
		if err := h.line(ctx, "its result as JSON (Enter: as expected)", func(s string) bool {
			a.Value = []byte(s)
			return s == "" || json.Valid(a.Value)
		}); err != nil {
			return a, err
		}
	}
	prompt := "reason (Enter: none)"
	if q.NeedReason {
		prompt = "reason (needed: others have to understand this later)"
	}
	if err := h.line(ctx, prompt, func(s string) bool { a.Reason = s; return s != "" || !q.NeedReason }); err != nil {
		return a, err
	}
	if a.By == "" {
		err = h.line(ctx, "your name", func(s string) bool { a.By = s; return s != "" && q.MayAnswer(s, "") == nil })
	}
	return a, err
}

// askBack makes sure of a no, once: it may have meant "not yet", or the wrong key.
func (h *Human) askBack(ctx context.Context, q runbook.Question, a *runbook.Answer) error {
	sure := "no ends this run for good; no once more if it shall, or later"
	if q.OnNo != "" {
		sure = "no means: " + q.OnNo + ", for good; no once more if it shall, or later"
	}
	return h.line(ctx, sure, func(s string) (ok bool) {
		a.Verdict, ok = q.Verdict(s)
		return ok && a.Verdict != runbook.Yes
	})
}

// mostTries is how many lines that are no answer a terminal may give: something else
// than a person is at its end.
const mostTries = 20

// line prompts until ok accepts what was typed.
func (h *Human) line(ctx context.Context, prompt string, ok func(string) bool) error {
	for range mostTries {
		if _, err := fmt.Fprintf(h.Out, "  %s: ", prompt); err != nil {
			return err
		}
		select {
		case s, open := <-h.lines:
			if !open {
				return fmt.Errorf("nobody at the terminal: %w", runbook.ErrPending)
			}
			if ok(strings.TrimSpace(s)) {
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("%d lines were no answer: %w", mostTries, runbook.ErrPending)
}
