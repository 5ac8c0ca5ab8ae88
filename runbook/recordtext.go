package runbook

import (
	"cmp"
	"fmt"
	"strings"
)

// String puts a record into one line for a person: what happened or, in a plan,
// what would happen, by its intent or else its step's name. Time, result and
// evidence are not in it.
func (rec Record) String() string {
	text := cmp.Or(rec.Intent, rec.Step)
	switch rec.Kind {
	case Opened, Resumed, Settling:
		text = "run " + rec.Run
	case Planned:
		if len(rec.Not) > 0 {
			text += " (not " + strings.Join(rec.Not, ", ") + ")"
		}
	case Released:
		text += releasedText(rec)
	case Approved, Rejected:
		text += " (" + said(rec) + ")"
	case Noted:
		text = rec.Reason
	case Progress:
		text = rec.far()
	case Deferred:
		if rec.Due != nil {
			text += ", until " + until(*rec.Due, rec.Time)
		}
	}
	if rec.Error != "" && rec.Kind != Deferred {
		text += ": " + rec.Error
	}
	return printable(fmt.Sprintf("%-9s  %s", rec.word(), strings.NewReplacer("\n", "; ", "\t", " ").Replace(text)))
}

// word is what happened, in the words of people.
func (rec Record) word() string {
	switch rec.Kind {
	case Opened, Resumed, Settling:
		return startWord(rec.Kind)
	case Planned:
		return plannedWord(rec.Verb)
	case Done:
		return doneWord(rec.Verb)
	case Adopted:
		return "is so"
	case Acquired:
		return "hold"
	case Released:
		return "give back"
	case Noted:
		return "note"
	case Progress:
		return "..."
	case Failed, Owed:
		return strings.ToUpper(string(rec.Kind))
	case Doubt:
		return "IN DOUBT"
	case Deferred:
		return "waits"
	}
	return string(rec.Kind)
}

// far is how far a long effect is.
func (rec Record) far() string {
	if rec.Due != nil { // it waits
		return "waits until " + until(*rec.Due, rec.Time) + ": " + rec.Label
	}
	text := fmt.Sprintf("%s: %d", rec.Label, rec.Done)
	if rec.Total > 0 {
		text += fmt.Sprintf(" of %d", rec.Total)
	}
	return text
}

// said is who decided something and why.
func said(rec Record) string {
	if by := person(rec.By, rec.Account); by != "" && rec.Reason != "" {
		return by + ": " + rec.Reason
	} else if by != "" {
		return "by " + by
	}
	return rec.Reason
}

// releasedText is what is said of a hold that was given back, beside an error.
func releasedText(rec Record) (text string) {
	if rec.Reason != "" {
		text = " (" + rec.Reason + ")"
	}
	if rec.Seen != "" && rec.Error == "" {
		text += ": " + rec.Seen
	}
	return text
}

func startWord(k Kind) string {
	switch k {
	case Resumed:
		return "go on"
	case Settling:
		return "settle"
	}
	return "begin"
}

func plannedWord(v Verb) string {
	switch v {
	case VerbGate:
		return "ask"
	case VerbVerify:
		return "check"
	}
	return string(v)
}

func doneWord(v Verb) string {
	switch v {
	case VerbRead:
		return "look"
	case VerbVerify:
		return "checked"
	case VerbRequire:
		return "given"
	}
	return string(Done)
}
