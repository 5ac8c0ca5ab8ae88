package servertest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/runbook/temporal"
	"github.com/landingteam/landing/runbook/temporal/servertest"
)

// once makes names of runs that a server which stays has not seen.
func once(name string) string {
	return fmt.Sprintf("%s-%d-%d", name, os.Getpid(), time.Now().UnixNano())
}

// beat is a heartbeat short enough for tests.
const beat = 2 * time.Second

// start begins a run, and again if the server was too busy to say that it has.
func start(t *testing.T, s *servertest.Server, queue, id string, r temporal.Run) (h client.WorkflowRun) {
	t.Helper()
	if r.Heartbeat == 0 {
		r.Heartbeat = beat
	}
	eventually(t, id+" is begun", func() bool {
		var err error
		h, err = temporal.Start(t.Context(), s.Client, queue, id, r)
		if err != nil && !errors.Is(err, temporal.ErrCluster) {
			t.Fatal(err)
		}
		return err == nil
	})
	return h
}

// ends waits for the end of a run. One that has failed has none before somebody decides.
func ends(t *testing.T, s *servertest.Server, h client.WorkflowRun) (temporal.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var r temporal.Result
	over := make(chan error, 1)
	go func() { over <- h.Get(ctx, &r) }()
	for {
		select {
		case err := <-over:
			if ctx.Err() != nil {
				st := state(t, s, h.GetID())
				t.Fatalf("%s does not end: it is %s after %d starts, %d lost; %s", h.GetID(), st.Phase, st.Starts, st.Lost, st.Last.Error)
			}
			return r, err
		case <-time.After(2 * time.Second):
		}
		if st := state(t, s, h.GetID()); st.Phase == temporal.Failing {
			t.Fatalf("%s has failed: %s", h.GetID(), st.Last.Error)
		}
	}
}

func state(t *testing.T, s *servertest.Server, id string) temporal.State {
	t.Helper()
	st, err := temporal.Look(t.Context(), s.Client, id)
	if err != nil {
		return temporal.State{} // no worker has taken it up yet
	}
	return st
}

func phase(t *testing.T, s *servertest.Server, id string, want temporal.Phase) temporal.State {
	t.Helper()
	var st temporal.State
	eventually(t, id+" is "+string(want), func() bool { st = state(t, s, id); return st.Phase == want })
	return st
}

// approve says yes to whatever a run asks, as is done in a lab, until it has ended.
func approve(t *testing.T, s *servertest.Server, id string) {
	for {
		st, _ := temporal.Look(t.Context(), s.Client, id) // a worker may just have died
		for _, q := range st.Last.Waiting {
			a, err := runbooktest.ApproveEverything{}.Ask(t.Context(), q)
			if err == nil && st.Phase == temporal.Waiting {
				_ = temporal.Answer(t.Context(), s.Client, id, q.Step, a) // and again, if it was not taken
			}
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-t.Context().Done():
			return
		}
		if st.Phase == temporal.Ended {
			return
		}
	}
}

// done checks that a run has ended well and owes nothing.
func done(t *testing.T, s *servertest.Server, id string) {
	t.Helper()
	status, err := temporal.Status(t.Context(), s.Client, id)
	if err != nil || status.Ending != "done" || len(status.Owed()) > 0 {
		t.Errorf("%s is %s, owes %v: %v", id, status.Ending, status.Owed(), err)
	}
}

// exported is the journal of a run as a file has it.
func exported(t *testing.T, s *servertest.Server, id string) []byte {
	t.Helper()
	var b bytes.Buffer
	eventually(t, "the journal of "+id+" is read", func() bool {
		b.Reset()
		return temporal.WriteLines(&b, temporal.Lines(t.Context(), s.Client, id)) == nil
	})
	return b.Bytes()
}
