package temporal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"go.temporal.io/sdk/client"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/mailbox"
	"github.com/landingteam/landing/runbook/web"
)

// A Source shows the runs of a namespace in the browser: it is a web.Source.
type Source struct {
	Client client.Client
}

var _ web.Source = Source{}

// Runs implements web.Source.
func (s Source) Runs(ctx context.Context) (list []web.Entry, err error) {
	for l, err := range List(ctx, s.Client) {
		if err != nil {
			return nil, err
		}
		e := web.Entry{Name: l.ID, Version: l.Version}
		if l.Closed.IsZero() {
			if e, err = s.Run(ctx, l.ID); errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		list = append(list, e)
	}
	return list, nil
}

// Run implements web.Source. Its version is that of run and journal.
func (s Source) Run(ctx context.Context, name string) (web.Entry, error) {
	none := fmt.Errorf("run %q: %w", name, fs.ErrNotExist)
	if !goodID(name) {
		return web.Entry{}, none
	}
	d, err := s.Client.DescribeWorkflowExecution(ctx, name, "")
	if err != nil {
		if err = failure("look at", name, err); errors.Is(err, ErrNotFound) {
			err = none
		}
		return web.Entry{}, err
	}
	info := d.GetWorkflowExecutionInfo()
	if info.GetType().GetName() != runType {
		return web.Entry{}, none
	}
	e := web.Entry{Name: name, Version: version(info)}
	if j, err := known(ctx, s.Client, journalID(name)); err == nil {
		e.Version += " " + version(j)
	}
	e.Running = atWork(d)
	return e, nil
}

// Lines implements web.Source.
func (s Source) Lines(ctx context.Context, name string) iter.Seq2[[]byte, error] {
	return Lines(ctx, s.Client, name)
}

// Deliver implements web.Source.
func (s Source) Deliver(ctx context.Context, name string, q runbook.Question, a runbook.Answer) error {
	if a.Digest == "" {
		a.Digest = q.Digest
	}
	if err := q.Check(a); err != nil {
		return err
	}
	err := Answer(ctx, s.Client, name, q.Step, a)
	var e *Error
	if errors.As(err, &e) && e.Kind == ErrRefused {
		if given, _ := s.Delivered(ctx, name, q); given != nil {
			return fmt.Errorf("%w: %s", mailbox.ErrAnswered, e.Text)
		}
	}
	return err
}

// Delivered implements web.Source.
func (s Source) Delivered(ctx context.Context, name string, q runbook.Question) (*runbook.Answer, error) {
	v, err := s.Client.QueryWorkflow(ctx, name, "", queryGiven, q.Step, q.Digest)
	if err != nil {
		return nil, failure("look at", name, err)
	}
	var a *runbook.Answer
	if err := v.Get(&a); err != nil {
		return nil, failure("look at", name, err)
	}
	return a, nil
}
