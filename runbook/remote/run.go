package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"golang.org/x/crypto/ssh"
)

// Run runs a command to its end. A status other than zero is not an error; an
// error says that the command was not started, or, with [ErrLost], that its end
// was not seen, and then nothing is known about its effect. That holds for a
// cancelled ctx too: the session is closed, but a program over there need not
// notice. A command with Job set is started detached, or attached to, watched and
// reaped; when it ended without a status the error is a [command.LostJob]. One that
// only looks, by its Reads, is sent once more, over a new connection, when the link is
// lost.
func (h *Host) Run(ctx context.Context, c command.Command) (command.Output, error) {
	line, err := quote(c.Argv)
	if err != nil {
		return command.Output{}, err
	}
	if c.Job != "" {
		return h.runJob(ctx, c)
	}
	out, err := h.runOnce(ctx, c, line)
	if c.Reads && errors.Is(err, ErrLost) && ctx.Err() == nil {
		h.log(ctx, "link lost, looking once more", "command", c.String())
		out, err = h.runOnce(ctx, c, line)
	}
	return out, err
}

// runOnce runs a command that is no job, by its line.
func (h *Host) runOnce(ctx context.Context, c command.Command, line string) (command.Output, error) {
	start := time.Now()
	stdout, stderr := &buffer{max: h.maxOutput()}, &buffer{max: h.maxOutput()}
	exit, err := h.exec(ctx, line, c.Stdin, byLine(stdout, c.Line), stderr)
	if err != nil {
		h.log(ctx, "command not seen to end", "command", c.String(), "took", time.Since(start), "error", err)
		return command.Output{}, err
	}
	h.log(ctx, "command ended", "command", c.String(), "took", time.Since(start), "exit", exit)
	return command.Output{Stdout: stdout.data, Stderr: stderr.data, Exit: exit, Truncated: stdout.cut || stderr.cut}, nil
}

// exec runs a line and hands its output on as it comes. Until the line is sent
// it may try again: once when the link turns out to be dead, and for Timeout
// when the host has too many sessions open, since sshd counts one for a moment
// longer than we do.
func (h *Host) exec(ctx context.Context, line string, stdin []byte, stdout, stderr io.Writer) (int, error) {
	start, stale := time.Now(), false
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		l, err := h.connect(ctx)
		if err != nil {
			return 0, err
		}
		select {
		case l.slots <- struct{}{}:
		case <-ctx.Done():
			return 0, h.fail("run", nil, "given up before the command was sent", context.Cause(ctx))
		}
		s, err := h.session(ctx, l)
		if err == nil {
			if err := h.current(ctx); err != nil {
				s.Close()
				<-l.slots
				return 0, err
			}
			return h.finish(ctx, l, s, line, stdin, stdout, stderr)
		}
		<-l.slots
		full := (*ssh.OpenChannelError)(nil)
		switch {
		case errors.Is(err, errStale) && !stale:
			stale = true
			h.drop(l)
			l.client.Close()
		case errors.As(err, &full) && full.Reason != ssh.Prohibited && time.Since(start)+pause < h.timeout():
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		default:
			return 0, err
		}
	}
}

func (h *Host) current(ctx context.Context) error {
	if h.Current == nil {
		return nil
	}
	if err := h.Current(ctx); err != nil {
		return h.fail("run", nil, "not sent", err)
	}
	return nil
}

var errStale = errors.New("the link was lost before the command was sent")

// session opens a session. The library's call knows no context, and never
// returns when the link is lost at the wrong moment; when ctx or the link ends
// first, a session that comes later is closed.
func (h *Host) session(ctx context.Context, l *link) (*ssh.Session, error) {
	type opened struct {
		s   *ssh.Session
		err error
	}
	ch := make(chan opened, 1)
	go func() {
		s, err := l.client.NewSession()
		ch <- opened{s, err}
	}()
	select {
	case o := <-ch:
		full := (*ssh.OpenChannelError)(nil)
		switch {
		case o.err == nil:
			return o.s, nil
		case errors.As(o.err, &full):
			return nil, h.fail("run", ErrRefused, "the host opens no session; it may allow fewer at once (MaxSessions) or none for this user", o.err)
		}
		return nil, h.fail("run", ErrUnreachable, "", errStale)
	case <-l.gone:
		return nil, h.fail("run", ErrUnreachable, "", errStale)
	case <-ctx.Done():
		go func() {
			select {
			case o := <-ch:
				if o.err == nil {
					o.s.Close()
				}
			case <-l.gone:
			}
		}()
		return nil, h.fail("run", nil, "given up before the command was sent", context.Cause(ctx))
	}
}

// finish sends the line, waits for its end and frees the slot.
func (h *Host) finish(ctx context.Context, l *link, s *ssh.Session, line string, stdin []byte, stdout, stderr io.Writer) (int, error) {
	out, errOut := &gate{w: stdout}, &gate{w: stderr}
	s.Stdout, s.Stderr = out, errOut
	ch := make(chan error, 1)
	go func() {
		ch <- converse(s, line, stdin)
		s.Close()
		<-l.slots
	}()
	var err error
	select {
	case err = <-ch:
	case <-ctx.Done():
		// Closing waits for a dead link, so it is not waited for; the writers
		// are the caller's again when the gates are shut.
		out.shut()
		errOut.shut()
		go s.Close()
		return 0, h.fail("run", ErrLost, "given up while the command ran; nothing is known about its effect, look before running it again", context.Cause(ctx))
	}
	exit := (*ssh.ExitError)(nil)
	switch {
	case l.conn.broken.Load():
		// Even with a status: the output after it may be missing.
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return exit.ExitStatus(), nil // 128+N for signal N
	case errors.Is(err, errRefused):
		return 0, h.fail("run", ErrRefused, "the host does not run commands for this user", nil)
	}
	return 0, h.fail("run", ErrLost, "the link was lost before the command's status came; nothing is known about its effect, look before running it again", err)
}

var errRefused = errors.New("command refused")

// converse holds one session: line and input out, output and status in.
func converse(s *ssh.Session, line string, stdin []byte) error {
	in, err := s.StdinPipe()
	if err != nil {
		return err
	}
	if err := s.Start(line); err != nil {
		// The library has no type for a denied request.
		if strings.HasPrefix(err.Error(), "ssh: command ") {
			return errRefused
		}
		return err
	}
	// A program need not read its input: what it left is no error, which is why
	// the session does not get it as Session.Stdin.
	go func() {
		io.Copy(in, bytes.NewReader(stdin))
		in.Close()
	}()
	return s.Wait()
}

// A gate passes writes on until it is shut.
type gate struct {
	mu   sync.Mutex
	w    io.Writer
	done bool
}

func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.done {
		return len(p), nil
	}
	return g.w.Write(p)
}

func (g *gate) shut() {
	g.mu.Lock()
	g.done = true
	g.mu.Unlock()
}

// A buffer keeps the first max bytes and swallows the rest, so that a chatty
// program neither stalls nor fills our memory.
type buffer struct {
	data []byte
	max  int64
	cut  bool
}

func (b *buffer) Write(p []byte) (int, error) {
	keep := p
	if room := b.max - int64(len(b.data)); int64(len(p)) > room {
		keep, b.cut = p[:max(room, 0)], true
	}
	b.data = append(b.data, keep...)
	return len(p), nil
}
