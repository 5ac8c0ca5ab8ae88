//go:build linux || darwin || freebsd

package runbook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
)

// These tests run the test binary once more, as the program that is killed.
const (
	childKind = "RUNBOOK_TEST_CHILD"
	childDir  = "RUNBOOK_TEST_DIR"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	var err error
	switch os.Getenv(childKind) {
	case "":
		os.Exit(m.Run())
	case "run":
		err = folderRunner(dir).Execute(context.Background(), folder(dir).procedure)
	case "wait":
		err = folderRunner(dir).Execute(context.Background(), func(context.Context, *runbook.Run) error {
			fmt.Println("running")
			time.Sleep(time.Hour) // and not select {}, which the runtime may take for a deadlock
			return nil
		})
	case "full":
		// A file may grow to 2000 bytes only: the disk is full in the middle
		// of a line.
		signal.Ignore(syscall.SIGXFSZ)
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 2000, Max: 2000})
		if err == nil {
			err = folderRunner(dir).Execute(context.Background(), folder(dir).procedure)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(t *testing.T, kind, dir string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childKind+"="+kind, childDir+"="+dir)
	return cmd
}

// folder is a world in a folder: a log of effects, and a file while the
// importer is off.
type folder string

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

func folderRunner(dir string) *runbook.Runner {
	j, err := runbook.OpenFile(filepath.Join(dir, "journal"))
	if err != nil {
		panic(err)
	}
	return &runbook.Runner{Name: "folder", Input: dir, Journal: j, Operator: "operator"}
}

const folderSteps = 40

func (f folder) procedure(ctx context.Context, r *runbook.Run) error {
	off := f.path("importer.off")
	return r.Hold(ctx, runbook.Hold{Name: "importer", Intent: "pause the importer",
		Acquire: func(context.Context) error { return os.WriteFile(off, nil, 0o600) },
		Release: func(context.Context) error {
			if err := os.Remove(off); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		},
	}, func(ctx context.Context, r *runbook.Run) error {
		for i := range folderSteps {
			name := fmt.Sprintf("step%02d", i)
			if _, err := runbook.Do(ctx, r, runbook.Step[string]{Name: name, Intent: "write " + name,
				Do: func(context.Context) (string, error) {
					if _, err := os.Stat(off); err != nil {
						return "", fmt.Errorf("the importer is on: %w", err)
					}
					log, err := os.OpenFile(f.path("log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
					if err != nil {
						return "", err
					}
					_, err = log.WriteString(name + "\n")
					time.Sleep(300 * time.Microsecond)
					return name, errors.Join(err, log.Close())
				},
				Probe: func(context.Context) (string, bool, error) {
					log, err := os.ReadFile(f.path("log"))
					if errors.Is(err, fs.ErrNotExist) {
						return "", false, nil
					}
					return name, bytes.Contains(log, []byte(name+"\n")), err
				},
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// check says whether everything was done once and the importer is on.
func (f folder) check(t *testing.T) {
	t.Helper()
	log, err := os.ReadFile(f.path("log"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range folderSteps {
		names = append(names, fmt.Sprintf("step%02d", i))
	}
	want(t, "log", strings.Fields(string(log)), names)
	if _, err := os.Stat(f.path("importer.off")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the importer is off: %v", err)
	}
	if owed := statusOf(t, open(t, f.path("journal"))).Owed(); len(owed) > 0 {
		t.Errorf("owed %v", owed)
	}
}

func TestSIGKILL(t *testing.T) {
	for range 20 { // a slow parent may come too late for every kill
		if killed(t, t.TempDir()) > 0 {
			return
		}
	}
	t.Error("no start was cut off")
}

// killed runs the procedure in a folder until it is done, kills its starts at
// random moments, and reports how many were cut off.
func killed(t *testing.T, dir string) int {
	t.Helper()
	began, cut, ended := 0, 0, false
	for range 30 {
		cmd := child(t, "run", dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It is killed at a random moment after it wrote something.
		before := size(dir)
		for i := 0; size(dir) == before && i < 2000; i++ {
			time.Sleep(100 * time.Microsecond)
		}
		time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond)
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		began++
		err := cmd.Wait()
		if s, err := runbook.ReadStatus(filepath.Join(dir, "journal")); err != nil {
			t.Fatal(err)
		} else if s.Ending == "" {
			cut++
		}
		if ended = err == nil; ended {
			break
		}
	}
	if !ended {
		if out, err := child(t, "run", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	t.Logf("%d starts, %d of them cut off", began, cut)
	folder(dir).check(t)
	return cut
}

func size(dir string) int64 {
	info, err := os.Stat(filepath.Join(dir, "journal"))
	if err != nil {
		return 0
	}
	return info.Size()
}

func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	first := child(t, "wait", dir)
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	text, err := child(t, "run", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(text), fmt.Sprintf("journal in use: by operator, process %d on ", first.Process.Pid)) {
		t.Errorf("a second process: %v, %s", err, text)
	}
	if s, err := runbook.ReadStatus(filepath.Join(dir, "journal")); err != nil || !strings.Contains(s.Running, "operator") {
		t.Errorf("status: %q, %v", s.Running, err)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.Wait()
	if s, err := runbook.ReadStatus(filepath.Join(dir, "journal")); err != nil || s.Running != "" || s.Ending != "" {
		t.Errorf("status after the kill: %+v, %v", s, err)
	}
	if text, err := child(t, "run", dir).CombinedOutput(); err != nil {
		t.Fatalf("after the first was killed: %v, %s", err, text)
	}
	folder(dir).check(t)
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	text, err := child(t, "full", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(text), "journal unusable: cannot be written") || !strings.Contains(string(text), "file too large") {
		t.Fatalf("%v: %s", err, text)
	}
	for _, once := range []string{"cannot be written", "it was given back, and that could not be written down"} {
		if strings.Count(string(text), once) != 1 {
			t.Errorf("want %q once: %s", once, text)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "importer.off")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the importer is off: %v", err)
	}
	s, err := runbook.ReadStatus(filepath.Join(dir, "journal"))
	if err != nil || len(s.Steps) < 2 {
		t.Fatalf("%+v, %v", s, err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	if did, started := strings.Count(string(log), "\n"), len(s.Steps)-1; did != started {
		t.Errorf("%d effects, and %d on record", did, started)
	}
	if text, err := child(t, "run", dir).CombinedOutput(); err != nil {
		t.Fatalf("with room again: %v, %s", err, text)
	}
	folder(dir).check(t)
}

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A program that a run was just starting when it was killed has the run's open files,
// and with them the lock, until it is itself.
func TestLockOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".lock", []byte(`{"owner":"operator","pid":999999999,"host":"`+host+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { f.Close() })
	is(t, execute(t, open(t, path), func(ctx context.Context, r *runbook.Run) error { return nil }), nil)
}
