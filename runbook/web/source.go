package web

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/landingteam/landing/runbook"
)

// A Source is where runs are: a [Folder] of journals, or another store. Its methods
// are called by several requests at once, and change nothing but Deliver.
type Source interface {
	// Runs lists what there is, in any order.
	Runs(ctx context.Context) ([]Entry, error)
	// Run is the entry of one name. A name that is none is fs.ErrNotExist: it
	// comes from the address of a request, and may be anything.
	Run(ctx context.Context, name string) (Entry, error)
	// Lines yields the lines of a run's journal, as those of a runbook.Journal.
	Lines(ctx context.Context, name string) iter.Seq2[[]byte, error]
	// Deliver brings an answer to a run, for its next look. The first counts:
	// after it the error is mailbox.ErrAnswered, and says who it was. One that
	// says later leaves the question open.
	Deliver(ctx context.Context, name string, q runbook.Question, a runbook.Answer) error
	// Delivered is the answer that a question was given and that its run has
	// not looked at yet; nil is none.
	Delivered(ctx context.Context, name string, q runbook.Question) (*runbook.Answer, error)
}

// A Planner is what a Source may implement besides, if plans are kept beside the runs.
type Planner interface {
	// Plan is what a run was to do, as runbook.Runner.Plan listed it; nil when
	// nobody has kept it.
	Plan(ctx context.Context, name string) ([]runbook.Record, error)
}

// An Entry is one run of a source.
type Entry struct {
	// Name is that of the run in the source: the name of its file.
	Name string
	// Version changes whenever the journal does. What was made of a journal is
	// kept under its version.
	Version string
	// Running says who runs it now, as runbook.Status has it; "" is nobody.
	Running string
}

// What is read, sent and kept at most.
const (
	maxForm    = 64 << 10         // of an answer, in bytes
	maxText    = 256 << 10        // of evidence on a page, in bytes; all of it is in the records
	maxSteps   = 5000             // on a page
	maxRows    = 200              // on a page of the list
	maxPlan    = 4 << 20          // of a plan, in bytes
	maxReads   = 4                // journals that are read at once
	maxStreams = 1000             // Handler.MaxStreams
	every      = time.Second      // Handler.Every
	patience   = 15 * time.Second // for one write to a client, or the body of a request
	lifetime   = 10 * time.Minute // of a stream; the page opens the next one
)

// statusOf reads the status of a run, whole but for what cannot be trusted: that is
// the error.
func (h *Handler) statusOf(ctx context.Context, e Entry) (runbook.Status, error) {
	select {
	case h.reads <- struct{}{}:
		defer func() { <-h.reads }()
	case <-ctx.Done():
		return runbook.Status{}, ctx.Err()
	}
	s, err := runbook.StatusOf(ctx, runbook.ReadOnly(h.Source.Lines(ctx, e.Name)))
	s.Running = e.Running
	return s, err
}

func (h *Handler) log() *slog.Logger {
	if h.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Logger
}
