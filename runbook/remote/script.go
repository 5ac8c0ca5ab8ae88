package remote

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// The scripts that run on the host. They are sent as an argument of sh, with
// their own arguments behind them: nothing is pasted into their text.
var (
	//go:embed scripts/say.sh
	sayScript string
	//go:embed scripts/job.sh
	jobScript string
	//go:embed scripts/start.sh
	startScript string
	//go:embed scripts/watch.sh
	watchScript string
	//go:embed scripts/reap.sh
	reapScript string
	//go:embed scripts/list.sh
	listScript string
)

// script runs a script and returns its answer, one line. Output after the answer goes to the two functions,
// which may be nil.
func (h *Host) script(ctx context.Context, op, text string, args []string, stdin []byte, stdout, stderr func([]byte)) (string, error) {
	line, err := quote(append([]string{"sh", "-c", sayScript + text, "landing"}, args...))
	if err != nil {
		return "", err
	}
	var said []byte
	if stderr == nil {
		stderr = func(p []byte) { said = append(said, p[:min(len(p), headLimit-min(len(said), headLimit))]...) }
	}
	out, errOut := head{sink: stdout}, head{sink: stderr}
	exit, err := h.exec(ctx, line, stdin, &out, &errOut)
	switch {
	case err != nil:
		return "", err
	case !out.seen || !errOut.seen || exit != 0:
		said = append(errOut.noise, said...)
		return "", h.fail(op, ErrRefused, fmt.Sprintf("our script failed on the host (exit status %d); its sh and its tools must be POSIX's", exit), noise(tail(said, 400)))
	}
	return out.line, nil
}

// noise is what a program said, as a cause; nil if it said nothing.
func noise(said string) error {
	said = strings.TrimSpace(said)
	if said == "" {
		return nil
	}
	return fmt.Errorf("it said %q", said)
}

// A head finds the answer line in a stream, past what a login shell says, and
// passes on what follows.
type head struct {
	sink  func([]byte)
	line  string
	seen  bool
	part  []byte // of the current line
	noise []byte // the lines before the answer, bounded
}

const (
	answer    = "landing-answer"
	headLimit = 4 << 10 // longer than any answer
)

var _ io.Writer = (*head)(nil)

func (w *head) Write(p []byte) (int, error) {
	n := len(p)
	for !w.seen && len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			if len(w.part) < headLimit {
				w.part = append(w.part, p...)
			}
			return n, nil
		}
		line := append(w.part, p[:i]...)
		p, w.part = p[i+1:], nil
		if rest, ok := strings.CutPrefix(string(line), answer); ok && (rest == "" || rest[0] == ' ') {
			w.line, w.seen = strings.TrimPrefix(rest, " "), true
		} else if len(w.noise) < headLimit {
			w.noise = append(append(w.noise, line...), '\n')
		}
	}
	if len(p) > 0 && w.sink != nil {
		w.sink(p)
	}
	return n, nil
}

// tail returns the last n bytes of b, from the start of a line if there is one.
func tail(b []byte, n int) string {
	if len(b) <= n {
		return string(b)
	}
	b = b[len(b)-n:]
	if i := bytes.IndexByte(b, '\n'); i >= 0 && i < len(b)-1 {
		b = b[i+1:]
	}
	return string(b)
}

// overLosses repeats f, which must be repeatable, while the link is lost and
// cannot be had again, for Reconnect at most. Without contact before, a host
// that cannot be reached is an error at once.
func (h *Host) overLosses(ctx context.Context, op string, contact bool, f func() error) error {
	bound := h.Reconnect
	if bound == 0 {
		bound = defaultReconnect
	}
	var since time.Time
	for pause := time.Duration(0); ; pause = min(max(2*pause, 50*time.Millisecond), 5*time.Second) {
		err := f()
		lost := errors.Is(err, ErrLost) || errors.Is(err, ErrUnreachable) && (contact || !since.IsZero())
		if err == nil || !lost || ctx.Err() != nil || bound < 0 {
			return err
		}
		if since.IsZero() {
			since = time.Now()
		}
		if time.Since(since)+pause > bound {
			return h.fail(op, ErrLost, fmt.Sprintf("no link again within %v; the job, if it was started, goes on: run it again under its name to attach to it", bound), err)
		}
		h.log(ctx, "link lost, trying again", "op", op, "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return h.fail(op, nil, "no longer waited for; the job, if it was started, goes on: run it again under its name to attach to it", context.Cause(ctx))
		}
	}
}
