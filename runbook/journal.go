package runbook

import (
	"context"
	"iter"
)

// Journal stores the lines of one run. [FileJournal] is the one to use;
// another store (a database, a bucket) has to pass runbooktest.TestJournal.
//
// A line is one JSON object without line end. The engine makes the lines,
// chains them and checks them; a journal only keeps them, byte for byte.
type Journal interface {
	// Lines yields what is stored, oldest first. It changes nothing, creates
	// nothing, and works without the lock. The slice is valid until the next
	// step of the iteration. A line that was being written when the writer
	// died is left out.
	Lines(ctx context.Context) iter.Seq2[[]byte, error]
	// Lock makes the caller the only writer, until unlock. owner tells others
	// who it is. If there is one already the error is ErrLocked and says who.
	Lock(ctx context.Context, owner string) (unlock func() error, err error)
	// Append stores a line behind the others. On return it is safe against
	// the death of the machine. After an error it stays failed until the next
	// Lock. Only the holder of the lock appends, one line at a time.
	Append(ctx context.Context, line []byte) error
}

// Bounded is what a Journal may implement besides, if it cannot keep every line. It
// is known before an effect: a question or an intent that is too long is refused
// before anything happens, and a result that is too long leaves its step in doubt,
// but not the journal unusable.
type Bounded interface {
	// MaxLine is the length of the longest line that it keeps, in bytes.
	MaxLine() int
}

// ReadOnly is a journal of lines that somebody has already, for [StatusOf],
// [Records] and Plan. Nothing is executed with it.
func ReadOnly(lines iter.Seq2[[]byte, error]) Journal { return readOnly{lines} }

type readOnly struct{ lines iter.Seq2[[]byte, error] }

func (j readOnly) Lines(context.Context) iter.Seq2[[]byte, error] { return j.lines }

func (readOnly) Lock(context.Context, string) (func() error, error) {
	return nil, &Error{Kind: ErrJournal, Text: "this copy can only be read", Hint: "open the journal itself"}
}

func (j readOnly) Append(ctx context.Context, _ []byte) error {
	_, err := j.Lock(ctx, "")
	return err
}
