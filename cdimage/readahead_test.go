package cdimage

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestAhead: what is read ahead is what there is, to its end or its error.
func TestAhead(t *testing.T) {
	text := strings.Repeat("a line of a log\n", 20_000)
	broken := errors.New("broken")
	for name, r := range map[string]io.Reader{
		"whole":      strings.NewReader(text),
		"in bits":    iotest.HalfReader(strings.NewReader(text)),
		"end at end": iotest.DataErrReader(strings.NewReader(text)),
	} {
		got, err := io.ReadAll(readAhead(r))
		if err != nil || string(got) != text {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	a := readAhead(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
	got, err := io.ReadAll(a)
	if !errors.Is(err, broken) || !bytes.Equal(got, []byte(text)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, broken) {
		t.Errorf("once more: %v", err)
	}
}
