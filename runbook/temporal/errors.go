package temporal

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/temporal"
)

// What an [Error] can be about: test with errors.Is.
var (
	ErrNotFound = errors.New("no such run")             // never begun, or its retention is over
	ErrExists   = errors.New("such a run has been")     // a name is used once
	ErrRefused  = errors.New("refused")                 // the answer or decision does not fit what is asked now
	ErrUnknown  = errors.New("not known whether taken") // no worker was there to say so: it may be applied later. Look again
	ErrDenied   = errors.New("not allowed")             // the namespace gives this client no right to it
	ErrCluster  = errors.New("the cluster does not answer as it should")
)

// An Error is what the functions of this package fail with that speak to a cluster.
// Those of a [Journal] are the engine's.
type Error struct {
	Op   string // what was tried: "answer"
	ID   string // of the run
	Kind error  // one of the sentinels
	Text string // what was said
	Err  error  // the cause
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: %v", e.Op, e.ID, e.Kind)
	if e.Text != "" {
		return text + ": " + e.Text
	}
	if e.Err != nil {
		return text + ": " + e.Err.Error()
	}
	return text
}

// Is reports whether target is the sentinel of e.
func (e *Error) Is(target error) bool { return target == e.Kind }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// failure sorts an error of the SDK.
func failure(op, id string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Op: op, ID: id, Kind: ErrCluster, Err: err}
	var app *sdk.ApplicationError
	switch {
	case errors.As(err, &app):
		e.Kind, e.Text = ErrRefused, app.Message()
	case errors.As(err, new(*serviceerror.NotFound)):
		e.Kind = ErrNotFound
	case errors.As(err, new(*serviceerror.PermissionDenied)):
		e.Kind, e.Text = ErrDenied, "look at the rights of this client in the namespace"
	case errors.As(err, new(*serviceerror.WorkflowExecutionAlreadyStarted)):
		e.Kind = ErrExists
	}
	return e
}

// unanswered marks what may have been sent and was not answered.
func unanswered(ctx context.Context, op, id string, err error) error {
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*serviceerror.DeadlineExceeded)) {
		return &Error{Op: op, ID: id, Kind: ErrUnknown, Err: err, Text: "no worker answers; it is applied as soon as one does, once, however often it is sent"}
	}
	return failure(op, id, err)
}
