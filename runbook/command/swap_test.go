package command_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
)

// These tests wait most of their time, for shells that wait for each other: many do so
// side by side. A -parallel of the command line still counts.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// A machine runs commands here, in a folder that is also the home.
type machine struct {
	dir, path string
	after     func(command.Command) error // called when a command has ended
}

func (m machine) Run(ctx context.Context, c command.Command) (command.Output, error) {
	path := ""
	for _, dir := range filepath.SplitList(m.path) { // its own, not ours
		if _, err := os.Stat(filepath.Join(dir, c.Argv[0])); err == nil && path == "" {
			path = filepath.Join(dir, c.Argv[0])
		}
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Args, cmd.Env = c.Argv, append(os.Environ(), "HOME="+m.dir, "PATH="+m.path)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = m.dir, bytes.NewReader(c.Stdin), &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		return command.Output{}, err
	}
	var err error
	if m.after != nil {
		err = m.after(c)
	}
	return command.Output{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Exit: cmd.ProcessState.ExitCode()}, err
}

// machines are one for each shell of this machine, with and without flock.
func machines(t *testing.T) map[string]machine {
	t.Helper()
	list := map[string]machine{}
	for _, shell := range []string{"dash", "bash", "busybox", "mksh"} {
		if _, err := exec.LookPath(shell); err == nil {
			list[shell] = machineOf(t, shell, "flock")
			list[shell+" without flock"] = machineOf(t, shell)
		}
	}
	if len(list) == 0 {
		t.Fatal("no shell found")
	}
	return list
}

// machineOf has this shell, and of its tools those that every machine has, and more.
func machineOf(t *testing.T, shell string, more ...string) machine {
	t.Helper()
	bin := t.TempDir()
	from := map[string]string{"sh": shell}
	for _, tool := range append(more, "cat", "sha256sum", "printf", "readlink", "mktemp", "cp", "mv", "rm", "chmod", "sync", "mkdir", "date") {
		from[tool] = tool
	}
	for tool, program := range from {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	return machine{dir: t.TempDir(), path: bin}
}

// here is the machine as it is.
func here(t *testing.T) machine { return machine{dir: t.TempDir(), path: os.Getenv("PATH")} }

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// content lists a folder: name, mode and text.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		info, infoErr := e.Info()
		if err = errors.Join(err, infoErr); err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(e.Name(), "-")
		got[name] += fmt.Sprintf("%v %s", info.Mode(), text)
	}
	return got
}

func TestFileInEveryShell(t *testing.T) {
	t.Parallel()
	for name, m := range machines(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(m.dir, "-etc dir")
			if err := errors.Join(os.Mkdir(dir, 0o755), os.Symlink("-etc dir/config", filepath.Join(m.dir, "link"))); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "config"), "old\x00\n", 0o444)
			write(t, filepath.Join(dir, "empty"), "", 0o640)
			f := command.File{Runner: m, Path: "-etc dir/config"}
			if got, err := f.Read(t.Context()); string(got) != "old\x00\n" || err != nil {
				t.Fatalf("Read: %q, %v", got, err)
			}
			if _, err := f.Replace(t.Context(), []byte("older"), []byte("new")); !errors.Is(err, command.ErrConflict) {
				t.Errorf("Replace with another old: %v, want ErrConflict", err)
			}
			for range 2 { // the second time there is nothing left to be done
				backup, err := command.File{Runner: m, Path: "link"}.Replace(t.Context(), []byte("old\x00\n"), []byte("n\xffw"))
				if err != nil || !strings.HasPrefix(backup, "link.before-") {
					t.Errorf("Replace through a link: %q, %v", backup, err)
				}
			}
			if _, err := (command.File{Runner: m, Path: filepath.Join(dir, "empty")}).Replace(t.Context(), nil, []byte("xxx")); err != nil {
				t.Errorf("an empty file: %v", err)
			}
			if diff := cmp.Diff(map[string]string{
				"config": "-r--r--r-- n\xffw", "config.before": "-r--r--r-- old\x00\n", "empty": "-rw-r----- xxx", "empty.before": "-rw-r----- ",
			}, content(t, dir)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Of many changes to one read content exactly one wins.
func TestFileExcludes(t *testing.T) {
	t.Parallel()
	m := here(t)
	write(t, filepath.Join(m.dir, "f"), "old", 0o600)
	f := command.File{Runner: m, Path: "f"}
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := ""
	for i := range 6 {
		wg.Go(func() {
			text := fmt.Sprint(i)
			_, err := f.Replace(t.Context(), []byte("old"), []byte(text))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won += text
			case !errors.Is(err, command.ErrConflict):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if b, _ := os.ReadFile(filepath.Join(m.dir, "f")); len(won) != 1 || string(b) != won {
		t.Errorf("%q won, the file holds %q; want one winner", won, b)
	}
}

func TestFileErrors(t *testing.T) {
	t.Parallel()
	m := here(t)
	write(t, filepath.Join(m.dir, "f"), "text", 0o600)
	if err := os.Mkdir(filepath.Join(m.dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	changed := func(change func(*command.Command, *command.Output) error) command.Runner {
		return command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
			var out command.Output
			if err := change(&c, nil); err != nil {
				return out, err
			}
			out, err := m.Run(ctx, c)
			return out, errors.Join(err, change(&c, &out))
		})
	}
	for _, tt := range []struct {
		name   string
		runner command.Runner
		path   string
		want   error // of Read, or of Replace where Read is good
	}{
		{"no file", m, "none", fs.ErrNotExist},
		{"folder", m, "d", fs.ErrNotExist},
		{"cut while it is read", changed(func(_ *command.Command, o *command.Output) error {
			if o != nil && len(o.Stdout) > 0 {
				o.Stdout = o.Stdout[:len(o.Stdout)-1]
			}
			return nil
		}), "f", command.ErrCut},
		{"cut while it is written", changed(func(c *command.Command, o *command.Output) error {
			if o == nil && len(c.Stdin) > 0 {
				c.Stdin = c.Stdin[1:]
			}
			return nil
		}), "f", command.ErrCut},
		{"the link is lost before it is written", changed(func(c *command.Command, o *command.Output) error {
			if o == nil && len(c.Stdin) > 0 {
				return errors.New("link lost")
			}
			return nil
		}), "f", command.ErrUnseen},
		{"the link is lost after it was written", changed(func(c *command.Command, o *command.Output) error {
			if o != nil && len(c.Stdin) > 0 {
				return errors.New("link lost")
			}
			return nil
		}), "f", nil}, // the file says that it happened
	} {
		f := command.File{Runner: tt.runner, Path: tt.path}
		_, err := f.Read(t.Context())
		if err == nil {
			_, err = f.Replace(t.Context(), []byte("text"), []byte("new"))
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// The lock of the crontab lies where no other user can hold it.
func TestCrontab(t *testing.T) {
	t.Parallel()
	m := here(t)
	bin := t.TempDir()
	write(t, filepath.Join(bin, "crontab"), `#!/bin/sh
case $1 in
-l) cat "$HOME/tab" 2>/dev/null || { echo "no crontab for landing" >&2; exit 1; } ;;
-) cat >"$HOME/tab" ;;
esac
`, 0o755)
	m.path = bin + ":" + m.path
	tab := command.Crontab{Runner: m}
	text, err := tab.Read(t.Context())
	if err != nil || len(text) > 0 {
		t.Fatalf("Read without one: %q, %v", text, err)
	}
	for _, dir := range []string{os.TempDir(), "/tmp"} { // anybody may hold a lock with a name that can be guessed
		lock, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("landing-crontab-%d.lock", os.Getuid())), os.O_CREATE|os.O_RDONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer lock.Close()
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			t.Logf("%s: %v", lock.Name(), err) // it is the same folder
		}
	}
	one := func(now []byte) ([]byte, error) { return []byte("one\n"), nil }
	if err := tab.Change(t.Context(), one); err != nil {
		t.Fatalf("with somebody holding a lock in /tmp: %v", err)
	}
	no := errors.New("no")
	if err := tab.Change(t.Context(), func([]byte) ([]byte, error) { return []byte("two\n"), no }); !errors.Is(err, no) {
		t.Errorf("the goal refuses: %v", err)
	}
	if text, err := tab.Read(t.Context()); err != nil || string(text) != "one\n" {
		t.Errorf("Read: %q, %v", text, err)
	}
	if info, err := os.Stat(filepath.Join(m.dir, ".landing")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the lock: %v, %v", info, err)
	}
}
