package runbook

import "fmt"

// Event is what somebody wants to be told about who is not there.
type Event string

// The events.
const (
	QuestionOpened Event = "question" // a person is asked
	RunFailed      Event = "failed"   // a start failed, or left something in doubt
	SomethingOwed  Event = "owed"     // something could not be given back
)

// Notice is what is told: one line, and a text.
type Notice struct {
	Event   Event
	Subject string
	Text    string
	Record  Record // that it is about
}

// Notify makes an observer, for [Runner.Observe], that calls tell when a question
// opens, when a start fails and when something is owed. As an observer it must not
// call the Run, and holds it up while it works. A question that is asked again at a
// later start is told of once.
func Notify(tell func(Notice)) func(Record) {
	return func(rec Record) {
		n := Notice{Record: rec}
		switch {
		case rec.Kind == Asked:
			q := Question{Evidence: rec.Evidence, Shown: rec.Shown, Digest: rec.Digest}
			text := StepStatus{Record: rec}.question()
			n.Event, n.Subject, n.Text = QuestionOpened, "asked: "+text, text
			if len(rec.Evidence) > 0 {
				n.Text = q.EvidenceText() + "\n\n" + text
			}
		case rec.Kind == Owed:
			n.Event, n.Subject, n.Text = SomethingOwed, "STILL HELD: "+rec.Intent, rec.Error
		case rec.Verb == VerbRun && rec.Kind == Ended && (rec.Reason == "failed" || rec.Reason == "in doubt"):
			n.Event, n.Subject, n.Text = RunFailed, rec.Reason+": run "+rec.Run, FoldCauses(rec.Error)
		default:
			return
		}
		n.Subject = printable(fmt.Sprintf("%.200s", n.Subject))
		tell(n)
	}
}
