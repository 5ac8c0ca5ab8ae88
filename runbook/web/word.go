package web

import (
	"strings"
	"unicode"

	"github.com/landingteam/landing/runbook"
)

// The words for the state of a run, by which the list is filtered, those that need
// somebody first.
const (
	wordDamaged  = "damaged"
	wordOwed     = "owed"
	wordDoubt    = "in doubt"
	wordFailed   = "failed"
	wordWaiting  = "waiting"
	wordCutOff   = "cut off"
	wordRunning  = "under way"
	wordDue      = "due later"
	wordSettled  = "settled"
	wordRejected = "rejected"
	wordDone     = "done"
)

var words = []string{wordDamaged, wordOwed, wordDoubt, wordFailed, wordWaiting, wordCutOff, wordRunning, wordDue, wordSettled, wordRejected, wordDone}

// wordOf is the state of a run in one of the words.
func wordOf(s runbook.Status, bad error) string {
	switch {
	case bad != nil:
		return wordDamaged
	case s.Running != "" && len(s.Waiting()) > 0:
		return wordWaiting
	case s.Running != "":
		return wordRunning
	case len(s.Owed()) > 0:
		return wordOwed
	case s.Ending == "":
		return wordCutOff
	case s.Ending != "pending":
		return s.Ending
	case len(s.Waiting()) == 0 && !s.Due.IsZero():
		return wordDue
	}
	return wordWaiting
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
