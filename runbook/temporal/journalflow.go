package temporal

import (
	"bytes"
	"errors"
	"fmt"

	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// What a server takes: one event of 2 MiB, beyond which it ends the workflow, and
// 2,000 updates of one execution. A journal stays below, also by the third that bytes
// grow by in JSON.
const (
	maxLine    = 1 << 20    // of one line, in bytes
	maxPacked  = 1400 << 10 // of all lines, packed, with what came since unpacked
	reserve    = 64 << 10   // beyond that, for who only gives back what is held
	repackAt   = 256 << 10  // of lines since the last packing: the next execution begins
	maxUpdates = 500        // of one execution
	pageSize   = 1 << 20    // of one answer to a query, unpacked
)

// Names of the journal's workflow, its updates, its query and its signal.
const (
	journalType  = "runbook.Journal"
	updateLock   = "journal-lock"
	updateAppend = "journal-append"
	updateUnlock = "journal-unlock"
	queryLines   = "journal-lines"
	signalClose  = "journal-close"
)

// Types of the errors with which a workflow refuses.
const (
	refusedLocked     = "runbook.locked"
	refusedSuperseded = "runbook.superseded"
	refusedOrder      = "runbook.order"
	refusedFull       = "runbook.full"
	refusedAnswer     = "runbook.answer"
	refusedUnknown    = "runbook.unknown-procedure"
)

func refuse(kind, format string, args ...any) error {
	return sdk.NewNonRetryableApplicationError(fmt.Sprintf(format, args...), kind, nil)
}

// A lockRequest asks to be the only writer.
type lockRequest struct {
	Owner string `json:"owner"`
	// Epoch and Start order the starts of one run: a later one takes the lock from an
	// earlier one, which may be dead or asleep. With epoch 0 nobody is superseded.
	Epoch int64 `json:"epoch,omitempty"`
	Start int   `json:"start,omitempty"`

	Settle bool `json:"settle,omitempty"` // only to give back what is held
	Take   bool `json:"take,omitempty"`   // from whoever has it: see Journal.Take
}

func (q lockRequest) before(o lockRequest) bool {
	return q.Epoch < o.Epoch || q.Epoch == o.Epoch && q.Start < o.Start
}

type lockReply struct {
	Token int `json:"token"` // the fence: what is appended carries it
	Lines int `json:"lines"`
}

type appendRequest struct {
	Token int    `json:"token"`
	N     int    `json:"n"` // number of the line, from 1
	Line  []byte `json:"line"`
}

// A journalSnapshot carries a journal from one execution to the next.
type journalSnapshot struct {
	Lines []byte      `json:"lines,omitempty"` // packed
	Lock  lockRequest `json:"lock"`
	Token int         `json:"token"`
	Held  bool        `json:"held,omitempty"`
	Close bool        `json:"close,omitempty"` // as soon as nobody holds it
}

// journalState is lines and a lock. It never looks into a line, so that a journal
// replays under any version of the engine and of the procedures.
type journalState struct {
	lines   [][]byte
	packed  int // bytes of the lines that the execution began with, packed
	since   int // bytes of the lines since
	lock    lockRequest
	token   int
	held    bool
	updates int // of this execution
}

func restore(in journalSnapshot) (*journalState, error) {
	lines, err := unpack(in.Lines)
	return &journalState{lines: lines, packed: len(in.Lines), lock: in.Lock, token: in.Token, held: in.Held}, err
}

func (s *journalState) save() (journalSnapshot, error) {
	b, err := pack(s.lines)
	return journalSnapshot{Lines: b, Lock: s.lock, Token: s.token, Held: s.held}, err
}

// checkLock refuses a second writer, and an old one that wakes.
func (s *journalState) checkLock(q lockRequest) error {
	switch {
	case s.held && q == s.lock && q.Epoch > 0:
		return nil // the same again: its answer was lost
	case q.Take:
		return nil
	case q.Epoch > 0 && s.lock.Epoch > 0 && !s.lock.before(q):
		return refuse(refusedSuperseded, "superseded by %s", s.lock.Owner)
	case s.held && (q.Epoch == 0 || s.lock.Epoch == 0):
		return refuse(refusedLocked, "by %s", s.lock.Owner)
	}
	return nil
}

// checkAppend refuses whoever has lost the lock, and what would destroy the journal.
func (s *journalState) checkAppend(q appendRequest) error {
	switch {
	case q.Token != s.token || !s.held:
		return refuse(refusedSuperseded, "somebody else has the journal: %s", s.lock.Owner)
	case s.again(q):
		return nil
	case q.N != len(s.lines)+1:
		return refuse(refusedOrder, "line %d, but there are %d", q.N, len(s.lines))
	case len(q.Line) > maxLine:
		return refuse(refusedFull, "a line of %d bytes, more than %d", len(q.Line), maxLine)
	case s.packed+s.since+len(q.Line) > s.room():
		return refuse(refusedFull, "the journal is full after %d lines: %d KiB packed and %d KiB since", len(s.lines), s.packed>>10, s.since>>10)
	}
	return nil
}

// room is how much the journal may hold for who has it now.
func (s *journalState) room() int {
	if s.lock.Settle {
		return maxPacked + reserve
	}
	return maxPacked
}

// again reports whether a line is there: its answer was lost, and it is sent again.
func (s *journalState) again(q appendRequest) bool {
	return q.N >= 1 && q.N <= len(s.lines) && bytes.Equal(s.lines[q.N-1], q.Line)
}

// take takes the lock for q.
func (s *journalState) take(_ workflow.Context, q lockRequest) (lockReply, error) {
	s.updates++
	if err := s.checkLock(q); err != nil {
		return lockReply{}, err
	}
	if !s.held || q != s.lock {
		s.token++
	}
	s.held, s.lock = true, q
	return lockReply{s.token, len(s.lines)}, nil
}

func (s *journalState) append(_ workflow.Context, q appendRequest) error {
	s.updates++
	if err := s.checkAppend(q); err != nil {
		return err
	}
	if !s.again(q) {
		s.lines = append(s.lines, q.Line)
		s.since += len(q.Line) + 1
	}
	return nil
}

func (s *journalState) release(_ workflow.Context, token int) error {
	s.updates++
	if token == s.token {
		s.held = false
	}
	return nil
}

// page is what a query gets: lines from a number on, from 0.
func (s *journalState) page(from int) ([]byte, error) {
	if from < 0 || from >= len(s.lines) {
		return nil, nil
	}
	n, end := 0, from
	for end < len(s.lines) && (n == 0 || n+len(s.lines[end]) < pageSize) {
		n += len(s.lines[end])
		end++
	}
	return pack(s.lines[from:end])
}

func (s *journalState) full(ctx workflow.Context) bool {
	return s.updates >= maxUpdates || s.since >= repackAt || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
}

// journalWorkflow keeps the journal of one run until it is closed.
func journalWorkflow(ctx workflow.Context, in journalSnapshot) error {
	s, err := restore(in)
	if err != nil {
		return err
	}
	err = errors.Join(
		workflow.SetUpdateHandlerWithOptions(ctx, updateLock, s.take, workflow.UpdateHandlerOptions{Validator: s.checkLock}),
		workflow.SetUpdateHandlerWithOptions(ctx, updateAppend, s.append, workflow.UpdateHandlerOptions{Validator: s.checkAppend}),
		workflow.SetUpdateHandlerWithOptions(ctx, updateUnlock, s.release, workflow.UpdateHandlerOptions{}),
		workflow.SetQueryHandler(ctx, queryLines, s.page),
	)
	if err != nil {
		return err
	}
	closed := in.Close
	workflow.Go(ctx, func(ctx workflow.Context) {
		workflow.GetSignalChannel(ctx, signalClose).Receive(ctx, nil)
		closed = true
	})
	err = workflow.Await(ctx, func() bool {
		return (closed && !s.held || s.full(ctx)) && workflow.AllHandlersFinished(ctx)
	})
	if err != nil || closed && !s.held {
		return err
	}
	next, err := s.save()
	if err != nil {
		return err
	}
	next.Close = closed
	return workflow.NewContinueAsNewError(ctx, journalType, next)
}
