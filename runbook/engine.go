package runbook

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

type mode int

const (
	executing mode = iota
	planning
	settling
)

// engine is one start of a run: what the journal says, and what has happened
// since. All Runs of a start share it.
type engine struct {
	x       *Runner
	mode    mode
	settles bool // this start does nothing but settle
	id      string
	log     *slog.Logger
	guard   Guard

	// lock is a mutex that testing/synctest can see through. It guards what
	// stands below.
	lock   chan struct{}
	past   map[string]*state
	used   map[string]bool
	notes  map[string]bool
	far    map[string]time.Time // when the journal was told last how far something is
	tail   chain
	world  Record // the one that says what the run works on, if there is one
	broken error  // the first failed append; nothing starts after it
	plan   []Record

	unbound json.RawMessage // the world, while the journal does not say it
}

// state is what the journal says about one step.
type state struct {
	Record           // the last record
	asked  time.Time // when a person was asked first
	begun  time.Time // when the effect was tried last
	owed   bool      // hold: armed and not released since
}

func (x *Runner) engine(m mode) *engine {
	e := &engine{x: x, mode: m, settles: m == settling, log: x.Logger, lock: make(chan struct{}, 1),
		past: map[string]*state{}, used: map[string]bool{}, notes: map[string]bool{}, far: map[string]time.Time{}}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	e.guard, _ = x.Journal.(Guard)
	return e
}

func (e *engine) locked() func() {
	e.lock <- struct{}{}
	return func() { <-e.lock }
}

// load reads the journal and reports its first record, nil if it is empty.
func (e *engine) load(ctx context.Context) (*Record, error) {
	if e.x.Journal == nil {
		return nil, nil
	}
	var first *Record
	for line, err := range e.x.Journal.Lines(ctx) {
		if err != nil {
			return nil, journalError(err, "cannot be read")
		}
		rec, err := e.tail.next(line)
		if err != nil {
			return nil, err
		}
		if !rec.Kind.known() {
			return nil, &Error{Kind: ErrJournal, Line: rec.N, Step: rec.Step, Text: fmt.Sprintf("unknown kind of record %q", rec.Kind),
				Hint: "it was written by a newer program; use that one"}
		}
		if first == nil {
			first = &rec
		}
		e.apply(rec)
	}
	return first, nil
}

// apply folds a record into the state of its step.
func (e *engine) apply(rec Record) {
	if rec.Verb == VerbRun {
		if len(rec.World) > 0 {
			e.world = rec
		}
		return
	}
	if rec.Kind == Progress {
		return
	}
	if rec.Verb == VerbNote {
		e.notes[rec.Step+"\x00"+rec.Reason] = true
		return
	}
	old := e.past[rec.Step]
	s := &state{Record: rec}
	s.Prev, s.Input, s.Operator = "", nil, ""
	if old != nil {
		s.begun = old.begun
	}
	if rec.Kind == Started {
		s.begun = rec.Time
	}
	if rec.Kind == Asked {
		s.asked = rec.Time
		if old != nil && old.Kind == Asked && old.Digest == rec.Digest {
			s.asked = old.asked
		}
	}
	if rec.Verb == VerbHold {
		s.owed = rec.Kind != Released
	}
	e.past[rec.Step] = s
}

// append journals a record, updates the state and tells the observer.
func (e *engine) append(ctx context.Context, rec Record) error {
	defer e.locked()()
	return e.store(ctx, rec)
}

// progress tells how far something is, and journals it now and then.
func (e *engine) progress(rec Record) {
	if e.mode == settling {
		return
	}
	select {
	case e.lock <- struct{}{}:
	default:
		return // an effect does not wait for the journal to say this; the next word will do
	}
	defer func() { <-e.lock }()
	key, now := rec.Step+"\x00"+rec.Label, time.Now()
	if last, ok := e.far[key]; !ok {
		e.far[key] = now // what is over soon needs no record
	} else if e.mode != planning && now.Sub(last) >= progressEvery {
		e.far[key] = now
		_ = e.store(context.Background(), rec) // a journal that is broken stays so, and the next step says it
		return
	}
	rec.Time, rec.Run = now.UTC(), e.id
	e.tell(rec)
}

// store is append with the lock held.
func (e *engine) store(ctx context.Context, rec Record) error {
	if e.broken != nil {
		return e.broken
	}
	rec.Time = time.Now().UTC().Round(0)
	rec.Run = e.id
	rec.N = e.tail.n + 1
	rec.Prev = e.tail.prev
	rec.Error = shortened(rec.Error)
	line, sum, err := encode(rec)
	if limit := e.longest(); err == nil && len(line) > limit {
		return &tooLong{step: rec.Step, size: len(line), limit: limit}
	}
	if err == nil {
		// A record about something that has happened is written even if the
		// run was cancelled in the meantime.
		err = e.x.Journal.Append(context.WithoutCancel(ctx), line)
	}
	if err != nil {
		e.broken = journalError(err, "cannot be written")
		var own *Error
		if errors.As(e.broken, &own) && own.Step == "" {
			own.Step = rec.Step
		}
		e.log.Error("journal cannot be written: nothing more is started", "step", rec.Step, "err", err)
		return e.broken
	}
	e.tail = chain{n: rec.N, prev: sum}
	e.apply(rec)
	e.tell(rec)
	return nil
}

// conclude puts a result on record. One that is too long for the journal becomes a
// failure of that kind, and for an effect, which has happened, a doubt.
func (e *engine) conclude(ctx context.Context, rec Record, otherwise Kind) error {
	err := e.append(ctx, rec)
	if !errors.As(err, new(*tooLong)) {
		return err
	}
	rec.Kind, rec.Result, rec.Error = otherwise, nil, err.Error()
	if otherwise == Doubt {
		err = &Error{Kind: ErrInDoubt, Step: rec.Step, Err: err, Hint: "the next start looks, or asks, whether it happened"}
	}
	return join(err, e.append(ctx, rec))
}

// tooLong is a record that the journal does not keep.
type tooLong struct {
	step        string
	size, limit int
}

func (e *tooLong) Error() string {
	return fmt.Sprintf("the record has %d bytes, and a line of this journal at most %d: return less, or name a file", e.size, e.limit)
}

func (e *tooLong) Is(target error) bool { return target == ErrJournal || target == ErrInvalid }

// longest is the length of the longest line that the journal keeps.
func (e *engine) longest() int {
	if b, ok := e.x.Journal.(Bounded); ok && b.MaxLine() > 0 {
		return min(b.MaxLine(), maxLine)
	}
	return maxLine
}

// shortened is an error's text, which others may have made too long to be read.
func shortened(text string) string {
	const most = 32 << 10
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// unrecorded remembers that a hold was given back and that this is not on record.
func (e *engine) unrecorded(step string) {
	defer e.locked()()
	e.past[step].Error = "on record only: it was given back, and that could not be written down"
}

// last is the last record of a step.
func (e *engine) last(step string) Record {
	defer e.locked()()
	return e.past[step].Record
}

func journalError(err error, text string) error {
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	return &Error{Kind: ErrJournal, Text: text, Err: err, Hint: "put that right and start again: the run goes on where it stopped"}
}

// tell is called with the lock held.
func (e *engine) tell(rec Record) {
	if e.x.Observe != nil {
		e.x.Observe(rec)
	}
	if rec.Kind != Progress && e.log.Enabled(context.Background(), slog.LevelInfo) {
		e.log.Info(string(rec.Verb)+" "+string(rec.Kind), "run", rec.Run, "step", rec.Step, "intent", rec.Intent, "err", rec.Error)
	}
}

// list adds a line to the plan.
func (e *engine) list(rec Record) {
	defer e.locked()()
	rec.Run = e.id
	if rec.Time.IsZero() {
		rec.Time = time.Now().UTC()
	}
	e.plan = append(e.plan, rec)
	e.tell(rec)
}

// claim takes a name for a call and returns what the journal says about it.
func (e *engine) claim(step string, verb Verb, name, intent string) (*state, error) {
	defer e.locked()()
	if err := cmp.Or(goodName(name), goodName(step)); err != nil {
		return nil, &Error{Kind: ErrInvalid, Step: step, Text: err.Error(), Hint: "give the " + string(verb) + " another name"}
	}
	if !utf8.ValidString(intent) { // JSON would change it, and the next start diverge
		return nil, &Error{Kind: ErrInvalid, Step: step, Text: fmt.Sprintf("the intent %q is not UTF-8", intent), Hint: "quote what comes from elsewhere with %q"}
	}
	if e.used[step] {
		return nil, &Error{Kind: ErrDuplicate, Step: step, Hint: "every name stands once in its group: rename one, or use Group or Each"}
	}
	e.used[step] = true
	s := e.past[step]
	if s == nil {
		return nil, nil
	}
	if s.Verb != verb {
		return nil, &Error{Kind: ErrDiverged, Step: step, Line: s.N, Text: fmt.Sprintf("recorded as %q, now %q", s.Verb, verb),
			Hint: "give the new step another name"}
	}
	// What is owed is given back even by a procedure whose steps have changed
	// their wording, as long as the hold itself has not.
	if s.Intent != intent && verb != VerbGate && !(e.mode == settling && verb != VerbHold) {
		return nil, &Error{Kind: ErrDiverged, Step: step, Line: s.N, Text: fmt.Sprintf("recorded intent %q, now %q", s.Intent, intent),
			Hint: "start with a new journal, or give the changed step another name"}
	}
	c := *s
	return &c, nil
}

func goodName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case !utf8.ValidString(name):
		return fmt.Errorf("the name %q is not UTF-8", name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("the name %q has control characters", name)
	}
	return nil
}

// ready reports why nothing may start any more.
func (e *engine) ready(ctx context.Context) error {
	defer e.locked()()
	if e.broken != nil {
		return e.broken
	}
	return context.Cause(ctx)
}

func newID(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			b.WriteRune(c)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	var random [4]byte
	rand.Read(random[:]) // never fails
	return fmt.Sprintf("%s-%s-%s", strings.Trim(b.String(), "-"), time.Now().UTC().Format("20060102t150405"), hex.EncodeToString(random[:]))
}

// stopped is how a step without record ends a settling procedure.
func stopped(step string) error {
	return &Error{Kind: errStopped, Step: step}
}

var errStopped = errors.New("not done yet, and settling does nothing new")

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func raw(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	return json.Marshal(v)
}
