package runbook

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"
)

// TerminalHuman asks on a terminal: the evidence, below it the question, and last
// what may be answered: yes, no or later, or their first letters. A no is asked back
// once. The end of the input means that nobody is there. It asks one question at a time.
type TerminalHuman struct {
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

// Ask implements Human.
func (h *TerminalHuman) Ask(ctx context.Context, q Question) (Answer, error) {
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
		return Answer{}, context.Cause(ctx)
	}
	if excluded(q.Not, h.By, h.Account) {
		return Answer{}, &Error{Kind: ErrPending, Step: q.Step, Text: fmt.Sprintf("%s may not answer this; it needs somebody else", person(h.By, h.Account))}
	}
	if err := h.show(q); err != nil {
		return Answer{}, err
	}
	if h.Flush != nil {
		h.flush()
	}
	return h.dialogue(ctx, q)
}

// flush throws away what was typed before the question could be read.
func (h *TerminalHuman) flush() {
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

func (h *TerminalHuman) show(q Question) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n", printable(q.Step))
	if len(q.Evidence) > 0 {
		if q.Doubt {
			b.WriteString("  expected result:\n")
		}
		fmt.Fprintf(&b, "%s\n\n", q.evidence("    "))
	}
	fmt.Fprintf(&b, "  %s\n", printable(q.Text))
	if len(q.Not) > 0 {
		fmt.Fprintf(&b, "  Not to be answered by %s.\n", printable(strings.Join(q.Not, ", ")))
	}
	if !q.Deadline.IsZero() {
		fmt.Fprintf(&b, "  Taken for no after %s.\n", clock(q.Deadline))
	}
	_, err := io.WriteString(h.Out, b.String())
	return err
}

// choice is a verdict as it is offered.
type choice struct {
	verdict Verdict
	means   string
}

// choices are what a question can be answered with.
func (q Question) choices() []choice {
	if q.Doubt {
		return []choice{{Yes, "it happened"}, {No, "it did not: do it again"}, {Stop, "leave it open"}}
	}
	return []choice{{Yes, "go on"}, {No, cmp.Or(q.OnNo, "end this run for good")}, {Later, "leave it open"}}
}

// Verdict is what a word, or its first letter, means as an answer; false is none.
func (q Question) Verdict(word string) (Verdict, bool) {
	word = strings.ToLower(word)
	for _, c := range append(q.choices(), choice{verdict: Later}) {
		if word == string(c.verdict) || word == string(c.verdict[:1]) {
			return c.verdict, true
		}
	}
	return "", false
}

func (h *TerminalHuman) dialogue(ctx context.Context, q Question) (a Answer, err error) {
	a.Digest, a.By, a.Account = q.Digest, h.By, h.Account
	var offers []string
	for _, c := range q.choices() {
		offers = append(offers, fmt.Sprintf("%s (%s)", c.verdict, printable(c.means)))
	}
	if err := h.line(ctx, strings.Join(offers, ", "), func(s string) (ok bool) {
		a.Verdict, ok = q.Verdict(s)
		return ok
	}); err != nil || a.Verdict == Later {
		return a, err
	}
	if a.Verdict == No && !q.Doubt {
		if err := h.askBack(ctx, q, &a); err != nil || a.Verdict == Later {
			return a, err
		}
	}
	if q.Doubt && a.Verdict == Yes {
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
		err = h.line(ctx, "your name", func(s string) bool { a.By = s; return s != "" && !excluded(q.Not, s) })
	}
	return a, err
}

// askBack makes sure of a no, once: it may have meant "not yet", or the wrong key.
func (h *TerminalHuman) askBack(ctx context.Context, q Question, a *Answer) error {
	sure := "no ends this run for good; no once more if it shall, or later"
	if q.OnNo != "" {
		sure = "no means: " + q.OnNo + ", for good; no once more if it shall, or later"
	}
	return h.line(ctx, sure, func(s string) (ok bool) {
		a.Verdict, ok = q.Verdict(s)
		return ok && a.Verdict != Yes
	})
}

// mostTries is how many lines that are no answer a terminal may give: something else
// than a person is at its end.
const mostTries = 20

// line prompts until ok accepts what was typed.
func (h *TerminalHuman) line(ctx context.Context, prompt string, ok func(string) bool) error {
	for range mostTries {
		if _, err := fmt.Fprintf(h.Out, "  %s: ", prompt); err != nil {
			return err
		}
		select {
		case s, open := <-h.lines:
			if !open {
				return fmt.Errorf("nobody at the terminal: %w", ErrPending)
			}
			if ok(strings.TrimSpace(s)) {
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("%d lines were no answer: %w", mostTries, ErrPending)
}

// printable keeps what others wrote from steering the terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
			return unicode.ReplacementChar
		}
		return c
	}, s)
}
