package runbook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// What holds where a Runner, a Step or a Poll says nothing.
const (
	defaultCleanup  = 2 * time.Minute  // Runner.Cleanup: giving back a hold
	defaultTimeout  = 6 * time.Hour    // Step.Timeout: the Do of a step
	defaultEvery    = 30 * time.Second // Poll.Every: between two looks
	defaultDeadline = 2 * time.Hour    // Poll.Deadline: the waiting of one start
	progressEvery   = 30 * time.Second // how often the journal says how far an effect is
)

// Procedure is a runbook: a plain function that calls its clients inside named
// steps. It is called again on every start, so what it does outside steps must
// be harmless to repeat.
type Procedure func(ctx context.Context, r *Run) error

// Runner runs procedures. Name and, except for Plan, Journal are required.
type Runner struct {
	// Name of the procedure, part of the run's identity.
	Name string
	// Input is what the run is about. It is journalled as JSON, so it must not
	// hold credentials; a start with another input is ErrDiverged. A field
	// that was added later does not count while it is zero.
	Input any
	// World is what the run works on: the site's name, its host, its root, its
	// URL. It is journalled as JSON like Input. A start in another world is
	// ErrDiverged, also one that only plans or settles: what was done in one
	// says nothing about another, and what is owed there is not given back
	// here. A journal that does not say gets it at the next start.
	World any
	// Journal remembers. Without it nothing is executed.
	Journal Journal
	// Human answers gates and doubts. Nil means nobody is there: ErrPending.
	Human Human
	// Operator is who runs the program, for the journal.
	Operator string
	// Observe, if set, sees every record after it is stored, and progress. It
	// is called for one record at a time and must not call the Run.
	Observe func(Record)
	// Cleanup bounds giving back one hold after the run was cancelled or
	// failed; zero means 2 minutes.
	Cleanup time.Duration
	// Logger, if set, gets a line per record.
	Logger *slog.Logger
}

// Run is a procedure's handle on its run, or on a group of it.
type Run struct {
	e     *engine
	group string
	hold  *held
}

// ID is the identity of the run, made at its first start and the same ever
// after: lower-case letters, digits and dashes, good for names of jobs and
// marks. In a plan without journal it is one that will not come back.
func (r *Run) ID() string { return r.e.id }

// Planning reports whether this is a plan, where nothing may act.
func (r *Run) Planning() bool { return r.e.mode == planning }

// Group returns a handle whose names stand below name. The same group may be
// asked for more than once.
func (r *Run) Group(name string) *Run {
	return &Run{e: r.e, group: r.path(name), hold: r.hold}
}

func (r *Run) path(name string) string {
	if r.group == "" {
		return name
	}
	return r.group + "/" + name
}

// Last is the kind of the last record that the journal has of a step of this group:
// [Started] for one whose end nobody wrote down. It is empty for a step that was not
// begun.
func (r *Run) Last(name string) Kind {
	defer r.e.locked()()
	if s := r.e.past[r.path(name)]; s != nil {
		return s.Kind
	}
	return ""
}

// Note puts a line into the journal and the report: what a colleague should
// know. The same text in the same group is noted once.
func (r *Run) Note(text string) error {
	e := r.e
	switch unlock := e.locked(); {
	case e.notes[r.group+"\x00"+text], e.mode == settling:
		unlock()
		return nil
	default:
		unlock()
	}
	rec := Record{Step: r.group, Verb: VerbNote, Kind: Noted, Reason: text}
	if e.mode == planning {
		e.list(rec)
		return nil
	}
	return e.append(context.Background(), rec)
}

// Progress tells the observer how far a long effect is. Every 30 seconds it is
// journalled too, for those who look from elsewhere. total is 0 when it is not known.
func (r *Run) Progress(label string, done, total int64) {
	r.e.progress(Record{Step: r.group, Verb: VerbNote, Kind: Progress, Label: label, Done: done, Total: total})
}

// Execute runs the procedure, or goes on with it if its journal has a
// beginning. It returns what the procedure returned; ErrOwed is added when
// something could not be given back.
func (x *Runner) Execute(ctx context.Context, p Procedure) error {
	return x.start(ctx, executing, p)
}

func (x *Runner) start(ctx context.Context, m mode, p Procedure) (err error) {
	if x.Journal == nil {
		return &Error{Kind: ErrInvalid, Text: "Runner.Journal is nil", Hint: "nothing is executed unrecorded: use OpenFile"}
	}
	unlock, err := x.Journal.Lock(ctx, cmp.Or(x.Operator, "somebody"))
	if err != nil {
		return journalError(err, "cannot be locked")
	}
	defer func() {
		if e := unlock(); e != nil {
			err = errors.Join(err, journalError(e, "cannot be unlocked"))
		}
	}()
	e := x.engine(m)
	first, err := e.open(ctx)
	if errors.Is(err, ErrDiverged) {
		return join(e.debts(nil, false, "start with what is recorded, or give it back by hand"), err)
	}
	if err != nil {
		return err
	}
	begin := Record{Verb: VerbRun, Kind: Resumed, World: e.unbound, Operator: x.Operator}
	switch {
	case first == nil && m == settling:
		return nil // never started, nothing held
	case first == nil:
		input, err := asJSON("Input", x.Input)
		if err != nil {
			return err
		}
		begin.Kind, begin.Format, begin.Intent, begin.Input = Opened, journalFormat, x.Name, input
	case m == settling:
		begin.Kind = Settling
	}
	if err := e.append(ctx, begin); err != nil {
		return err
	}
	returned := false
	defer func() {
		if !returned { // a panic, which goes on after this
			e.append(ctx, Record{Verb: VerbRun, Kind: Ended, Reason: "failed", Error: "panic", Operator: x.Operator})
		}
	}()
	err = e.settle(ctx, p, p(ctx, &Run{e: e}))
	returned = true
	ended := Ending(err)
	if m == settling && err == nil {
		ended = settled
	}
	end := Record{Verb: VerbRun, Kind: Ended, Reason: ended, Error: textOf(err), Operator: x.Operator}
	if due := dueOf(err); !due.IsZero() {
		end.Due = &due
	}
	return join(err, e.append(ctx, end))
}

// open loads the journal and checks that it belongs to this runner.
func (e *engine) open(ctx context.Context) (*Record, error) {
	if err := goodName(e.x.Name); err != nil {
		return nil, &Error{Kind: ErrInvalid, Text: "Runner.Name: " + err.Error()}
	}
	first, err := e.load(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.bind(); err != nil {
		return nil, err
	}
	if first == nil {
		e.id = newID(e.x.Name)
		return nil, nil
	}
	e.id = first.Run
	if first.Intent != e.x.Name {
		return nil, &Error{Kind: ErrDiverged, Line: 1, Text: fmt.Sprintf("the journal is of procedure %q, this is %q", first.Intent, e.x.Name),
			Hint: "use another journal"}
	}
	input, err := asJSON("Input", e.x.Input)
	if err != nil {
		return nil, err
	}
	if !sameJSON(first.Input, input) {
		return nil, &Error{Kind: ErrDiverged, Line: 1, Text: fmt.Sprintf("recorded input %s, now %s", first.Input, input),
			Hint: "start again with the recorded input, or with a new journal"}
	}
	return first, nil
}

// bind checks that the journal is of this world. A journal that does not say
// which is bound to it by this start.
func (e *engine) bind() error {
	world, err := asJSON("World", e.x.World)
	switch {
	case err != nil:
		return err
	case len(e.world.World) == 0:
		e.unbound = world
	case !sameJSON(e.world.World, world):
		return &Error{Kind: ErrDiverged, Line: e.world.N, Text: fmt.Sprintf("the run works on %s, this is %s", e.world.World, cmp.Or(string(world), "nothing that has a name")),
			Hint: "name what the journal is of, or start with a new journal"}
	}
	return nil
}

// Plan runs the procedure without acting and returns what would happen, in
// order. Reads and probes look at the real world. With the journal of a run
// that has begun, what is done is listed as done. Nothing is written, created
// or locked. The records are valid also when the procedure failed.
func (x *Runner) Plan(ctx context.Context, p Procedure) ([]Record, error) {
	e := x.engine(planning)
	if _, err := e.open(ctx); err != nil {
		return nil, err
	}
	err := p(ctx, &Run{e: e})
	return e.plan, err
}

// WritePlan is Plan for people: a line for each record, in the words of
// [Record.String]: what is done already, what would be done, and what a person
// would be asked. What was only looked at has no line. What a procedure that
// fails would do before is written too.
func (x *Runner) WritePlan(ctx context.Context, w io.Writer, p Procedure) error {
	plan, err := x.Plan(ctx, p)
	var b strings.Builder
	for _, rec := range plan {
		if rec.Kind == Done && rec.Verb != VerbDo && rec.Verb != VerbWait {
			continue
		}
		fmt.Fprintf(&b, "%v\n", rec)
	}
	if b.Len() == 0 && (err == nil || len(plan) > 0) {
		b.WriteString("nothing to do\n")
	}
	if _, bad := io.WriteString(w, b.String()); err == nil {
		err = bad
	}
	return err
}
