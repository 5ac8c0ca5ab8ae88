package lab_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A script that is not played makes the simulation ten times slower.
func TestNoShellIsStarted(t *testing.T) {
	for _, sc := range scenes() {
		s := prepare(t, sc)
		s.shells.Range(func(script, _ any) bool {
			t.Errorf("%s starts a shell for the script %s: see that the way in which it is played is still right, and give its new sum in looks() or played()", sc.name, script)
			return true
		})
	}
}

// What is played answers as the shell does, and leaves the same files.
func TestPlayedAsTheShellDoes(t *testing.T) {
	for _, sc := range scenes() {
		if sc.builds || sc.launchpad {
			continue // the same scripts
		}
		t.Run(sc.name, func(t *testing.T) {
			s := prepare(t, sc)
			s.play = func(server *systemimagetest.Server, c command.Command) (command.Output, bool) {
				return both(t, server, c)
			}
			if o := s.once(t, nil); !o.done {
				t.Errorf("not done: %v", o.err)
			}
		})
	}
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
	out, ok := play(server, c)
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
