package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote"
	"github.com/landingteam/landing/runbook/remote/remotetest"
)

func TestMain(m *testing.M) {
	syscall.Umask(0o022) // files made by the tests have the modes they expect
	os.Exit(m.Run())
}

// files lists a folder: name, mode and content.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		b, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		i, _ := e.Info()
		name := e.Name()
		if base, stamp, ok := strings.Cut(name, "."); ok && strings.HasSuffix(stamp, ".bak") {
			if _, err := time.Parse("20060102T150405Z", strings.Split(stamp, ".")[0]); err != nil {
				t.Errorf("backup %s: %v", name, err)
			}
			name = base + ".bak"
		}
		got[name] = fmt.Sprintf("%v %s", i.Mode(), b)
	}
	return got
}

func TestReplaceFileInEveryShell(t *testing.T) {
	t.Parallel()
	for name, s := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := s.Host()
			dir := filepath.Join(s.Dir, "-etc dir")
			os.Mkdir(dir, 0o755)
			os.WriteFile(filepath.Join(dir, "config"), []byte("old\x00\n"), 0o444)
			os.Symlink("-etc dir/config", filepath.Join(s.Dir, "link"))
			os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600)

			path := "-etc dir/config"
			if got, err := h.ReadFile(t.Context(), path); string(got) != "old\x00\n" || err != nil {
				t.Fatalf("ReadFile: %q, %v", got, err)
			}
			if err := h.ReplaceFile(t.Context(), path, []byte("older"), []byte("new")); !errors.Is(err, remote.ErrConflict) {
				t.Errorf("ReplaceFile with another old: %v, want ErrConflict", err)
			}
			if err := h.ReplaceFile(t.Context(), path, nil, []byte("new")); !errors.Is(err, remote.ErrConflict) {
				t.Errorf("making a file that exists: %v, want ErrConflict", err)
			}
			if err := h.ReplaceFile(t.Context(), path, []byte("old\x00\n"), []byte("old\x00\n")); err != nil {
				t.Errorf("the same again: %v", err)
			}
			if err := h.ReplaceFile(t.Context(), "link", []byte("old\x00\n"), []byte("n\xffw")); err != nil {
				t.Errorf("ReplaceFile through a link: %v", err)
			}
			if err := h.ReplaceFile(t.Context(), filepath.Join(dir, "empty"), []byte{}, bytes.Repeat([]byte("x"), 3)); err != nil {
				t.Errorf("an empty file: %v", err)
			}
			if err := h.ReplaceFile(t.Context(), path+"2", nil, nil); err != nil {
				t.Errorf("making an empty file: %v", err)
			}
			if diff := cmp.Diff(map[string]string{
				"config":     "-r--r--r-- n\xffw",
				"config.bak": "-r--r--r-- old\x00\n",
				"config2":    "-rw-r--r-- ",
				"empty":      "-rw------- xxx",
				"empty.bak":  "-rw------- ",
			}, files(t, dir)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Of many changes to one read content exactly one wins.
func TestReplaceFileExcludes(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	os.WriteFile(filepath.Join(s.Dir, "f"), []byte("old"), 0o600)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := ""
	for i := range 6 {
		h := s.Host()
		wg.Go(func() {
			text := fmt.Sprint(i)
			err := h.ReplaceFile(t.Context(), "f", []byte("old"), []byte(text))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won += text
			case !errors.Is(err, remote.ErrConflict):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if b, _ := os.ReadFile(filepath.Join(s.Dir, "f")); len(won) != 1 || string(b) != won {
		t.Errorf("%q won, the file holds %q; want one winner", won, b)
	}
}

func TestReplaceFileBreaksDeadLock(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	os.Mkdir(filepath.Join(s.Dir, ".f.lock"), 0o700)
	os.WriteFile(filepath.Join(s.Dir, ".f.lock", "pid"), []byte("4194305\n"), 0o600) // above the largest
	if err := s.Host().ReplaceFile(t.Context(), "f", nil, []byte("x")); err != nil {
		t.Error(err)
	}
	want := map[string]string{"f": "-rw-r--r-- x"}
	if diff := cmp.Diff(want, files(t, s.Dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReplaceFileCut(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	big := bytes.Repeat([]byte("0123456789abcde\n"), 1<<18)
	os.WriteFile(filepath.Join(s.Dir, "f"), []byte("old"), 0o600)
	s.Set(func() { s.Handler = cutInput(s, 1<<20) })
	if err := h.ReplaceFile(t.Context(), "f", []byte("old"), big); !errors.Is(err, remote.ErrLost) {
		t.Fatalf("ReplaceFile: %v, want ErrLost", err)
	}
	s.Set(func() { s.Handler = nil })
	waitFor(t, "the script to clean up", func() bool { l, _ := os.ReadDir(s.Dir); return len(l) == 1 })
	if b, err := h.ReadFile(t.Context(), "f"); err != nil || string(b) != "old" {
		t.Errorf("the file holds %d bytes, %v; want the old ones", len(b), err)
	}
}

func TestFileErrors(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	h := s.Host()
	h.MaxOutput = 10
	os.Mkdir(filepath.Join(s.Dir, "d"), 0o755)
	os.WriteFile(filepath.Join(s.Dir, "large"), make([]byte, 11), 0o600)
	os.Symlink("nowhere", filepath.Join(s.Dir, "dangling"))
	os.Symlink("loop", filepath.Join(s.Dir, "loop"))
	read := func(path string) func() error {
		return func() error { _, err := h.ReadFile(t.Context(), path); return err }
	}
	replace := func(path string, old, new []byte) func() error {
		return func() error { return h.ReplaceFile(t.Context(), path, old, new) }
	}
	x := []byte("x")
	tests := []struct {
		name string
		f    func() error
		want error
	}{
		{"no file", read("none"), remote.ErrNotExist},
		{"no file, as fs knows it", read("none"), fs.ErrNotExist},
		{"dangling link", read("dangling"), remote.ErrNotExist},
		{"folder", read("d"), remote.ErrInvalid},
		{"device", read("/dev/null"), remote.ErrInvalid},
		{"large", read("large"), remote.ErrTooLarge},
		{"no path", read(""), remote.ErrInvalid},
		{"NUL in path", read("a\x00"), remote.ErrInvalid},
		{"replace none", replace("none", x, []byte("y")), remote.ErrNotExist},
		{"replace in no folder", replace("no/f", nil, x), remote.ErrNotExist},
		{"replace folder", replace("d", nil, x), remote.ErrInvalid},
		{"replace too large", replace("f", nil, make([]byte, 11)), remote.ErrTooLarge},
		{"replace loop", replace("loop", nil, x), remote.ErrRefused},
		{"same, but changed", replace("large", x, x), remote.ErrTooLarge},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.f(); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
	h.ReadOnly = true
	if err := replace("f", nil, x)(); !errors.Is(err, remote.ErrReadOnly) {
		t.Errorf("%v, want ErrReadOnly", err)
	}
}

func TestNow(t *testing.T) {
	t.Parallel()
	got, err := remotetest.New(t).Host().Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(got); d < 0 || d > time.Minute || got.Location() != time.UTC {
		t.Errorf("Now() = %v, %v ago", got, d)
	}
}

func TestGreetingsOfTheShell(t *testing.T) {
	t.Parallel()
	s := remotetest.New(t)
	s.Set(func() {
		s.Handler = func(ctx context.Context, r *remotetest.Request) int {
			fmt.Fprint(r.Stdout, "Welcome!\nlanding-answerer")
			fmt.Fprint(r.Stderr, "setlocale: cannot change locale")
			return remotetest.Shell(ctx, r)
		}
	})
	h := s.Host()
	os.WriteFile(filepath.Join(s.Dir, "f"), []byte("text"), 0o600)
	if b, err := h.ReadFile(t.Context(), "f"); string(b) != "text" || err != nil {
		t.Errorf("ReadFile: %q, %v", b, err)
	}
	out, err := h.Run(t.Context(), job("j", "echo out; echo err >&2"))
	if diff := cmp.Diff(command.Output{Stdout: []byte("out\n"), Stderr: []byte("err\n")}, out); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
