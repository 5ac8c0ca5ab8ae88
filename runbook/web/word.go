package web

import (
	"strings"
	"unicode"

	"github.com/landingteam/landing/runbook"
)

// The words for the state of a run, by which the list is filtered, are those of
// runbook.Status.StateWord, and one for what cannot be read.
const wordDamaged = "damaged"

// Endings of runs that are states of steps too; see runbook.Ending.
const (
	wordDoubt    = "in doubt"
	wordFailed   = "failed"
	wordRejected = "rejected"
	wordDone     = "done"
)

// words are all of them, those that need somebody first.
var words = []string{wordDamaged, runbook.StateOwed, wordDoubt, wordFailed, runbook.StatePerson, runbook.StateCutOff, runbook.StateUnderWay,
	runbook.StateTime, runbook.StateSettled, wordRejected, runbook.StateNone, wordDone}

// wordOf is the state of a run in one of the words.
func wordOf(s runbook.Status, bad error) string {
	if bad != nil {
		return wordDamaged
	}
	return s.StateWord()
}

// faultOf is what went wrong, with causes that are shared said once; waiting is no fault.
func faultOf(word, text string) string {
	if word == runbook.StatePerson || word == runbook.StateTime || word == runbook.StateUnderWay {
		return ""
	}
	return runbook.Status{Error: text}.Cause()
}

// class is a word as the style sheet has it.
func class(word string) string { return strings.ReplaceAll(word, " ", "-") }

// visible is what stands for a character of a text that others wrote.
func visible(c rune) rune {
	if c != '\n' && c != '\t' && (unicode.IsControl(c) || unicode.Is(unicode.Cf, c)) {
		return unicode.ReplacementChar
	}
	return c
}
