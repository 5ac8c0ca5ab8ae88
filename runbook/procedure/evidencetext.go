package procedure

import (
	"encoding/json"
	"strings"
)

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
