package remotetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// A Request is one command to run.
type Request struct {
	Line           string // as sent, to be read by a shell
	User           string
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Signal, when the handler sets it ("TERM", "KILL", ...), is reported
	// instead of an exit status.
	Signal string

	dir  string
	env  []string
	gone <-chan struct{} // closed when the client no longer listens
}

// Shell is the default handler: it runs the line with /bin/sh in the server's
// Dir, with Dir as HOME, in a session of its own as sshd does. When the link is
// lost, the program's pipes are closed and it goes on; it is killed when the
// server is closed. A program it left in the background is its own master.
func Shell(ctx context.Context, r *Request) int {
	cmd := exec.Command("/bin/sh", "-c", r.Line)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "HOME="+r.dir, "USER="+r.User)
	cmd.Env = append(cmd.Env, r.env...)
	ownSession(cmd)

	// Own pipes instead of cmd's: they must be closed when the client is gone
	// although the program lives, and stay open for what it left behind.
	var ends [3]*os.File
	var wg sync.WaitGroup
	for i := range 3 {
		pr, pw, err := os.Pipe()
		if err != nil {
			fmt.Fprintln(r.Stderr, err)
			return 255
		}
		switch i {
		case 0:
			cmd.Stdin, ends[i] = pr, pw
			defer pr.Close()
		case 1:
			cmd.Stdout, ends[i] = pw, pr
			defer pw.Close()
		case 2:
			cmd.Stderr, ends[i] = pw, pr
			defer pw.Close()
		}
		defer ends[i].Close()
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(r.Stderr, err)
		return 127
	}
	for _, f := range []any{cmd.Stdin, cmd.Stdout, cmd.Stderr} {
		f.(*os.File).Close()
	}
	go func() {
		io.Copy(ends[0], r.Stdin)
		ends[0].Close()
	}()
	wg.Go(func() { io.Copy(r.Stdout, ends[1]) })
	wg.Go(func() { io.Copy(r.Stderr, ends[2]) })
	drained := make(chan struct{})
	go func() {
		wg.Wait()
		close(drained)
	}()
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()

	var err error
	gone := r.gone
	for waiting := true; waiting; {
		select {
		case err = <-exited:
			waiting = false
		case <-gone:
			for _, e := range ends {
				e.Close()
			}
			gone = nil
		case <-ctx.Done():
			killSession(cmd)
			err = <-exited
			waiting = false
		}
	}
	select { // what is in the pipes, and what the background still writes
	case <-drained:
	case <-r.gone:
	case <-ctx.Done():
	}
	for _, e := range ends {
		e.Close()
	}
	<-drained
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		return 0
	}
	r.Signal = endedBy(exit.ProcessState)
	return exit.ExitCode()
}
