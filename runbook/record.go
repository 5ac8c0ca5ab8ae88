package runbook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// journalFormat is the version of the journal format that this package writes.
// Journals of a newer format are refused.
const journalFormat = 1

// maxLine bounds one journal line, so that a damaged or hostile journal cannot
// take all memory.
const maxLine = 16 << 20

// Verb says which call of the procedure a record is about.
type Verb string

// The verbs.
const (
	VerbRun     Verb = "run" // the run itself
	VerbRead    Verb = "read"
	VerbDo      Verb = "do"
	VerbWait    Verb = "wait"
	VerbHold    Verb = "hold"
	VerbGate    Verb = "gate"
	VerbRequire Verb = "require"
	VerbVerify  Verb = "verify"
	VerbNote    Verb = "note"
)

// Kind says what happened.
type Kind string

// The kinds. Planned is never in a journal.
const (
	Opened   Kind = "opened"   // run: first record of a journal
	Resumed  Kind = "resumed"  // run: started again
	Settling Kind = "settling" // run: started only to give back what is held
	Ended    Kind = "ended"    // run: this start ended; Error says how, if not well
	Started  Kind = "started"  // do, wait: about to act, or to look
	Done     Kind = "done"     // read, do, wait, require, verify: with the result
	Adopted  Kind = "adopted"  // do: it was so already
	Failed   Kind = "failed"   // with the error
	Deferred Kind = "deferred" // it is for a later time: Due
	Doubt    Kind = "doubt"    // do: nobody knows whether it happened
	Armed    Kind = "armed"    // hold: about to take; from here on it is owed
	Acquired Kind = "acquired" // hold: taken
	Released Kind = "released" // hold: given back
	Owed     Kind = "owed"     // hold: giving back failed
	Asked    Kind = "asked"    // gate, or a do in doubt: a person is asked
	Approved Kind = "approved" // gate
	Rejected Kind = "rejected" // gate
	Noted    Kind = "noted"    // note: Reason is its text

	Planned  Kind = "planned"  // plan only: this is what would happen
	Progress Kind = "progress" // how far a long effect is: Label, Done, Total
)

func (k Kind) known() bool {
	switch k {
	case Opened, Resumed, Settling, Ended, Started, Done, Adopted, Failed, Deferred, Doubt,
		Armed, Acquired, Released, Owed, Asked, Approved, Rejected, Noted, Progress:
		return true
	}
	return false
}

// Record is one thing that happened: a line of the journal, an event for an
// observer, a line of a plan.
type Record struct {
	Format     int             `json:"format,omitempty"` // in the first record
	N          int             `json:"n,omitempty"`      // line of the journal, from 1
	Time       time.Time       `json:"time"`
	Run        string          `json:"run"`            // identity of the run
	Step       string          `json:"step,omitempty"` // group and name, joined by "/"
	Verb       Verb            `json:"verb"`
	Kind       Kind            `json:"kind"`
	Intent     string          `json:"intent,omitempty"`      // a gate's question, a run's procedure
	Result     json.RawMessage `json:"result,omitempty"`      // what the step returned
	Input      json.RawMessage `json:"input,omitempty"`       // of the run, in the first record
	World      json.RawMessage `json:"world,omitempty"`       // what the run works on, in the first record
	Evidence   json.RawMessage `json:"evidence,omitempty"`    // what a person was shown
	Shown      string          `json:"shown,omitempty"`       // the text of the evidence, if it has one
	Digest     string          `json:"digest,omitempty"`      // SHA-256 of question and evidence
	Not        []string        `json:"not,omitempty"`         // who may not answer
	NeedReason bool            `json:"need_reason,omitempty"` // an answer must say why
	OnNo       string          `json:"on_no,omitempty"`       // what a no leads to
	Deadline   *time.Time      `json:"deadline,omitempty"`    // when asking ends
	Due        *time.Time      `json:"due,omitempty"`         // when to start again, of a step and of the end of a start
	By         string          `json:"by,omitempty"`          // who answered
	Account    string          `json:"account,omitempty"`     // the system's name of By
	Reason     string          `json:"reason,omitempty"`      // why, in the words of By
	Seen       string          `json:"seen,omitempty"`        // of a hold at its end: how it is, in the words of its Look
	Error      string          `json:"error,omitempty"`
	Operator   string          `json:"operator,omitempty"` // who ran the program
	Prev       string          `json:"prev,omitempty"`     // SHA-256 of the record before

	// Of progress.
	Label string `json:"label,omitempty"` // what is being counted
	Done  int64  `json:"done,omitempty"`
	Total int64  `json:"total,omitempty"` // 0 when unknown

	// Extra holds the fields of a line that this version does not know.
	Extra map[string]json.RawMessage `json:"-"`
}

// failed makes of rec that it failed with err or, if that waits for a time, that
// it is for later.
func (rec Record) failed(err error) Record {
	rec.Kind, rec.Error = Failed, err.Error()
	if due := dueOf(err); !due.IsZero() && only(err, ErrPending) {
		rec.Kind, rec.Due = Deferred, &due
	}
	return rec
}

const (
	sumField = `,"sum":"`
	sumLen   = len(sumField) + 2*sha256.Size + len(`"}`)
)

// encode makes the journal line of a record, without line end, and its sum.
// The sum stands at the end of its own line as well as, as Prev, in the next
// one, so that an edited last line is noticed too. What cannot be noticed is a
// journal that was cut behind a whole line.
func encode(rec Record) (line []byte, sum string, err error) {
	body, err := json.Marshal(rec)
	if err != nil {
		return nil, "", err
	}
	body = body[:len(body)-1]
	h := sha256.Sum256(body)
	sum = hex.EncodeToString(h[:])
	line = append(body, sumField...)
	line = append(line, sum...)
	return append(line, `"}`...), sum, nil
}

// chain reads journal lines one after the other and checks them.
type chain struct {
	n    int
	prev string
	buf  []byte
}

// next decodes the next line. The error says what is wrong with it.
func (c *chain) next(line []byte) (Record, error) {
	var rec Record
	c.n++
	bad := func(format string, args ...any) (Record, error) {
		return rec, &Error{Kind: ErrJournal, Line: c.n, Text: fmt.Sprintf(format, args...),
			Hint: "restore the journal as it was written, or start a new one"}
	}
	if len(line) > maxLine {
		return bad("line longer than %d bytes", maxLine)
	}
	cut := len(line) - sumLen
	if cut < 1 || !bytes.HasPrefix(line[cut:], []byte(sumField)) || !bytes.HasSuffix(line, []byte(`"}`)) {
		return bad("not a journal line")
	}
	sum := string(line[cut+len(sumField) : len(line)-2])
	h := sha256.Sum256(line[:cut])
	var text [2 * sha256.Size]byte
	if hex.Encode(text[:], h[:]); string(text[:]) != sum {
		return bad("edited: its checksum does not match")
	}
	c.buf = append(append(c.buf[:0], line[:cut]...), '}')
	body := c.buf
	if err := json.Unmarshal(body, &rec); err != nil {
		return bad("not a record: %v", err)
	}
	if hasUnknown(body) {
		if err := rec.keepUnknown(body); err != nil {
			return bad("not a record: %v", err)
		}
	}
	switch {
	case c.n == 1 && rec.Format > journalFormat:
		return bad("format %d, and this program knows up to %d; use a newer program", rec.Format, journalFormat)
	case c.n == 1 && (rec.Kind != Opened || rec.Format < 1 || rec.Prev != ""):
		return bad("the first record of the journal is missing")
	case rec.N != c.n:
		return bad("record %d stands here: lines were added or removed", rec.N)
	case rec.Prev != c.prev:
		return bad("does not follow the line before it: lines were exchanged or edited")
	}
	c.prev = sum
	return rec, nil
}

// fields are the members of a record.
var fields = [...]string{"format", "n", "time", "run", "step", "verb", "kind", "intent", "result", "input", "world", "evidence", "shown", "digest",
	"not", "need_reason", "on_no", "deadline", "due", "by", "account", "reason", "seen", "error", "operator", "prev", "label", "done", "total"}

func (rec *Record) keepUnknown(body []byte) error {
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &all); err != nil {
		return err
	}
	for _, name := range fields {
		delete(all, name)
	}
	if len(all) > 0 {
		rec.Extra = all
	}
	return nil
}

// hasUnknown reports whether an object, known to be valid JSON, may have a
// member that is not in fields. It is much faster than decoding to a map, and
// most lines have none.
func hasUnknown(object []byte) bool {
	depth, key := 0, true
	for i := 0; i < len(object); i++ {
		switch object[i] {
		case '{', '[':
			depth++
			key = depth == 1
		case '}', ']':
			depth--
		case ',':
			key = depth == 1
		case '"':
			start := i + 1
			for i++; object[i] != '"'; i++ {
				if object[i] == '\\' {
					i++
				}
			}
			if key && depth == 1 && !slices.Contains(fields[:], string(object[start:i])) {
				return true
			}
			key = false
		}
	}
	return false
}
