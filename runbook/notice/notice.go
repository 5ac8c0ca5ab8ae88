// Package notice tells those who are not there what a run wants of a person.
//
// [Observer] makes an observer for runbook.Runner that calls a function with a
// Notice when a question opens, when a start fails, and when something is owed: a
// mail, a message in a chat, a sound. Which of them it is stands in its Event. For
// all runs of a folder, web.Handler has a Watch, which tells of the same events.
//
//	situation                                    event
//	a person is asked                            Question
//	a start failed, or left something in doubt   Failed
//	something could not be given back            Owed
//
// Telling has no error: what goes wrong in it is for the function to log.
package notice

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/landingteam/landing/runbook"
)

// Event is what somebody wants to be told about who is not there.
type Event string

// The events.
const (
	Question Event = "question" // a person is asked
	Failed   Event = "failed"   // a start failed, or left something in doubt
	Owed     Event = "owed"     // something could not be given back
)

// Notice is what is told: one line, and a text.
type Notice struct {
	Event   Event
	Subject string
	Text    string
	Record  runbook.Record // that it is about
}

// Observer makes an observer, for Runner.Observe, that calls tell when a question
// opens, when a start fails and when something is owed. As an observer it must not
// call the Run, and holds it up while it works. A question that is asked again at a
// later start is told of once.
func Observer(tell func(Notice)) func(runbook.Record) {
	return func(rec runbook.Record) {
		n := Notice{Record: rec}
		switch {
		case rec.Kind == runbook.Asked:
			q := runbook.StepStatus{Record: rec}.Question()
			n.Event, n.Subject, n.Text = Question, "asked: "+q.Text, q.Text
			if len(rec.Evidence) > 0 {
				n.Text = q.EvidenceText() + "\n\n" + q.Text
			}
		case rec.Kind == runbook.Owed:
			n.Event, n.Subject, n.Text = Owed, "STILL HELD: "+rec.Intent, rec.Error
		case rec.Verb == runbook.VerbRun && rec.Kind == runbook.Ended && (rec.Reason == "failed" || rec.Reason == "in doubt"):
			n.Event, n.Subject, n.Text = Failed, rec.Reason+": run "+rec.Run, runbook.Status{Error: rec.Error}.Cause()
		default:
			return
		}
		n.Subject = strings.Map(visible, fmt.Sprintf("%.200s", n.Subject))
		tell(n)
	}
}

// visible is what stands for a character that could steer a terminal or break a line.
func visible(c rune) rune {
	if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
		return unicode.ReplacementChar
	}
	return c
}
