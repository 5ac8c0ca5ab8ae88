package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// withSignals is a context that ends with a signal that asks the program to end. A
// closed terminal ends a run as Ctrl-C does: what is held is given back. A second
// Ctrl-C or kill ends the program at once; a terminal may send its own twice.
func withSignals(ctx context.Context) (context.Context, context.CancelFunc) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, stop := context.WithCancelCause(ctx)
	go func() {
		select {
		case s := <-asked:
			signal.Reset(os.Interrupt, syscall.SIGTERM) // before anybody can see that one came
			stop(interruption{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { stop(nil) }
}

// An interruption is why a program ends that somebody has asked to.
type interruption struct{ os.Signal }

// Error says so.
func (i interruption) Error() string {
	if i.Signal == os.Interrupt {
		return "interrupted with Ctrl-C"
	}
	return "ended from outside (" + i.String() + ")"
}

// Unwrap makes it a cancellation like any other.
func (i interruption) Unwrap() error { return context.Canceled }

// Reading runs f, which reads from a file or the standard input, and returns its
// error. It does not wait for f when ctx ends first: nothing interrupts a read from
// a pipe that nobody writes to, and some files have no end.
func Reading(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("reading was ended: %w", context.Cause(ctx))
	}
}
