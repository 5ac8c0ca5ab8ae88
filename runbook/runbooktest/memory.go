// Package runbooktest helps to test procedures: a journal in memory, a scripted
// person, the conformance suite for journals, and a test that kills a procedure
// at every write of its journal.
//
//	what is to be shown                                   with
//	a procedure survives a kill at any moment             KillAnywhere, KillEvery
//	a journal of an older version still resumes           KillAfter
//	a step may be tried again, a hold given back twice    AssertIdempotent, AssertHold
//	what is asked of people, and what they answer         Human
//	a run goes on with what its journal says              Memory
//	a journal that cannot be written                      Memory.Fail
//	a process whose run was taken over                    Memory.Refuse
//	a journal of another kind keeps its promises          TestJournal
package runbooktest

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/landingteam/landing/runbook"
)

// Memory is a journal in memory. The zero value is empty and ready.
type Memory struct {
	mu     sync.Mutex
	lines  [][]byte
	locked bool
	owner  string
	// Fail, if set, is asked before a line is stored; its error is Append's.
	Fail func(line []byte) error
	// Longest, if set, is the length of the longest line that it keeps, in bytes.
	Longest int
	// Refuse, if set, is asked before each call of a function of the procedure;
	// its error is Enter's. It may be set while a run is under way, by a
	// function of the procedure.
	Refuse func(step string) error
}

// MaxLine implements runbook.Bounded.
func (m *Memory) MaxLine() int { return m.Longest }

// Enter implements runbook.Guard.
func (m *Memory) Enter(step string) error {
	if m.Refuse == nil {
		return nil
	}
	return m.Refuse(step)
}

// Leave implements runbook.Guard.
func (m *Memory) Leave(string) {}

// Lines implements runbook.Journal.
func (m *Memory) Lines(context.Context) iter.Seq2[[]byte, error] {
	m.mu.Lock()
	lines := m.lines[:len(m.lines):len(m.lines)]
	m.mu.Unlock()
	return func(yield func([]byte, error) bool) {
		for _, line := range lines {
			if !yield(append([]byte(nil), line...), nil) {
				return
			}
		}
	}
}

// Lock implements runbook.Journal.
func (m *Memory) Lock(_ context.Context, owner string) (func() error, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked {
		return nil, &runbook.Error{Kind: runbook.ErrLocked, Text: "by " + m.owner, Hint: "wait for it"}
	}
	m.locked, m.owner = true, owner
	return func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.locked = false
		return nil
	}, nil
}

// Append implements runbook.Journal.
func (m *Memory) Append(_ context.Context, line []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.locked {
		return fmt.Errorf("the journal is not locked")
	}
	if m.Fail != nil {
		if err := m.Fail(line); err != nil {
			return err
		}
	}
	if m.Longest > 0 && len(line) > m.Longest {
		return fmt.Errorf("the line has %d bytes, more than %d", len(line), m.Longest)
	}
	m.lines = append(m.lines, append([]byte(nil), line...))
	return nil
}

func (m *Memory) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.lines)
}

// survivor is what a dead process leaves: the lines, and no lock.
func (m *Memory) survivor() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Memory{lines: append([][]byte(nil), m.lines...)}
}
