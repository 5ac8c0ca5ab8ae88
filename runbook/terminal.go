package runbook

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"
)

// TerminalHuman asks on a terminal: it shows question and evidence, and wants
// yes, no or later in full and a reason. The end of the input means that nobody is
// there. It asks one question at a time.
type TerminalHuman struct {
	In  io.Reader
	Out io.Writer
	// By is who sits there; if it is empty the person is asked.
	By string
	// Account is the system's name of who sits there, if it is known.
	Account string

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
		return Answer{}, fmt.Errorf("%s may not answer this: %w", person(h.By, h.Account), ErrPending)
	}
	if err := h.show(q); err != nil {
		return Answer{}, err
	}
	return h.dialogue(ctx, q)
}

func (h *TerminalHuman) show(q Question) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n  %s\n", printable(q.Step), printable(q.Text))
	if len(q.Evidence) > 0 {
		label := "evidence"
		if q.Doubt {
			label = "expected result"
		}
		fmt.Fprintf(&b, "  %s:\n%s\n", label, q.evidence("    "))
	}
	if len(q.Not) > 0 {
		fmt.Fprintf(&b, "  not to be answered by %s\n", printable(strings.Join(q.Not, ", ")))
	}
	if !q.Deadline.IsZero() {
		fmt.Fprintf(&b, "  taken for no after %s\n", q.Deadline.Format(time.RFC3339))
	}
	_, err := io.WriteString(h.Out, b.String())
	return err
}

func (h *TerminalHuman) dialogue(ctx context.Context, q Question) (a Answer, err error) {
	a.Digest, a.By, a.Account = q.Digest, h.By, h.Account
	options := "yes, no or later"
	if q.Doubt {
		options = "yes, no or stop"
	}
	if err := h.line(ctx, options, func(s string) bool {
		a.Verdict = Verdict(strings.ToLower(s))
		return a.Verdict == Yes || a.Verdict == No || a.Verdict == Later || q.Doubt && a.Verdict == Stop
	}); err != nil || a.Verdict == Later {
		return a, err
	}
	if a.Verdict == No && !q.Doubt {
		if err := h.askBack(ctx, &a); err != nil || a.Verdict == Later {
			return a, err
		}
	}
	if q.Doubt && a.Verdict == Yes {
		if err := h.line(ctx, "its result as JSON (nothing: as expected)", func(s string) bool {
			a.Value = []byte(s)
			return s == "" || json.Valid(a.Value)
		}); err != nil {
			return a, err
		}
	}
	if a.Reason == "" {
		if err := h.line(ctx, "reason", func(s string) bool { a.Reason = s; return s != "" }); err != nil {
			return a, err
		}
	}
	if a.By == "" {
		err = h.line(ctx, "your name", func(s string) bool { a.By = s; return s != "" && !excluded(q.Not, s) })
	}
	return a, err
}

// askBack makes sure of a no, once: it may have meant "not yet". A reason is one
// that is sure.
func (h *TerminalHuman) askBack(ctx context.Context, a *Answer) error {
	return h.line(ctx, "no ends this run for good; its reason, or later", func(s string) bool {
		switch Verdict(strings.ToLower(s)) {
		case Later:
			a.Verdict = Later
		case Yes, No: // sure: the reason comes next
		default:
			a.Reason = s
		}
		return s != ""
	})
}

// line prompts until ok accepts what was typed.
func (h *TerminalHuman) line(ctx context.Context, prompt string, ok func(string) bool) error {
	for {
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

func indented(m json.RawMessage, indent string) string {
	var b bytes.Buffer
	if json.Indent(&b, m, indent, "  ") != nil {
		return indent + printable(string(m))
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return indent + strings.Join(lines, "\n")
}
