package runbook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The states of a run, as [Status.StateWord] says them.
const (
	StateNone     = "not begun"
	StateUnderWay = "under way"
	StatePerson   = "waits for a person"
	StateTime     = "waits for a time"
	StateOwed     = "owed" // something is still held
	StateSettled  = "settled"
	StateCutOff   = "cut off" // the last start did not come to an end
)

// StateWord is the state of the run for programs: one of those above or, of a run that
// has ended, its Ending.
func (s Status) StateWord() string {
	switch {
	case s.Starts == 0:
		return StateNone
	case s.underWay():
		return StateUnderWay
	case s.Ending == "pending" && s.waitsForTime():
		return StateTime
	case s.Ending == "pending":
		return StatePerson
	case s.Ending == "":
		return StateCutOff
	}
	return s.Ending
}

// MarshalJSON implements json.Marshaler: beside the fields stands the state.
func (s Status) MarshalJSON() ([]byte, error) {
	type plain Status
	return json.Marshal(struct {
		State string `json:"state"`
		plain
	}{s.StateWord(), plain(s)})
}

// underWay reports whether a start has not come to its end yet.
func (s Status) underWay() bool { return s.Starts > 0 && s.Running != "" }

// waitsForTime reports whether the run waits for a time and for nobody.
func (s Status) waitsForTime() bool { return len(s.Waiting()) == 0 && !s.Due.IsZero() }

// WaitsUntil says which time the run waits for, if it does: "waits until 12:31 UTC (in
// 47 min)".
func (s Status) WaitsUntil() string {
	if s.Due.IsZero() {
		return ""
	}
	return "waits until " + until(s.Due, s.Read)
}

// State is what happened, in a few words, as the report has it.
func (s Status) State() string {
	switch state := s.StateWord(); state {
	case StateUnderWay:
		text := "under way: " + printable(s.Running)
		for _, rec := range s.Far {
			rec.Time = s.Read
			text += "; " + printable(rec.far())
		}
		return text
	case StateTime:
		return s.WaitsUntil() + "; start it again then"
	case StatePerson:
		text := "waits for an answer"
		if asked := s.Waiting(); len(asked) == 1 {
			text += ": " + printable(asked[0].question())
		} else if len(asked) > 1 {
			text = fmt.Sprintf("waits for %d answers", len(asked))
		}
		return text
	case StateOwed:
		return "SOMETHING IS STILL HELD"
	case StateSettled:
		return "settled before its end: nothing is held any more"
	case StateCutOff:
		return "cut off: the last start did not come to an end"
	case StateNone:
		return "no run yet"
	default:
		return state
	}
}

// question is what is asked in the step.
func (s StepStatus) question() string {
	if s.Verb == VerbDo {
		return doubtQuestion(s.Intent)
	}
	return s.Intent
}

// Held says what is held, and whether that is as it should be.
func (s Status) Held() string {
	var held []string
	for _, step := range s.Owed() {
		held = append(held, printable(step.Intent))
	}
	switch {
	case len(held) == 0:
		return "nothing"
	case s.underWay():
		return "held while it works: " + strings.Join(held, ", ")
	}
	return "STILL HELD: " + strings.Join(held, ", ")
}

// Next says what to do about the run, as the report has it.
func (s Status) Next() string {
	switch {
	case s.Starts == 0:
		return "start it"
	case s.underWay() && len(s.Waiting()) > 0:
		return s.answer() + ": the run is under way and waits for it"
	case s.underWay():
		return "wait; it is under way"
	case s.Ending == "" || s.Ending == "failed":
		if len(s.Owed()) > 0 {
			return "start it again with the same journal, which gives back what is held; or settle, which does only that"
		}
		if len(s.Waiting()) > 0 {
			return "see to the cause, " + s.answer() + ", and start it again with the same journal: what is done is not repeated"
		}
		return "see to the cause and start it again with the same journal: what is done is not repeated"
	case s.Ending == "owed":
		return "see to the cause and settle, or give it back by hand: until then it stays taken away"
	case s.Ending == settled:
		return "start it again with the same journal to go on: what is done is not repeated"
	case s.Ending == "pending" && s.waitsForTime():
		return "start it again at " + until(s.Due, s.Read) + ", with the same journal; earlier does no harm"
	case s.Ending == "pending":
		return s.answer() + ", then start it again with the same journal"
	case s.Ending == "in doubt":
		return "find out whether it happened, then start it again with the same journal"
	case s.Ending == "rejected":
		return "nothing; this run has ended. A new attempt needs a new journal"
	}
	if len(s.stillAway()) > 0 {
		return "look at what was held: it is not as this run found it, and this run has given back all that it took"
	}
	if len(s.InDoubt()) > 0 {
		return "find out whether what is in doubt happened: the procedure has no such step any more"
	}
	return "nothing; all is done"
}

// answer says who is to answer what is open.
func (s Status) answer() string {
	var not []string
	open := s.Waiting()
	for _, step := range open {
		not = append(not, step.Not...)
	}
	slices.Sort(not)
	switch not = slices.Compact(not); {
	case len(open) > 1:
		return "answer the questions"
	case len(not) > 0:
		return "have the question answered by somebody else than " + printable(strings.Join(not, ", "))
	}
	return "answer the question"
}

// stillAway lists what was given back and is away all the same.
func (s Status) stillAway() []StepStatus {
	return s.only(func(step StepStatus) bool { return step.Verb == VerbHold && step.Kind == Released && step.Error != "" })
}
