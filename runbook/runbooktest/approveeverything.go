package runbooktest

import (
	"context"
	"fmt"

	"github.com/landingteam/landing/runbook"
)

// ApproveEverything is a person who says yes to every gate, under a name that is not
// excluded. It is for laboratories where nothing real is at stake, never for a
// server with phones behind it. What is in doubt it leaves to a person.
type ApproveEverything struct{}

// Ask implements runbook.Human.
func (ApproveEverything) Ask(_ context.Context, q runbook.Question) (runbook.Answer, error) {
	if q.Doubt {
		return runbook.Answer{}, fmt.Errorf("a doubt is for a person to resolve: %w", runbook.ErrPending)
	}
	by := "lab"
	for n := 2; q.MayAnswer(by, "") != nil; n++ {
		by = fmt.Sprintf("lab-%d", n)
	}
	return runbook.Answer{Verdict: runbook.Yes, By: by, Reason: "everything is approved in a lab", Digest: q.Digest}, nil
}
