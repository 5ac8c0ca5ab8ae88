package web

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/runbook"
)

// A row is one run in the list; its JSON has the words of a status.
type row struct {
	Name      string    `json:"name"`
	Word      string    `json:"state"` // one of words
	State     string    `json:"says"`  // the same in a sentence
	Next      string    `json:"next"`
	Run       string    `json:"run"`
	Procedure string    `json:"procedure"`
	Operator  string    `json:"operator,omitempty"`
	Began     time.Time `json:"began,omitzero"`
	Last      time.Time `json:"last,omitzero"`
	Starts    int       `json:"starts"`
	Ending    string    `json:"outcome,omitempty"`
	Due       time.Time `json:"due,omitzero"`
	Running   string    `json:"running,omitempty"`
	Error     string    `json:"error,omitempty"`
	Owed      []string  `json:"owed,omitempty"`    // what is held, in words
	Waiting   []asked   `json:"waiting,omitempty"` // for whom
}

// asked is a question that is open, in the list.
type asked struct {
	Step     string    `json:"step"`
	Text     string    `json:"text"`
	Not      []string  `json:"not,omitempty"`
	Asked    time.Time `json:"asked"`
	Deadline time.Time `json:"deadline,omitzero"`
	Digest   string    `json:"digest"`
	OnNo     string    `json:"on_no,omitempty"`
}

// Bounds of what a row keeps of a journal.
const (
	maxRowText  = 1000
	maxRowSteps = 20
)

// listing keeps, under the version of its journal, what the list needs of a run: not
// the journal.
type listing struct {
	turn chan struct{} // one makes the list, others wait and find it made
	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	version string
	status  runbook.Status // without what the list does not show
	bad     error
}

// rows are all runs of the source, those that need somebody first. Only journals that
// have changed are read.
func (h *Handler) rows(ctx context.Context) ([]row, error) {
	select {
	case h.list.turn <- struct{}{}:
		defer func() { <-h.list.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	entries, err := h.Source.Runs(ctx)
	if err != nil {
		return nil, err
	}
	if err := h.catchUp(ctx, entries); err != nil {
		return nil, err
	}
	h.list.mu.Lock()
	rows := make([]row, 0, len(entries))
	now := make(map[string]kept, len(entries)) // what is gone is forgotten
	for _, e := range entries {
		k, ok := h.list.kept[e.Name]
		if !ok {
			continue // it went away while it was read
		}
		now[e.Name] = k
		rows = append(rows, rowOf(e, k))
	}
	h.list.kept = now
	h.list.mu.Unlock()
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), b.Last.Compare(a.Last), cmp.Compare(a.Name, b.Name))
	})
	return rows, nil
}

// catchUp reads the journals that are not kept, or have changed, a few at a time.
func (h *Handler) catchUp(ctx context.Context, entries []Entry) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	work := make(chan Entry)
	var workers sync.WaitGroup
	for range maxReads {
		workers.Go(func() {
			for e := range work {
				if err := h.read(ctx, e); err != nil {
					stop(err)
				}
			}
		})
	}
	for _, e := range entries {
		h.list.mu.Lock()
		k, ok := h.list.kept[e.Name]
		h.list.mu.Unlock()
		if ok && k.version == e.Version {
			continue
		}
		select {
		case work <- e:
		case <-ctx.Done():
		}
	}
	close(work)
	workers.Wait()
	return context.Cause(ctx)
}

// read reads one journal and keeps what the list needs of it.
func (h *Handler) read(ctx context.Context, e Entry) error {
	s, bad := h.statusOf(ctx, e)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(bad, fs.ErrNotExist) {
		return nil
	}
	var steps []runbook.StepStatus
	for _, step := range s.Steps {
		if (step.Owed() || step.Waiting() || step.InDoubt()) && len(steps) < maxRowSteps {
			step.Record = runbook.Record{Step: step.Step, Verb: step.Verb, Kind: step.Kind, Intent: short(step.Intent), Not: step.Not,
				Deadline: step.Deadline, Digest: step.Digest}
			steps = append(steps, step)
		}
	}
	s.Steps, s.Input, s.World, s.Error = steps, nil, nil, short(s.Error)
	h.list.mu.Lock()
	defer h.list.mu.Unlock()
	if h.list.kept == nil {
		h.list.kept = map[string]kept{}
	}
	h.list.kept[e.Name] = kept{e.Version, s, bad}
	return nil
}

// short cuts a text for the list, and lets go of the rest of it.
func short(text string) string {
	if len(text) > maxRowText {
		return strings.ToValidUTF8(text[:maxRowText], "") + "…"
	}
	return strings.Clone(text)
}

// rank is less for what needs somebody more: also what is owed by a run that was cut off,
// and what is asked by one that is under way.
func (r row) rank() int {
	rank := slices.Index(words, r.Word)
	if len(r.Owed) > 0 && r.Running == "" {
		rank = min(rank, slices.Index(words, runbook.StateOwed))
	}
	if len(r.Waiting) > 0 {
		rank = min(rank, slices.Index(words, runbook.StatePerson))
	}
	return rank
}

func rowOf(e Entry, k kept) row {
	s := k.status
	s.Running = e.Running
	r := row{Name: e.Name, Word: wordOf(s, k.bad), State: s.State(), Next: s.Next(), Run: s.Run, Procedure: s.Procedure, Operator: s.Operator,
		Began: s.Began, Last: s.Last, Starts: s.Starts, Ending: s.Ending, Due: s.Due, Running: s.Running, Error: s.Error}
	if k.bad != nil {
		r.State, r.Error, r.Next = "the journal is damaged", short(k.bad.Error()), ""
	}
	for _, step := range s.Owed() {
		r.Owed = append(r.Owed, step.Intent)
	}
	for _, step := range s.Waiting() {
		q := step.Question()
		r.Waiting = append(r.Waiting, asked{q.Step, q.Text, q.Not, q.Asked, q.Deadline, q.Digest, q.OnNo})
	}
	return r
}
