package servertest_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
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

func start(t *testing.T, s *servertest.Server, queue, id string, r temporal.Run) client.WorkflowRun {
	t.Helper()
	if r.Heartbeat == 0 {
		r.Heartbeat = beat
	}
	h, err := temporal.Start(t.Context(), s.Client, queue, id, r)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ends waits for the end of a run. One that has failed has none before somebody decides.
func ends(t *testing.T, s *servertest.Server, h client.WorkflowRun) (temporal.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	var r temporal.Result
	over := make(chan error, 1)
	go func() { over <- h.Get(ctx, &r) }()
	for {
		select {
		case err := <-over:
			if ctx.Err() != nil {
				t.Fatalf("%s does not end: %+v", h.GetID(), state(t, s, h.GetID()))
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

// losses are why starts of a run were lost, in the words of its history.
func losses(t *testing.T, s *servertest.Server, id string) (list []string) {
	t.Helper()
	for events := s.Client.GetWorkflowHistory(t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if f := e.GetActivityTaskTimedOutEventAttributes().GetFailure(); f != nil {
			list = append(list, f.GetMessage())
		}
		if f := e.GetActivityTaskFailedEventAttributes().GetFailure(); f != nil {
			list = append(list, f.GetMessage())
		}
	}
	return list
}
