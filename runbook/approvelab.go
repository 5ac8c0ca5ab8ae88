package runbook

import (
	"context"
	"fmt"
)

// ApproveEverythingInALab says yes to every gate, under a name that is not
// excluded. It is for laboratories where nothing real is at stake, never for a
// server with phones behind it. What is in doubt it leaves to a person.
type ApproveEverythingInALab struct{}

// Ask implements Human.
func (ApproveEverythingInALab) Ask(_ context.Context, q Question) (Answer, error) {
	if q.Doubt {
		return Answer{}, fmt.Errorf("a doubt is for a person to resolve: %w", ErrPending)
	}
	by := "lab"
	for n := 2; excluded(q.Not, by); n++ {
		by = fmt.Sprintf("lab-%d", n)
	}
	return Answer{Verdict: Yes, By: by, Reason: "everything is approved in a lab", Digest: q.Digest}, nil
}
