package temporal

import (
	"context"
	"fmt"
	"io"
	"iter"

	"go.temporal.io/sdk/client"

	"github.com/landingteam/landing/runbook"
)

// Import copies the lines of a journal, such as those of a runbook.FileJournal, into an
// empty one: a run that began on a laptop goes on on a cluster, when it is started
// under the name that the journal is for, with the same input. It holds the lock until
// all is there; what was copied half-way by an earlier Import goes on.
//
// The other way needs nothing: write what [Lines] yields, each with a line end, into a
// file. A run goes on in one place only: end it there first, with [GoOn] and Abandon.
func Import(ctx context.Context, j *Journal, lines iter.Seq2[[]byte, error]) (n int, err error) {
	if _, err := runbook.StatusOf(ctx, runbook.ReadOnly(lines)); err != nil {
		return 0, fmt.Errorf("what is to be copied is no whole journal: %w", err)
	}
	unlock, err := j.Lock(ctx, "import")
	if err != nil {
		return 0, err
	}
	defer func() {
		if e := unlock(); err == nil {
			err = e
		}
	}()
	there := j.snapshot()
	for line, err := range lines {
		if err != nil {
			return n, err
		}
		if n < len(there) {
			if string(there[n]) != string(line) {
				return n, &runbook.Error{Kind: runbook.ErrJournal, Line: n + 1, Text: "the journal in the workflow " + j.ID + " is that of another run", Hint: "choose another name"}
			}
		} else if err := j.Append(ctx, line); err != nil {
			return n, err
		}
		n++
	}
	if n < len(there) {
		return n, &runbook.Error{Kind: runbook.ErrJournal, Line: n, Text: fmt.Sprintf("the journal in the workflow %s has %d lines already", j.ID, len(there)), Hint: "it is further than what you have: go on there"}
	}
	return n, nil
}

// WriteLines writes a journal as a file has it.
func WriteLines(w io.Writer, lines iter.Seq2[[]byte, error]) error {
	for line, err := range lines {
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line[:len(line):len(line)], '\n')); err != nil {
			return err
		}
	}
	return nil
}

// JournalOf is the journal of a run of that name, for [Import], or for a procedure that
// is run from a laptop.
func JournalOf(c client.Client, queue, id string) *Journal {
	return &Journal{Client: c, ID: journalID(id), Queue: queue}
}
