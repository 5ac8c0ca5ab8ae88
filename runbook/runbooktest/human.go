package runbooktest

import (
	"context"
	"fmt"
	"sync"

	"github.com/landingteam/landing/runbook"
)

// Human is a scripted person. It answers a question by its step's full name;
// what it has no answer for stays pending.
type Human struct {
	Answers map[string]runbook.Answer

	mu    sync.Mutex
	asked []runbook.Question
}

// Ask implements runbook.Human.
func (h *Human) Ask(_ context.Context, q runbook.Question) (runbook.Answer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, q)
	a, ok := h.Answers[q.Step]
	if !ok {
		return a, fmt.Errorf("no answer for %s: %w", q.Step, runbook.ErrPending)
	}
	return a, nil
}

// Asked lists the questions so far.
func (h *Human) Asked() []runbook.Question {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]runbook.Question(nil), h.asked...)
}
