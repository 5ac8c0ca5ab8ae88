package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestReading ends with the context, whatever is read.
func TestReading(t *testing.T) {
	odd := errors.New("odd")
	if err := Reading(t.Context(), func() error { return odd }); err != odd {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	began := make(chan struct{})
	go func() {
		<-began
		cancel()
	}()
	err := Reading(ctx, func() error {
		close(began)
		_, err := io.Copy(io.Discard, r)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

const stubborn = "LANDING_TEST_STUBBORN"

// TestStubborn is the process of TestSecondSignal: it does not heed its context.
func TestStubborn(t *testing.T) {
	if os.Getenv(stubborn) == "" {
		t.Skip("only as a process of its own")
	}
	ctx, _ := withSignals(context.Background())
	fmt.Println("ready")
	<-ctx.Done()
	fmt.Println("asked")
	select {}
}

// TestSecondSignal: a program that does not end when it is asked to is ended by the
// second signal.
func TestSecondSignal(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestStubborn$")
		cmd.Env = append(os.Environ(), stubborn+"=1")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Process.Kill()
		lines := bufio.NewScanner(out)
		for _, want := range []string{"ready", "asked"} {
			if !lines.Scan() || lines.Text() != want {
				t.Fatalf("it says %q, want %q", lines.Text(), want)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
		}
		err = cmd.Wait()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != sig {
			t.Errorf("it ended with %v, want %v", err, sig)
		}
	}
}

// Who reads why a run ended reads no words of the language that it is written in.
func TestInterruption(t *testing.T) {
	for want, s := range map[string]os.Signal{"interrupted with Ctrl-C": os.Interrupt, "ended from outside (terminated)": syscall.SIGTERM} {
		if err := (interruption{s}); err.Error() != want || !errors.Is(err, context.Canceled) {
			t.Errorf("%v: %q, want %q and a cancellation", s, err, want)
		}
	}
}
