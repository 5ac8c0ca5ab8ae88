package temporal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/temporal"
)

// errCanceled is why a start ends that somebody cancelled.
var errCanceled = errors.New("cancelled by a person")

// A lease says whether this start is still the current one. It is good for two thirds
// of the heartbeat's time-out after the last sign of life that the server took: a
// process that slept longer asks before it does anything.
//
// The heartbeats are sent by hand: the SDK's helper bundles them, and tells nobody that
// one was refused.
type lease struct {
	client  client.Client
	token   []byte // of the activity's task
	timeout time.Duration
	cancel  context.CancelCauseFunc

	mu   sync.Mutex
	last time.Time // when the last good sign of life was sent
	err  error     // it is lost for good
}

func newLease(c client.Client, token []byte, timeout time.Duration, cancel context.CancelCauseFunc) *lease {
	return &lease{client: c, token: token, timeout: timeout, cancel: cancel, last: time.Now()}
}

// lose gives the lease up for good, and ends what is under way.
func (l *lease) lose(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
		l.cancel(err)
	}
}

func (l *lease) lost() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// beat gives a sign of life.
func (l *lease) beat(ctx context.Context) {
	at := time.Now()
	ctx, cancel := context.WithTimeout(ctx, max(l.timeout/3, 500*time.Millisecond))
	defer cancel()
	err := l.client.RecordActivityHeartbeat(ctx, l.token)
	canceled := errors.As(err, new(*sdk.CanceledError))
	switch {
	case err == nil, canceled:
		l.mu.Lock()
		l.last = at
		l.mu.Unlock()
		if canceled {
			l.cancel(errCanceled)
		}
	case errors.As(err, new(*serviceerror.NotFound)):
		l.lose(fmt.Errorf("this start is not the current one any more: %w", err))
	}
}

// keep gives signs of life until done is closed: also while a cancelled start gives
// back what it holds.
func (l *lease) keep(done <-chan struct{}) {
	t := time.NewTicker(l.timeout / 4)
	defer t.Stop()
	for l.lost() == nil {
		select {
		case <-done:
			return
		case <-t.C:
			l.beat(context.Background())
		}
	}
}

// check is asked before each call of a procedure, and by whoever is about to send
// something that cannot be taken back.
func (l *lease) check() error {
	if l.fresh() {
		return l.lost()
	}
	l.beat(context.Background())
	if !l.fresh() {
		l.lose(errors.New("the cluster could not be reached in time: another worker may go on"))
	}
	return l.lost()
}

func (l *lease) fresh() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.last) <= l.timeout*2/3
}
