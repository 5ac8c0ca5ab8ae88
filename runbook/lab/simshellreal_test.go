package lab_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A script that is not played makes the simulation ten times slower.
func TestNoShellIsStarted(t *testing.T) {
	for _, sc := range scenes() {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			prepare(t, sc).noShell(t)
		})
	}
}

// noShell says which scripts were neither played nor known.
func (s *simulation) noShell(t *testing.T) {
	t.Helper()
	s.shells.Range(func(script, _ any) bool {
		t.Errorf("%s starts a shell for the script %s: see that the way in which it is played is still right, and give its new sum in scripts()", s.name, script)
		return true
	})
}

// What is played answers as the shell does, and leaves the same files.
func TestPlayedAsTheShellDoes(t *testing.T) {
	for _, sc := range scenes() {
		if sc.builds || sc.launchpad {
			continue // the same scripts
		}
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			s := prepare(t, sc)
			s.play = func(_ context.Context, root string, _ *sync.Map, c command.Command) (command.Output, bool) {
				server, err := systemimagetest.Open(root)
				if err != nil {
					t.Fatal(err)
				}
				return both(t, server, c)
			}
			if o := s.once(t, nil); !o.done {
				t.Errorf("not done: %v", o.err)
			}
		})
	}
}

// An index is mended by play as by the shell, in every state that a killed program
// or a person can leave.
func TestMendedAsTheShellDoes(t *testing.T) {
	t.Parallel()
	var script []string
	catch := command.Func(func(_ context.Context, c command.Command) (command.Output, error) {
		if script = c.Argv; script[3] != "landing-mend" {
			return command.Output{Exit: 1}, nil
		}
		return command.Output{Exit: 4}, nil
	})
	server := systemimagetest.New(t, systemimagetest.SampleWorld())
	_, err := (&operate.Server{Runner: catch, Root: server.Root(), Client: server.Client()}).Unblock(t.Context(), "ubuntu-touch/stable/meizu.en", "arale", 1)
	if !errors.Is(err, systemimage.ErrLocked) || len(script) != 9 {
		t.Fatalf("%q, %v", script, err)
	}
	impatient := slices.Clone(script)
	impatient[2] = strings.Replace(script[2], "\nsleep 1\n", "\n", 1)
	states := map[string][]string{ // older ones first; "0" is an empty file
		"whole": {"", ".asc"}, "unsigned": {""}, "empty signature": {"", "0.asc"}, "nothing": {},
		"signed": {"", ".asc", ".new", ".new.asc"}, "signature removed": {"", ".new", ".new.asc"},
		"signature moved": {"", ".new", ".asc"}, "index removed": {".new", ".asc"}, "index lost, both new": {".new", ".new.asc"},
		"unsigned new one": {"", ".asc", ".new"}, "empty new one": {"", ".asc", "0.new"}, "empty new one alone": {"0.new"},
	}
	there, away := t.TempDir(), filepath.Join(t.TempDir(), "away")
	for name, state := range states {
		for _, rest := range [][]string{{"", "", ""}, {"yes", "", ""}, {"no", "", ""}, {"", "unsigned", ""}, {"", "signed", ""}, {"no", "unsigned", away}, {"no", "", there}, {"yes", "", there}} {
			t.Run(name+" "+strings.Join(rest, " "), func(t *testing.T) {
				t.Parallel()
				var after [2]string
				for i := range after {
					www := t.TempDir()
					for n, ext := range state {
						path := filepath.Join(www, "index.json"+strings.TrimPrefix(ext, "0"))
						text := []byte(ext)
						if strings.HasPrefix(ext, "0") {
							text = nil
						} else if ext == "" {
							text = []byte("index")
						}
						at := time.Now().Add(time.Duration(n-len(state)) * time.Minute)
						if err := errors.Join(os.WriteFile(path, text, 0o644), os.Chtimes(path, at, at)); err != nil {
							t.Fatal(err)
						}
					}
					args := append([]string{www, "."}, rest...)
					var out command.Output
					if i == 0 {
						cmd := exec.CommandContext(t.Context(), script[0], slices.Concat(impatient[1:4], args)...)
						out.Stdout, _ = cmd.Output()
						out.Exit = cmd.ProcessState.ExitCode()
					} else {
						synctest.Test(t, func(t *testing.T) { out = played(t, slices.Concat(script[:4], args)) })
					}
					list, err := os.ReadDir(www)
					if err != nil {
						t.Fatal(err)
					}
					after[i] = fmt.Sprintf("exit %d: %s\n", out.Exit, out.Stdout)
					for _, e := range list {
						text, _ := os.ReadFile(filepath.Join(www, e.Name()))
						after[i] += fmt.Sprintf("%s: %s\n", e.Name(), text)
					}
				}
				if d := cmp.Diff(after[0], after[1]); d != "" {
					t.Errorf("(-shell +played)\n%s", d)
				}
			})
		}
	}
}

func played(t *testing.T, argv []string) command.Output {
	t.Helper()
	out, ok := lab.Play(t.Context(), "", new(sync.Map), command.Command{Argv: argv})
	if !ok {
		t.Errorf("%q is not played", argv[3:])
	}
	return out
}

// files are those that a script can change, by path.
func files(root string) map[string]string {
	list := map[string]string{}
	for _, dir := range []string{"etc", "phased-state", "."} {
		names, _ := os.ReadDir(filepath.Join(root, dir))
		for _, e := range names {
			path := filepath.Join(root, dir, e.Name())
			if text, err := os.ReadFile(path); err == nil && !strings.HasPrefix(e.Name(), ".") {
				list[path] = string(text)
			}
		}
	}
	return list
}

func restore(t *testing.T, root string, before map[string]string) {
	t.Helper()
	for path := range files(root) {
		if _, ok := before[path]; !ok {
			os.Remove(path)
		}
	}
	for path, text := range before {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// both really runs a command, and plays it in the same world.
func both(t *testing.T, server *systemimagetest.Server, c command.Command) (command.Output, bool) {
	t.Helper()
	if c.Argv[0] != "sh" && c.Argv[0] != "crontab" || len(c.Argv) > 3 && strings.HasPrefix(c.Argv[3], "landing-phase") {
		return command.Output{}, false
	}
	root := server.Root()
	before, turns := files(root), turnFiles(root)
	real, err := server.Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	left := files(root)
	restore(t, root, before)
	for path, text := range turns {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, ok := lab.Play(context.Background(), root, new(sync.Map), c)
	if !ok {
		return real, true
	}
	turnless := func(b []byte) string { // the word of a turn is nobody's business
		head, rest, _ := strings.Cut(strings.TrimPrefix(string(b), "\n"), "\n")
		if words := strings.Split(head, " "); len(words) > 2 && (words[0] == "landing-crontab" || words[0] == "landing-file") {
			words[1] = ""
			head = strings.Join(words, " ")
		}
		return head + "\n" + rest
	}
	name := strings.Join(append([]string{""}, c.Argv[min(3, len(c.Argv)-1):]...), " ")
	if d := cmp.Diff(turnless(real.Stdout), turnless(out.Stdout)); d != "" || real.Exit != out.Exit {
		t.Errorf("%s: exit %d and %d (-shell +played)\n%s", name, real.Exit, out.Exit, d)
	}
	if d := cmp.Diff(left, files(root)); d != "" {
		t.Errorf("%s: files (-shell +played)\n%s", name, d)
	}
	return out, true
}

func turnFiles(root string) map[string]string {
	list := map[string]string{}
	names, _ := filepath.Glob(filepath.Join(root, ".machine", ".landing", "*"))
	for _, path := range names {
		if text, err := os.ReadFile(path); err == nil {
			list[path] = string(text)
		}
	}
	return list
}

// What no index names is taken away by play as by the shell.
func TestUnfinishedAsTheShellDoes(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"pool/named.tar.xz": "x", "pool/next.tar.xz": "x", "pool/unsigned.tar.xz": "x", "pool/empty.tar.xz": "x", "pool/empty.tar.xz.asc": "",
		"pool/json.tar.xz": "x", "pool/json.tar.xz.asc": "s", "pool/json.json": "", "pool/json.json.asc": "s",
		"pool/whole.tar.xz": "x", "pool/whole.tar.xz.asc": "s", "pool/whole.json": "{}", "pool/index.json": `"/pool/unsigned.tar.xz"`,
		"c/d/index.json": `{"path": "/pool/named.tar.xz"}`, "c/d/index.json.new": `{"path": "/pool/next.tar.xz"}`,
	}
	asked := []string{"pool/named.tar.xz", "pool/next.tar.xz", "pool/unsigned.tar.xz", "pool/empty.tar.xz", "pool/json.tar.xz", "pool/whole.tar.xz"}
	script := ""
	server := systemimagetest.New(t, systemimagetest.SampleWorld())
	if err := os.WriteFile(filepath.Join(server.Root(), "www/pool/unsigned.tar.xz"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	catch := command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		if len(c.Argv) > 3 && c.Argv[3] == "landing-unfinished" {
			script = c.Argv[2]
		}
		return server.Run(ctx, c)
	})
	if _, err := (&operate.Server{Runner: catch, Root: server.Root(), Client: server.Client()}).PreflightImport(t.Context()); err != nil || script == "" {
		t.Fatalf("%q, %v", script, err)
	}
	for _, mode := range []string{"", "remove"} {
		var after [2]string
		for i := range after {
			www := t.TempDir()
			for name, text := range files {
				path := filepath.Join(www, name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			args := append([]string{www, mode}, asked...)
			var out command.Output
			if i == 0 {
				cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-c", script, "landing-unfinished"}, args...)...)
				out.Stdout, _ = cmd.Output()
				out.Exit = cmd.ProcessState.ExitCode()
			} else {
				out = played(t, append([]string{"sh", "-c", script, "landing-unfinished"}, args...))
			}
			list, err := filepath.Glob(www + "/pool/*")
			if err != nil {
				t.Fatal(err)
			}
			after[i] = fmt.Sprintf("exit %d\n%s%s", out.Exit, out.Stdout, strings.ReplaceAll(strings.Join(list, "\n"), www, ""))
		}
		if d := cmp.Diff(after[0], after[1]); d != "" {
			t.Errorf("%q (-shell +played)\n%s", mode, d)
		}
	}
}
