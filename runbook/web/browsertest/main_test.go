// Package browsertest looks at the board in a real browser, and answers there, while
// runs go on in processes of their own. It is a module of its own, because nothing else
// needs a browser.
package browsertest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/mailbox"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/web"
)

var (
	axe   = flag.String("axe", "", "path of axe.min.js, of the npm package axe-core")
	shots = flag.String("screenshots", "", "keep screenshots in this folder")
)

// A process of this program that runs a procedure has its name and folder in the
// environment.
const (
	envProcedure = "BROWSERTEST_PROCEDURE"
	envFolder    = "BROWSERTEST_FOLDER"
)

func TestMain(m *testing.M) {
	if lab.Program() {
		return
	}
	if name := os.Getenv(envProcedure); name != "" {
		if err := start(context.Background(), name, os.Getenv(envFolder)); err != nil && !errors.Is(err, runbook.ErrPending) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	os.Exit(m.Run())
}

// start runs one of the procedures in this process, until it ends.
func start(ctx context.Context, name, dir string) error {
	box := &mailbox.Box{Dir: filepath.Join(dir, mailbox.Folder)}
	x := &runbook.Runner{Human: box, Operator: "olga"}
	var p runbook.Procedure
	switch name {
	case "release":
		box.Every = 50 * time.Millisecond // it waits for people
		l, err := lab.Open(filepath.Join(dir, "lab"), lab.Candidates())
		if err != nil {
			return err
		}
		defer l.Close()
		schedule, err := phasing.ParseSchedule("1% 1s, 30% 1s ask, 100%")
		if err != nil {
			return err
		}
		in := procedure.ReleaseInput{Tag: "OTA-5", From: "rc", To: "stable", Schedule: schedule, Not: []string{"olga"}}
		c := &procedure.Release{Server: l.Server(), Importer: l.Importer(), Pace: procedure.Pace{Stay: true, Every: 100 * time.Millisecond}, Input: in}
		x.Name, x.Input, p = "release", in, c.Run
	case "image 41", "image 42": // one run, that asks about one thing first and then about another
		x.Name = "question"
		p = func(ctx context.Context, r *runbook.Run) error {
			return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Is the fix public?", Evidence: []string{name, "meizu.en"}})
		}
	default:
		return errors.New("no such procedure: " + name)
	}
	var err error
	if x.Journal, err = runbook.OpenFile(filepath.Join(dir, x.Name+".journal")); err != nil {
		return err
	}
	return x.Execute(ctx, p)
}

// A scene is a folder of runs, served.
type scene struct {
	dir string
	url string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{dir: t.TempDir()}
	board := &web.Handler{Source: web.Folder{Dir: s.dir}, Every: 50 * time.Millisecond,
		Identity: func(r *http.Request) (string, error) { return r.Header.Get("User"), nil }}
	srv := httptest.NewServer(board)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	s.url = srv.URL
	return s
}

// process starts a procedure in a process of its own, which ends with the test.
func (s *scene) process(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), envProcedure+"="+name, envFolder+"="+s.dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // or it has ended
		_ = cmd.Wait()
	})
	return cmd
}

// ended waits for a process that is to end well.
func ended(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the process of the run: %v", err)
	}
}
