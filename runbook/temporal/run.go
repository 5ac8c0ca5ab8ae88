package temporal

import (
	"encoding/json"
	"time"

	"github.com/landingteam/landing/runbook"
)

// A Run says what a run is about. It is the input of its workflow, in plain for
// everybody who may read the namespace, unless the client has a codec that encrypts.
type Run struct {
	Procedure string          `json:"procedure"` // the name under which workers have it
	Input     json.RawMessage `json:"input"`     // of the procedure; the same again when it is started again
	Operator  string          `json:"operator"`  // who began it

	// Heartbeat is how long a worker may be silent before its start counts as lost, and
	// another goes on; 30 s when 0. A loss costs about that long.
	Heartbeat time.Duration `json:"heartbeat,omitempty"`

	// Recheck is how often a run that waits for a time or a person is started anyway,
	// so that it looks at its stop file and its health; never when 0.
	Recheck time.Duration `json:"recheck,omitempty"`
}

// A Phase is what a run's workflow is doing.
type Phase string

// The phases.
const (
	Working Phase = "working" // a start is under way on a worker, or waits for one
	Waiting Phase = "waiting" // for a person, a time, or whoever has the journal
	Failing Phase = "failed"  // for somebody who decides: see GoOn
	Ended   Phase = "ended"
)

// A State is what is known of a run without its journal.
type State struct {
	Phase  Phase     `json:"phase"`
	Starts int       `json:"starts"`
	Lost   int       `json:"lost,omitempty"` // starts whose worker died, or was silent
	Until  time.Time `json:"until,omitzero"` // when it is started again by itself
	Last   Result    `json:"last"`
}

// A Result is how a start ended.
type Result struct {
	Ending  string             `json:"ending"` // in the words of runbook.Ending
	Error   string             `json:"error,omitempty"`
	Lines   int                `json:"lines"` // of the journal
	Waiting []runbook.Question `json:"waiting,omitempty"`
	Owed    []string           `json:"owed,omitempty"` // steps that hold something
	Due     time.Time          `json:"due,omitzero"`
	Report  string             `json:"report,omitempty"`  // Markdown, the beginning of it
	Archive string             `json:"archive,omitempty"` // why the lines were not archived
	Busy    bool               `json:"busy,omitempty"`    // somebody else has the journal
	Put     []string           `json:"put,omitempty"`     // steps whose answers the engine was given
}

// A Decision is what becomes of a run that has failed, or that waits.
type Decision string

// The decisions.
const (
	Retry   Decision = "retry"   // start it again now
	Settle  Decision = "settle"  // give back what is held, and end
	Abandon Decision = "abandon" // end at once; what is owed stays on record
)

// An answered question, as it is carried to the next start.
type given struct {
	Run    string         `json:"run"`
	Step   string         `json:"step"`
	Asked  time.Time      `json:"asked"` // when: the same doubt may be asked again, about another try
	Answer runbook.Answer `json:"answer"`
	At     time.Time      `json:"at"`
	Put    bool           `json:"put,omitempty"` // a start that came to its end had it
}

// What is carried of answers, and how long one may be, in bytes: all of it is part of
// one event, of which a server takes 2 MiB.
const (
	maxGiven  = 200 // of the newest, one for each step
	maxAnswer = 4 << 10
)

// maxListed bounds the questions, and what is owed, of a result: a result is one event.
const maxListed = 200

// maxReport bounds the report that a result carries, in bytes.
const maxReport = 20_000

// cut shortens text to n bytes, at the end of a line where there is one.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	text = text[:n]
	for i := len(text) - 1; i > n/2; i-- {
		if text[i] == '\n' {
			return text[:i+1] + "...\n"
		}
	}
	return text + "..."
}
