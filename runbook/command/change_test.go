package command_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
)

// something that changes on a machine: a file, or the crontab.
type something struct {
	path   string
	change func(command.Runner, context.Context, func([]byte) ([]byte, error)) error
}

func (m machine) somethings(t *testing.T) map[string]something {
	t.Helper()
	write(t, filepath.Join(m.dir, "file"), "", 0o600)
	write(t, filepath.Join(m.dir, "tab"), "", 0o600)
	write(t, filepath.Join(m.path, "crontab"), `#!/bin/sh
case $1 in
-l) cat "$HOME/tab" ;;
-) cat >"$HOME/tab.new" && mv "$HOME/tab.new" "$HOME/tab" ;;
esac
`, 0o755)
	return map[string]something{
		"file": {filepath.Join(m.dir, "file"), func(r command.Runner, ctx context.Context, goal func([]byte) ([]byte, error)) error {
			_, err := command.File{Runner: r, Path: "file"}.Change(ctx, goal)
			return err
		}},
		"crontab": {filepath.Join(m.dir, "tab"), func(r command.Runner, ctx context.Context, goal func([]byte) ([]byte, error)) error {
			return command.Crontab{Runner: r}.Change(ctx, goal)
		}},
	}
}

// with appends a word that is not there yet, without takes it out.
func with(word string) func([]byte) ([]byte, error) {
	return func(now []byte) ([]byte, error) {
		if bytes.Contains(now, []byte(word+"\n")) {
			return now, nil
		}
		return slices.Concat(now, []byte(word+"\n")), nil
	}
}

func without(word string) func([]byte) ([]byte, error) {
	return func(now []byte) ([]byte, error) { return bytes.ReplaceAll(now, []byte(word+"\n"), nil), nil }
}

// What is on its way when somebody is told how it is writes nothing any more, also
// where the content is again what it was prepared for.
func TestChangeEndsWhatIsOnItsWay(t *testing.T) {
	t.Parallel()
	for name, m := range machines(t) {
		for what, s := range m.somethings(t) {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				var late command.Command
				lost := command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
					switch {
					case late.Argv != nil:
						return command.Output{}, errors.New("killed")
					case len(c.Stdin) > 0:
						late = c
						return command.Output{}, errors.New("link lost")
					}
					return m.Run(ctx, c)
				})
				if err := s.change(lost, t.Context(), with("a")); !errors.Is(err, command.ErrUnseen) {
					t.Fatalf("the lost change: %v, want ErrUnseen", err)
				}
				for _, goal := range []func([]byte) ([]byte, error){with("a"), without("a")} {
					if err := s.change(m, t.Context(), goal); err != nil {
						t.Fatal(err)
					}
				}
				if out, err := m.Run(t.Context(), late); err != nil || out.Exit != 3 {
					t.Errorf("the late command: exit %d, %v; want 3\n%s", out.Exit, err, out.Stderr)
				}
				if got, err := os.ReadFile(s.path); err != nil || len(got) > 0 {
					t.Errorf("in the end %q, %v; want nothing", got, err)
				}
			})
		}
	}
}

// Many who change at once: each one's change is there, and nobody fences the others
// off for ever.
func TestChangesAtOnce(t *testing.T) {
	t.Parallel()
	for name, m := range machines(t) {
		if strings.Contains(name, "without flock") {
			continue // without the lock the last writer of a moment wins, and the other writes again
		}
		for what, s := range m.somethings(t) {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				var wg sync.WaitGroup
				var want []string
				for n := range 4 {
					want = append(want, fmt.Sprint("word", n))
					wg.Go(func() {
						if err := s.change(m, t.Context(), with(fmt.Sprint("word", n))); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				text, err := os.ReadFile(s.path)
				got := strings.Fields(string(text))
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" || err != nil {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
			})
		}
	}
}

// The link is lost in the middle and comes back: the change is found or made.
func TestChangeAfterALostLink(t *testing.T) {
	t.Parallel()
	for _, happened := range []bool{true, false} {
		m := machineOf(t, "dash", "flock")
		for what, s := range m.somethings(t) {
			writes := 0
			flaky := command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
				if len(c.Stdin) == 0 {
					return m.Run(ctx, c)
				}
				if writes++; writes > 1 {
					return m.Run(ctx, c)
				}
				if happened {
					if _, err := m.Run(ctx, c); err != nil {
						t.Error(err)
					}
				}
				return command.Output{}, errors.New("link lost")
			})
			err := s.change(flaky, t.Context(), with("a"))
			text, readErr := os.ReadFile(s.path)
			wanted := 2
			if happened {
				wanted = 1
			}
			if errors.Join(err, readErr) != nil || string(text) != "a\n" || writes != wanted {
				t.Errorf("%s, happened %v: %q after %d writes, %v", what, happened, text, writes, err)
			}
		}
	}
}
