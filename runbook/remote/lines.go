package remote

import (
	"bytes"
	"io"
)

// byLine passes writes on to w, and tells each line that is whole.
func byLine(w io.Writer, tell func(line string)) io.Writer {
	if tell == nil {
		return w
	}
	return &lines{Writer: w, tell: tell}
}

type lines struct {
	io.Writer
	tell func(string)
	rest []byte
}

// maxTold bounds what is kept of a line that does not end.
const maxTold = 1 << 20

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			break
		}
		l.tell(string(line))
		l.rest = rest
	}
	if len(l.rest) > maxTold {
		l.rest = nil
	}
	return l.Writer.Write(p)
}
