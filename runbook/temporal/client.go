package temporal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/temporal"

	"github.com/landingteam/landing/runbook"
)

// askFor is how long an answer or a decision waits for a worker to take it.
const askFor = 20 * time.Second

// Start begins a run on the workers of a task queue, or finds it when it is under way.
// A name is used once: what has ended is not begun again ([ErrExists]), so that
// nothing is done twice.
func Start(ctx context.Context, c client.Client, queue, id string, r Run) (client.WorkflowRun, error) {
	if !goodID(id) {
		return nil, &Error{Op: "start", ID: id, Kind: ErrRefused, Text: "the name of a run has letters, digits, dots, dashes, colons and underscores, up to 200"}
	}
	if n := len(r.Input); n > maxLine {
		return nil, &Error{Op: "start", ID: id, Kind: ErrRefused, Text: fmt.Sprintf("the input has %d bytes, more than %d", n, maxLine)}
	}
	options := StartOptions(queue, id, r)
	options.TypedSearchAttributes = sdk.NewSearchAttributes(attributeProcedure.ValueSet(r.Procedure), attributeOperator.ValueSet(r.Operator))
	run, err := c.ExecuteWorkflow(ctx, options, runType, runInput{Run: r})
	if unregistered(err) {
		options.TypedSearchAttributes = sdk.SearchAttributes{}
		run, err = c.ExecuteWorkflow(ctx, options, runType, runInput{Run: r})
	}
	return run, failure("start", id, err)
}

// Search attributes of runs that [Start] begins, where the namespace has both
// registered as keywords. They are never encrypted.
var (
	attributeProcedure = sdk.NewSearchAttributeKeyKeyword("RunbookProcedure")
	attributeOperator  = sdk.NewSearchAttributeKeyKeyword("RunbookOperator")
)

// unregistered reports whether a namespace does not know the search attributes.
func unregistered(err error) bool {
	var bad *serviceerror.InvalidArgument
	return errors.As(err, &bad) && (strings.Contains(bad.Message, "search attribute") || strings.Contains(bad.Message, "no mapping defined"))
}

// goodID keeps names fit for addresses and files, and apart from those of journals.
func goodID(id string) bool {
	return id != "" && len(id) <= 200 && id[0] != '.' && !strings.ContainsFunc(id, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(".-_:", c))
	})
}

// StartOptions are those of the workflow of a run, for who starts it by other means,
// such as a schedule: see [Action].
func StartOptions(queue, id string, r Run) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: id, TaskQueue: queue, WorkflowTaskTimeout: taskTimeout,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		// the SDK would else hand out the run that has ended
		WorkflowExecutionErrorWhenAlreadyStarted: true,

		StaticSummary: summary(r),
		Memo:          map[string]any{"procedure": r.Procedure, "operator": r.Operator},
	}
}

// summary is what Temporal's UI says of a run in one line.
func summary(r Run) string {
	return fmt.Sprintf("%s, begun by %s", r.Procedure, cmp.Or(r.Operator, "nobody"))
}

// taskTimeout is how long a worker may take to replay a workflow and go on. One that is
// frozen keeps the two tasks that it was about to get for as long: Temporal's ten
// seconds would let each sleep cost twenty.
const taskTimeout = 5 * time.Second

// Action makes a schedule begin a run: Temporal puts the time behind its name, so that
// each is a run, and a journal, of its own.
func Action(queue, id string, r Run) *client.ScheduleWorkflowAction {
	return &client.ScheduleWorkflowAction{ID: id, Workflow: runType, Args: []any{runInput{Run: r}}, TaskQueue: queue, WorkflowTaskTimeout: taskTimeout,
		StaticSummary: summary(r),
		Memo:          map[string]any{"procedure": r.Procedure, "operator": r.Operator}}
}

// Answer brings a person's answer to the question of a step. Who it is, the caller has
// to know: everybody who may write to the namespace can answer as anybody. Sent twice
// it counts once. Without a worker the error is [ErrUnknown].
func Answer(ctx context.Context, c client.Client, id, step string, a runbook.Answer) error {
	sum := sha256.Sum256([]byte(strings.Join([]string{step, a.Digest, a.By, a.Account, string(a.Verdict)}, "\x00")))
	return update(ctx, c, "answer", id, "answer-"+hex.EncodeToString(sum[:12]), updateAnswer, answerRequest{Step: step, Answer: a})
}

// GoOn decides what becomes of a run that has failed or waits.
func GoOn(ctx context.Context, c client.Client, id string, d Decision) error {
	return update(ctx, c, string(d), id, "", updateGoOn, d)
}

func update(ctx context.Context, c client.Client, op, id, updateID, name string, arg any) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	h, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: id, UpdateID: updateID, UpdateName: name, Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageCompleted})
	if err == nil {
		err = h.Get(ctx, nil)
	}
	if err != nil {
		return unanswered(ctx, op, id, err)
	}
	return nil
}

// Look is what is known of a run. It needs a worker; see [Lines] for the journal.
func Look(ctx context.Context, c client.Client, id string) (State, error) {
	var s State
	v, err := c.QueryWorkflow(ctx, id, "", queryState)
	if err == nil {
		err = v.Get(&s)
	}
	if err != nil {
		return s, failure("look at", id, err)
	}
	return s, nil
}

// Lines yields the journal of a run, also of one that has ended.
func Lines(ctx context.Context, c client.Client, id string) iter.Seq2[[]byte, error] {
	return (&Journal{Client: c, ID: journalID(id), Patience: askFor}).Lines(ctx)
}

// Status is what the journal of a run amounts to, and which worker is at it.
func Status(ctx context.Context, c client.Client, id string) (runbook.Status, error) {
	s, err := runbook.StatusOf(ctx, runbook.ReadOnly(Lines(ctx, c, id)))
	if err == nil && s.Run == "" {
		err = &Error{Op: "look at", ID: id, Kind: ErrNotFound, Text: "it has no journal"}
	}
	if err != nil {
		return s, err
	}
	d, err := c.DescribeWorkflowExecution(ctx, id, "")
	if errors.As(err, new(*serviceerror.NotFound)) {
		return s, nil // a journal alone
	}
	s.Running = atWork(d)
	return s, failure("look at", id, err)
}

// atWork is the worker that has the start of a run now; "" is none.
func atWork(d *workflowservice.DescribeWorkflowExecutionResponse) (worker string) {
	for _, a := range d.GetPendingActivities() {
		if a.GetState() != enums.PENDING_ACTIVITY_STATE_SCHEDULED {
			worker = "the worker " + a.GetLastWorkerIdentity()
		}
	}
	return worker
}

// A Listed is one run of a namespace.
type Listed struct {
	ID        string
	Procedure string
	Operator  string
	Began     time.Time
	Closed    time.Time // zero: it goes on
	Status    string    // in Temporal's words: Running, Completed, Failed, ...
	Version   string    // changes with every event of the run
}

// List yields the runs of the client's namespace, the newest first, until the
// retention of those that have ended is over.
func List(ctx context.Context, c client.Client) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		for info, err := range executions(ctx, c, runType) {
			if err != nil {
				yield(Listed{}, err)
				return
			}
			if !yield(listed(info), nil) {
				return
			}
		}
	}
}

// executions yields the workflows of a type, of each the newest execution.
func executions(ctx context.Context, c client.Client, kind string) iter.Seq2[*workflowpb.WorkflowExecutionInfo, error] {
	return func(yield func(*workflowpb.WorkflowExecutionInfo, error) bool) {
		for token := []byte(nil); ; {
			page, err := c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{NextPageToken: token,
				Query: fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus != 'ContinuedAsNew'", kind)})
			if err != nil {
				yield(nil, failure("list", "the runs", err))
				return
			}
			for _, info := range page.GetExecutions() {
				if !yield(info, nil) {
					return
				}
			}
			if token = page.GetNextPageToken(); len(token) == 0 {
				return
			}
		}
	}
}

func listed(info *workflowpb.WorkflowExecutionInfo) Listed {
	l := Listed{ID: info.GetExecution().GetWorkflowId(), Began: info.GetStartTime().AsTime(), Status: info.GetStatus().String(), Version: version(info)}
	if info.GetCloseTime() != nil {
		l.Closed = info.GetCloseTime().AsTime()
	}
	for name, field := range map[string]*string{"procedure": &l.Procedure, "operator": &l.Operator} {
		if p := info.GetMemo().GetFields()[name]; p != nil {
			_ = converter.GetDefaultDataConverter().FromPayload(p, field) // a memo is no secret: no codec sees it
		}
	}
	return l
}

func version(info *workflowpb.WorkflowExecutionInfo) string {
	return fmt.Sprintf("%s-%d", info.GetExecution().GetRunId(), info.GetHistoryLength())
}

// known tells a run that is there from a name that is none.
func known(ctx context.Context, c client.Client, id string) (*workflowpb.WorkflowExecutionInfo, error) {
	d, err := c.DescribeWorkflowExecution(ctx, id, "")
	if errors.As(err, new(*serviceerror.NotFound)) || errors.As(err, new(*serviceerror.InvalidArgument)) {
		return nil, &Error{Op: "look at", ID: id, Kind: ErrNotFound, Err: err}
	}
	if err != nil {
		return nil, failure("look at", id, err)
	}
	return d.GetWorkflowExecutionInfo(), nil
}
