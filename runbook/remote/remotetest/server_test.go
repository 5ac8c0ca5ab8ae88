package remotetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote/remotetest"
)

func ExampleServer() {
	s := &remotetest.Server{Env: []string{"GREETING=hello"}}
	if err := s.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	out, err := s.Host().Run(context.Background(), command.Command{Argv: []string{"printenv", "GREETING"}})
	fmt.Printf("%s%d %v\n", out.Stdout, out.Exit, err)
	fmt.Println(s.Commands())
	// Output:
	// hello
	// 0 <nil>
	// [printenv GREETING]
}

func TestHandler(t *testing.T) {
	s := remotetest.New(t, func(s *remotetest.Server) {
		s.User = "landing"
		s.Handler = func(_ context.Context, r *remotetest.Request) int {
			in, _ := io.ReadAll(r.Stdin)
			fmt.Fprintf(r.Stdout, "%s: %s: %s", r.User, r.Line, in)
			fmt.Fprint(r.Stderr, "err")
			if r.Line == "die" {
				r.Signal = "SEGV"
			}
			return 9
		}
	})
	h := s.Host()
	out, err := h.Run(t.Context(), command.Command{Argv: []string{"a b"}, Stdin: []byte("in")})
	want := command.Output{Stdout: []byte("landing: 'a b': in"), Stderr: []byte("err"), Exit: 9}
	if diff := cmp.Diff(want, out); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if out, err := h.Run(t.Context(), command.Command{Argv: []string{"die"}}); out.Exit != 128+11 || err != nil {
		t.Errorf("died of SIGSEGV: exit %d, %v; want 139", out.Exit, err)
	}
	if diff := cmp.Diff([]string{"'a b'", "die"}, s.Commands()); diff != "" {
		t.Errorf("Commands (-want +got):\n%s", diff)
	}
}

func TestFaultDelays(t *testing.T) {
	s := remotetest.New(t, func(s *remotetest.Server) {
		s.Fault = func(r *remotetest.Request) remotetest.Fault {
			if strings.HasPrefix(r.Line, "sleepy") {
				return remotetest.Fault{Delay: time.Hour}
			}
			return remotetest.Fault{}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := s.Host().Run(ctx, command.Command{Argv: []string{"sleepy"}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run: %v, want DeadlineExceeded", err)
	}
}

// A process that is killed leaves nothing in the system's place for temporary files
// when it names another.
func TestTemp(t *testing.T) {
	s := &remotetest.Server{Dir: t.TempDir(), Temp: t.TempDir()}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if rel, err := filepath.Rel(s.Temp, s.KeyFile()); err != nil || !filepath.IsLocal(rel) {
		t.Errorf("the client's key is %s, not in %s", s.KeyFile(), s.Temp)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(s.Temp); err != nil || len(left) != 0 {
		t.Errorf("Close leaves %v, %v", left, err)
	}
}

// Close ends commands, leaves jobs, and the folder of a named Dir stays.
func TestClose(t *testing.T) {
	s := &remotetest.Server{Dir: t.TempDir()}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil {
		t.Error("a second Start is no error")
	}
	h := s.Host()
	c := command.Command{Argv: []string{"sh", "-c", "touch begun; while [ ! -e go ]; do sleep 0.01; done; touch went"}, Job: "j"}
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := h.Run(ctx, c)
		left <- err
	}()
	for !exists(s.Dir, "begun") {
		time.Sleep(time.Millisecond)
	}
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the job that is left: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := h.Run(t.Context(), command.Command{Argv: []string{"sh", "-c", "touch up; exec sleep 1000"}})
		done <- err
	}()
	for !exists(s.Dir, "up") {
		time.Sleep(time.Millisecond)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := <-done; err == nil {
		t.Error("the command went on after Close")
	}
	if _, err := h.Run(t.Context(), command.Command{Argv: []string{"true"}}); err == nil {
		t.Error("the server answers after Close")
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); !exists(s.Dir, "went"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the job did not survive Close")
		}
	}
	// The machine comes back, and the job's result with it.
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if out, err := s.Host().Run(t.Context(), c); out.Exit != 0 || err != nil {
		t.Errorf("the job: exit %d, %v", out.Exit, err)
	}
}

func TestStartFails(t *testing.T) {
	s := &remotetest.Server{KeyTypes: []string{"ssh-dss"}}
	if err := s.Start(); err == nil || !strings.Contains(err.Error(), "ssh-dss") {
		t.Errorf("Start: %v", err)
	}
	s.KeyTypes = nil
	if err := s.Start(); err != nil {
		t.Errorf("Start, corrected: %v", err)
	}
	s.Close()
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}
