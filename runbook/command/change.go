package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// copied is a content as it was read, and the turn in which that was: a replacement
// that was prepared in a turn that is over writes nothing any more.
type copied struct {
	text []byte
	turn string
}

// tries is how often a change is begun anew when somebody else was quicker.
const tries = 8

// change reads, asks goal and replaces, until goal has nothing to change in what
// was read behind the fence: that no earlier replacement is at work any more, and
// none will be, makes it true beyond this moment.
func change(ctx context.Context, what string, read func(context.Context, bool) (copied, error),
	replace func(context.Context, copied, []byte) error, goal func([]byte) ([]byte, error)) error {
	last := error(&Error{What: what, Kind: ErrConflict, Err: errors.New("it does not keep the change: something writes it back")})
	written, unseen := false, false
	for try := range tries {
		if try > 1 && !pause(ctx, time.Duration(try)*200*time.Millisecond) {
			return &Error{What: what, Kind: ErrUnseen, Err: errors.Join(ctx.Err(), last)}
		}
		// Who lost to another reads without the fence, or two would go on fencing
		// each other off.
		fence := try == 0 || written
		now, err := read(ctx, fence)
		if errors.Is(err, ErrConflict) {
			last = err
			continue
		}
		if err != nil && written {
			return &Error{What: what, Kind: ErrUnseen, Err: fmt.Errorf("it may be written, and could not be read back: %w", err)}
		}
		if err != nil {
			return err
		}
		want, err := goal(now.text)
		if err != nil {
			return err
		}
		if bytes.Equal(now.text, want) {
			if fence {
				return nil
			}
			written = true // by somebody else
			continue
		}
		err = replace(ctx, now, want)
		written = err == nil || errors.Is(err, ErrUnseen)
		switch {
		case err == nil:
			continue
		case errors.Is(err, ErrUnseen) && !unseen:
			unseen = true
		case !errors.Is(err, ErrConflict):
			return err
		}
		last = err
	}
	return &Error{What: what, Kind: ErrConflict, Err: fmt.Errorf("again and again: %w", last)}
}

// Change brings the file to where goal wants it, whatever others do at the same
// time: goal is given the present content and returns the one that should be there.
// It is asked again after each change, until it returns what it was given. That is
// then so for good: a replacement that was still on its way, of a process that was
// killed or a link that was lost, has come to its end before or will write nothing.
// The old content stays beside the file, under the name that is returned; it is
// empty if nothing was changed. [ErrConflict] says that somebody else was quicker
// again and again.
func (f File) Change(ctx context.Context, goal func(now []byte) ([]byte, error)) (backup string, err error) {
	err = change(ctx, f.Path, f.turn, func(ctx context.Context, old copied, new []byte) error {
		err := f.replace(ctx, old, new)
		if err == nil || errors.Is(err, ErrUnseen) {
			backup = f.backup(new)
		}
		return err
	}, goal)
	if err != nil {
		return "", err
	}
	return backup, nil
}

func (f File) turn(ctx context.Context, fence bool) (copied, error) {
	out, err := f.Runner.Run(ctx, Look("landing-file-turn", turnScript, f.Path, word(fence)))
	if err != nil {
		return copied{}, &Error{What: f.Path, Err: err}
	}
	if err := verdict(f.Path, "reading it", out); err != nil {
		return copied{}, err
	}
	c, _, err := parseTurn(f.Path, "landing-file", out)
	return c, err
}

// word is an argument that is empty or not.
func word(yes bool) string {
	if yes {
		return "fence"
	}
	return ""
}

// parseTurn takes apart what a script has printed: past a greeting of the login
// shell, the turn, the SHA-256 and what follows them in the line; then the content.
func parseTurn(what, mark string, out Output) (c copied, more string, err error) {
	_, rest, ok := bytes.Cut(out.Stdout, []byte("\n"+mark+" "))
	head, text, _ := bytes.Cut(rest, []byte("\n"))
	words := strings.Split(string(head), " ")
	switch {
	case out.Truncated:
		return c, "", &Error{What: what, Kind: ErrTooLong, Err: errors.New("it is longer than the runner's limit")}
	case !ok || len(words) < 2 || words[1] != sumOf(text):
		return c, "", &Error{What: what, Kind: ErrCut, Err: errors.New("it was changed while it was read, or came incomplete: try again")}
	}
	return copied{text, words[0]}, strings.Join(words[2:], " "), nil
}

// pause waits and reports whether the time came before the end of ctx.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
