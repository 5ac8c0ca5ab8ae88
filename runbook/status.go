package runbook

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"time"
)

// Records yields the records of a journal, oldest first, and an error at the
// first line that cannot be trusted. It needs no lock and changes nothing, so
// it may be used while the run is under way. Records of kinds that this
// program does not know are yielded too.
func Records(ctx context.Context, j Journal) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		var c chain
		for line, err := range j.Lines(ctx) {
			if err != nil {
				yield(Record{}, journalError(err, "cannot be read"))
				return
			}
			rec, err := c.next(line)
			if err != nil {
				yield(Record{}, err)
				return
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// Status is what the records of a run amount to.
type Status struct {
	Run       string          `json:"run"`
	Procedure string          `json:"procedure"`
	Input     json.RawMessage `json:"input,omitempty"`
	World     json.RawMessage `json:"world,omitempty"`    // what it works on
	Operator  string          `json:"operator,omitempty"` // of the last start
	Began     time.Time       `json:"began,omitzero"`
	Last      time.Time       `json:"last,omitzero"` // time of the last record
	Starts    int             `json:"starts"`
	// Ending is how the last start ended, in the words of [Ending]. It is
	// empty when the start has no end on record: it is under way, or was
	// killed. A start that only settled leaves it as it was, or makes it
	// "settled" if the run was cut off or something was owed.
	Ending string `json:"outcome,omitempty"`
	Error  string `json:"error,omitempty"` // how it failed
	// Due is when the run is to be started again, if it waits for a time.
	Due time.Time `json:"due,omitzero"`
	// Read is when the journal was read, which "in 47 min" is counted from.
	Read time.Time `json:"read,omitzero"`
	// Running says who has the journal, if somebody has.
	Running string `json:"running,omitempty"`
	// Steps are the calls in the order in which they appeared first.
	Steps []StepStatus `json:"steps"`
	// Far is how far the long effects are that the last start has not finished: the
	// last word of each.
	Far []Record `json:"far,omitempty"`
}

// StepStatus is what the records of one call, or one note, amount to.
type StepStatus struct {
	Record           // the last one
	Began  time.Time `json:"began"` // time of the first one
	Asked  time.Time `json:"asked,omitzero"`
	Tries  int       `json:"tries"` // how often it was started, or looked at
}

// Owed reports whether this is a hold that was not given back.
func (s StepStatus) Owed() bool { return s.Verb == VerbHold && s.Kind != Released }

// Waiting reports whether a person is asked.
func (s StepStatus) Waiting() bool { return s.Kind == Asked }

// InDoubt reports whether this is an effect of which nobody knows whether it
// happened; while its start is under way it is at work.
func (s StepStatus) InDoubt() bool {
	return s.Verb == VerbDo && (s.Kind == Started || s.Kind == Doubt || s.Kind == Asked)
}

// Question is what the person is asked, while Waiting; who answers elsewhere
// looks with its Check whether an answer counts.
func (s StepStatus) Question() Question { return s.asks(s.Run, s.Asked) }

// Owed lists the holds that were not given back.
func (s Status) Owed() []StepStatus { return s.only(StepStatus.Owed) }

// Waiting lists the questions that are open.
func (s Status) Waiting() []StepStatus { return s.only(StepStatus.Waiting) }

// InDoubt lists the effects of which nobody knows whether they happened.
func (s Status) InDoubt() []StepStatus { return s.only(StepStatus.InDoubt) }

func (s Status) only(f func(StepStatus) bool) (list []StepStatus) {
	for _, step := range s.Steps {
		if f(step) {
			list = append(list, step)
		}
	}
	return list
}

// summarize folds the records of one run into a status.
func summarize(records iter.Seq[Record]) Status {
	var s Status
	at := map[string]int{}
	for rec := range records {
		s.Last = rec.Time
		if rec.Verb == VerbRun {
			s.Far = nil
			s.start(rec)
			continue
		}
		if rec.Kind == Progress {
			s.far(rec)
			continue
		}
		key := rec.Step
		if rec.Verb == VerbNote {
			key += "\x00" + rec.Reason
		}
		i, ok := at[key]
		if !ok {
			i = len(s.Steps)
			at[key] = i
			s.Steps = append(s.Steps, StepStatus{Began: rec.Time})
		}
		s.Steps[i].add(rec)
		s.over(rec)
	}
	return s
}

// over forgets how far a step was that has come to an end: what it said under its own
// name or that of its group.
func (s *Status) over(rec Record) {
	if rec.Kind == Started || rec.Verb != VerbDo && rec.Verb != VerbWait {
		return
	}
	group := rec.Step[:max(0, strings.LastIndex(rec.Step, "/"))]
	s.Far = slices.DeleteFunc(s.Far, func(far Record) bool { return far.Step == rec.Step || far.Step == group })
}

// far keeps the last word on how far something is.
func (s *Status) far(rec Record) {
	s.Far = slices.DeleteFunc(s.Far, func(old Record) bool { return old.Step == rec.Step && (old.Label == rec.Label || rec.Due != nil) })
	if rec.Done < rec.Total || rec.Total == 0 {
		s.Far = append(s.Far, rec)
	}
}

// settled is how a start ended that only gave back what was owed.
const settled = "settled"

func (s *Status) start(rec Record) {
	s.Operator = rec.Operator
	switch {
	case rec.Kind == Ended && rec.Reason == settled:
		if s.Ending == "" || s.Ending == "owed" {
			s.Ending, s.Error = settled, ""
		}
		return
	case rec.Kind == Ended:
		s.Ending, s.Error = rec.Reason, rec.Error
		if rec.Due != nil {
			s.Due = *rec.Due
		}
		return
	case rec.Kind != Settling:
		s.Ending, s.Error, s.Due = "", "", time.Time{}
	}
	s.Starts++
	if len(rec.World) > 0 {
		s.World = rec.World
	}
	if rec.Kind == Opened {
		s.Run, s.Procedure, s.Input, s.Began = rec.Run, rec.Intent, rec.Input, rec.Time
	}
}

func (s *StepStatus) add(rec Record) {
	switch rec.Kind {
	case Asked:
		s.Asked = rec.Time
	case Started, Armed:
		s.Tries++
	case Done, Failed, Deferred:
		if rec.Verb != VerbDo && rec.Verb != VerbWait && rec.Verb != VerbHold {
			s.Tries++
		}
	case Approved, Rejected:
		rec.Evidence, rec.Shown = s.Evidence, s.Shown // it stands in the question only
	}
	s.Record = rec
}

// StatusOf is the status of the run that a journal keeps. It changes nothing and
// works while the run is under way. If the journal is damaged the status is that
// of the part before the damage, beside the error.
func StatusOf(ctx context.Context, j Journal) (Status, error) {
	var bad error
	read := time.Now().UTC()
	s := summarize(func(yield func(Record) bool) {
		for rec, err := range Records(ctx, j) {
			if err != nil {
				bad = err
				return
			}
			if !yield(rec) {
				return
			}
		}
	})
	s.Read = read
	return s, bad
}

// ReadStatus is [StatusOf] for the journal in a file, and says who runs it now.
func ReadStatus(path string) (Status, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return Status{}, &Error{Kind: ErrJournal, Text: "there is none", Err: err, Hint: "name the file that a run was started with"}
	}
	j, err := OpenFile(path)
	if err != nil {
		return Status{}, err
	}
	s, bad := StatusOf(context.Background(), j)
	s.Running = j.Running()
	return s, bad
}
