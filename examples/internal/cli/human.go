package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/mailbox"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/runbook/terminal"
)

// human is who answers the questions. On a site that is a person at a terminal, or one
// who finds the question in the mailbox: of both the first one counts.
func human(o options, w *World, stdin io.Reader, out io.Writer) runbook.Human {
	if o.y {
		return runbooktest.ApproveEverything{}
	}
	person := &terminal.Human{In: stdin, Out: out, By: w.Operator}
	if f, ok := stdin.(*os.File); ok && w.attended {
		person.Flush = func() { flush(f) }
	}
	if w.site != nil { // on the lab one person plays everybody, with -operator
		person.Account = Whoami()
	}
	var here runbook.Human = person
	if w.site != nil && !w.attended {
		here = nobody{}
	}
	if o.mailbox == "" {
		return here
	}
	return either{here, &mailbox.Box{Dir: o.mailbox, Every: time.Second}, out}
}

// nobody is what a pipe is on a site: no person.
type nobody struct{}

// Ask implements runbook.Human.
func (nobody) Ask(context.Context, runbook.Question) (runbook.Answer, error) {
	return runbook.Answer{}, fmt.Errorf("on a site people answer at a terminal, and the standard input is none: %w", runbook.ErrPending)
}

// either asks here and in the mailbox.
type either struct {
	here runbook.Human
	box  *mailbox.Box
	out  io.Writer
}

// Ask implements runbook.Human.
func (e either) Ask(ctx context.Context, q runbook.Question) (runbook.Answer, error) {
	once := *e.box
	once.Every = 0
	if a, err := once.Ask(ctx, q); !errors.Is(err, runbook.ErrPending) {
		return a, err // it was answered meanwhile, or cannot be posted
	} else if _, none := e.box.Given(q); !errors.Is(none, fs.ErrNotExist) {
		return a, err // there is one that is none
	}
	type said struct {
		a    runbook.Answer
		err  error
		here bool
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heard := make(chan said, 2)
	ask := func(h runbook.Human, here bool) {
		a, err := h.Ask(ctx, q)
		heard <- said{a, err, here}
	}
	go ask(e.here, true)
	go ask(e.box, false)
	first := <-heard
	cancel()
	<-heard // the other place is told that it is over
	switch {
	case !first.here:
		fmt.Fprintf(e.out, "\n  answered elsewhere by %s\n", Printable(cmp.Or(first.a.By, "somebody")))
		return first.a, first.err
	case first.err != nil || first.a.Verdict == runbook.Later:
		if errors.Is(first.err, runbook.ErrPending) {
			return runbook.Answer{}, fmt.Errorf("%s; it may be answered in %s too: %w", pendingText(first.err), e.box.Dir, runbook.ErrPending)
		}
		return first.a, first.err
	}
	err := e.box.Answer(q, first.a)
	if errors.Is(err, mailbox.ErrAnswered) {
		fmt.Fprintf(e.out, "  %v\n", err)
		return e.box.Given(q)
	}
	return first.a, err
}

// pendingText is why there is no answer.
func pendingText(err error) string {
	if e := (*runbook.Error)(nil); errors.As(err, &e) && e.Text != "" {
		return e.Text
	}
	return "nobody answered here"
}

// AskHere asks whoever is at this terminal, as operator or under the user's own name.
func AskHere(ctx context.Context, q runbook.Question, operator string, stdin io.Reader, out io.Writer) (runbook.Answer, error) {
	if !isTerminal(stdin) {
		return runbook.Answer{}, Usage(errors.New("the standard input is no terminal: name the answer behind the question"))
	}
	screen := newScreen(out)
	defer screen.close()
	return (&terminal.Human{In: stdin, Out: screen, By: cmp.Or(operator, Whoami()), Account: Whoami()}).Ask(ctx, q)
}
