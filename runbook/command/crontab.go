package command

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A Crontab is the crontab of the login user, which changes only by
// compare-and-swap, as a [File] does.
type Crontab struct {
	Runner Runner
}

const theCrontab = "the crontab"

// Read returns the table; a user without one has an empty one. Nothing is written
// on the host.
func (t Crontab) Read(ctx context.Context) ([]byte, error) {
	out, err := t.Runner.Run(ctx, Command{Argv: []string{"crontab", "-l"}, Reads: true})
	if err != nil {
		return nil, &Error{What: theCrontab, Err: err}
	}
	return t.listed(out, out.Stdout, out.Exit)
}

// listed is what "crontab -l" has said.
func (t Crontab) listed(out Output, text []byte, exit int) ([]byte, error) {
	switch {
	case out.Truncated:
		return nil, &Error{What: theCrontab, Kind: ErrTooLong, Err: errors.New("it is longer than the runner's limit: it would be cut when written back")}
	case exit != 0 && strings.Contains(string(out.Stderr), "no crontab for"):
		return nil, nil
	case exit != 0:
		return nil, &Error{What: theCrontab, Kind: ErrFailed, Err: fmt.Errorf("crontab -l exited with %d%s", exit, out.LastWords())}
	}
	return text, nil
}

// Change brings the table to where goal wants it, as [File.Change] does. Of what
// the crontab program says the error has only what quotes no line: other lines may
// carry secrets.
func (t Crontab) Change(ctx context.Context, goal func(now []byte) ([]byte, error)) error {
	return change(ctx, theCrontab, t.turn, t.replace, goal)
}

func (t Crontab) turn(ctx context.Context, fence bool) (copied, error) {
	out, err := t.Runner.Run(ctx, Look("landing-crontab-turn", crontabTurnScript, word(fence)))
	if err != nil {
		return copied{}, &Error{What: theCrontab, Err: err}
	}
	if out.Truncated {
		_, err := t.listed(out, nil, 0)
		return copied{}, err
	}
	if err := verdict(theCrontab, "reading it", out); err != nil {
		return copied{}, err
	}
	c, exit, err := parseTurn(theCrontab, "landing-crontab", out)
	if err != nil {
		return copied{}, err
	}
	status, err := strconv.Atoi(exit)
	if err != nil {
		return copied{}, &Error{What: theCrontab, Kind: ErrCut, Err: errors.New("it came incomplete: try again")}
	}
	c.text, err = t.listed(out, c.text, status)
	return c, err
}

func (t Crontab) replace(ctx context.Context, old copied, new []byte) error {
	c := Script("landing-crontab", crontabScript, sumOf(old.text), sumOf(new), old.turn)
	c.Stdin = new
	out, err := t.Runner.Run(ctx, c)
	if err != nil {
		return &Error{What: theCrontab, Kind: ErrUnseen, Err: err}
	}
	err = verdict(theCrontab, "writing it", Output{Exit: out.Exit})
	if !errors.Is(err, ErrFailed) {
		return err
	}
	if m := complaint.FindSubmatch(out.Stderr); m != nil {
		return &Error{What: theCrontab, Kind: ErrFailed, Err: fmt.Errorf("crontab refused the text: line %s: %s", m[1], m[2])}
	}
	if len(new) > 0 && new[len(new)-1] != '\n' {
		return &Error{What: theCrontab, Kind: ErrFailed, Err: errors.New("the last line has no end, which crontab refuses: open it with crontab -e, and save it")}
	}
	return err
}

var complaint = regexp.MustCompile(`:(\d+): ((?:bad|premature|invalid|missing) [a-z -]+)`)
