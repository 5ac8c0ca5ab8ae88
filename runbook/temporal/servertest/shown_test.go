package servertest_test

import (
	"strings"
	"testing"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/landingteam/landing/runbook/temporal"
	"github.com/landingteam/landing/runbook/temporal/servertest"
)

// What Temporal's own pages show of a run: a summary, its report as details, a summary
// of each start, and the memo by which it is listed.
func TestShown(t *testing.T) {
	t.Parallel()
	s := shared(t)
	dir, queue, id := t.TempDir(), once("queue"), once("shown")
	local(t, s, queue, dir)
	start(t, s, queue, id, temporal.Run{Procedure: "folder", Operator: "anna", Input: input(t, folder{Steps: 1, Ask: true})})
	phase(t, s, id, temporal.Waiting)
	d, err := s.Client.DescribeWorkflowExecution(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	var summary string
	if err := converter.GetDefaultDataConverter().FromPayload(d.GetExecutionConfig().GetUserMetadata().GetSummary(), &summary); err != nil || summary != "folder, begun by anna" {
		t.Errorf("the summary is %q, %v", summary, err)
	}
	v, err := s.Client.QueryWorkflow(t.Context(), id, "", "__temporal_workflow_metadata")
	if err != nil {
		t.Fatal(err)
	}
	var meta sdkpb.WorkflowMetadata
	if err := v.Get(&meta); err != nil || !strings.HasPrefix(meta.GetCurrentDetails(), "# folder: waits for an answer: Go on?") {
		t.Errorf("the details are %q, %v", meta.GetCurrentDetails(), err)
	}
	var starts []string
	for events := s.Client.GetWorkflowHistory(t.Context(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.GetEventType() == enums.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED {
			var text string
			_ = converter.GetDefaultDataConverter().FromPayload(e.GetUserMetadata().GetSummary(), &text)
			starts = append(starts, text)
		}
	}
	if len(starts) != 1 || starts[0] != "start 1 of folder" {
		t.Errorf("its starts are %q", starts)
	}
	if l := listed(t, s, id); l.Procedure != "folder" || l.Operator != "anna" || l.Status != "Running" {
		t.Errorf("it is listed as %+v", l)
	}
}

// listed waits until a run is listed.
func listed(t *testing.T, s *servertest.Server, id string) (found temporal.Listed) {
	t.Helper()
	eventually(t, id+" is listed", func() bool {
		for l, err := range temporal.List(t.Context(), s.Client) {
			if err == nil && strings.HasPrefix(l.ID, id) {
				found = l
				return true
			}
		}
		return false
	})
	return found
}

// Search attributes are set where the namespace has them registered, and only there.
func TestSearchAttributes(t *testing.T) {
	t.Parallel()
	s := servertest.Open(t, "")
	begin := func(id string) {
		t.Helper()
		start(t, s, "nobody", id, temporal.Run{Procedure: "copyrc", Operator: "anna"})
	}
	begin("before")
	_, err := s.Client.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{Namespace: s.Namespace,
		SearchAttributes: map[string]enums.IndexedValueType{"RunbookProcedure": enums.INDEXED_VALUE_TYPE_KEYWORD, "RunbookOperator": enums.INDEXED_VALUE_TYPE_KEYWORD}})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a run has search attributes", func() bool {
		id := once("after")
		begin(id)
		d, err := s.Client.DescribeWorkflowExecution(t.Context(), id, "")
		return err == nil && len(d.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()) >= 2
	})
	d, err := s.Client.DescribeWorkflowExecution(t.Context(), "before", "")
	if err != nil {
		t.Fatal(err)
	}
	for name := range d.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields() {
		if strings.HasPrefix(name, "Runbook") {
			t.Errorf("before they were registered a run had %s", name)
		}
	}
}

// A schedule begins runs by itself, each under a name and with a journal of its own.
func TestSchedule(t *testing.T) {
	t.Parallel()
	s := shared(t)
	for _, name := range []string{"copyrc", "rollout"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc := scenes[name]
			dir, queue, id := sc.home(t), once("queue"), once("nightly-"+name)
			local(t, s, queue, dir)
			r := sc.run(t, name, dir)
			nightly, err := s.Client.ScheduleClient().Create(t.Context(), client.ScheduleOptions{ID: id,
				Spec: client.ScheduleSpec{CronExpressions: []string{"0 3 1 1 *"}}, Action: temporal.Action(queue, id, r)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = nightly.Delete(t.Context()) })
			if err := nightly.Trigger(t.Context(), client.ScheduleTriggerOptions{}); err != nil {
				t.Fatal(err)
			}
			l := listed(t, s, id)
			if l.ID == id || l.Procedure != name || l.Operator != "operator" {
				t.Errorf("the schedule began %+v", l)
			}
			go approve(t, s, l.ID)
			if res, err := ends(t, s, s.Client.GetWorkflow(t.Context(), l.ID, "")); err != nil || res.Ending != "done" {
				t.Errorf("%+v, %v", res, err)
			}
			done(t, s, l.ID)
			if want, got := sc.undisturbed(t, name), snapshot(t, dir); want != got {
				t.Error("the world is not that of a run with a journal in a file")
			}
		})
	}
}
