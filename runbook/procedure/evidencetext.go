package procedure

import (
	"encoding/json"
	"strings"

	"github.com/landingteam/landing/runbook"
)

// noteAll notes lines, in their order.
func noteAll(r *runbook.Run, lines []string) error {
	for _, line := range lines {
		if err := r.Note(line); err != nil {
			return err
		}
	}
	return nil
}

// shown is evidence that a person is shown as lines which stay as they are, such as a
// difference of two texts. What an approval holds for is the evidence itself.
type shown struct {
	evidence any
	lines    []string
}

// MarshalJSON implements json.Marshaler.
func (s shown) MarshalJSON() ([]byte, error) { return json.Marshal(s.evidence) }

// AppendText implements encoding.TextAppender.
func (s shown) AppendText(b []byte) ([]byte, error) {
	return append(b, strings.Join(s.lines, "\n")...), nil
}
