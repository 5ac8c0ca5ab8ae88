package operate

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/fixture"
)

// places returns the words of a recorded command line that are no options.
func places(r *fixture.Recording) []string {
	words := splitCommand(r.Command)
	return slices.DeleteFunc(words[1:], func(w string) bool { return len(w) > 1 && w[0] == '-' && (w[1] == 'v' || w[1] == '-') })
}

func TestPhaseRecorded(t *testing.T) {
	list := append(fixture.Recordings(t, "phased"), fixture.Recordings(t, "copy-danger")...)
	for _, r := range list {
		if !strings.Contains(r.Command, "set-phased-percentage") || strings.Contains(r.Name, "help") {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := worldBefore(t, list, r)
				p := places(r)
				version, _ := strconv.Atoi(p[2])
				percentage, _ := strconv.Atoi(p[3])
				q := PhaseRequest{Channel: p[0], Device: p[1], Version: version, Percentage: percentage}
				if r.Name == "copy-killed-c-then-phased-again-v3" {
					w.remove("ubuntu-touch/rc/bq-aquaris.en/krillin/index.json.new") // recorded is that cleanup-tree removed it
				}
				index := q.Channel + "/" + q.Device + "/index.json"
				changed := slices.ContainsFunc(r.Changes, func(c string) bool { return strings.HasPrefix(c, "M "+index+" ") })
				h := &replay{t: t, w: w, r: r}
				got, err := h.server().Phase(t.Context(), q)
				switch {
				case changed:
					if err != nil {
						t.Fatal(err)
					}
					for _, m := range looseIndex(t, r.After[index]) {
						if *m.Version == version && m.percentage() != got.Percentage {
							t.Errorf("got %d %%, the index has %d", got.Percentage, m.percentage())
						}
					}
					if want := []string{"set-phased-percentage", "-vvv", q.Channel, q.Device, p[2], p[3]}; !slices.Equal(h.runs[0], want) {
						t.Errorf("ran %q, want %q", h.runs[0], want)
					}
					if _, done, err := h.server().CheckPhase(t.Context(), q); err != nil || !done {
						t.Errorf("checked again: %v, %v", done, err)
					}
				case err == nil:
					t.Errorf("nothing changed, and no error: %+v", got)
				case r.Exit == 2 || r.Name == "phased-fail-not-latest-v3" || r.Name == "phased-fail-unknown-version-v3":
					_, text, _ := strings.Cut(lastLine(r.Stderr), "rror: ")
					if r.Exit == 1 {
						_, text, _ = strings.Cut(lastLine(r.Stderr), ": ")
					}
					if len(h.runs) > 0 || !errors.Is(err, systemimage.ErrRefused) || !strings.Contains(err.Error(), strings.TrimSuffix(text, ".")) {
						t.Errorf("ran %q, %v, want a refusal with %q", h.runs, err, text)
					}
				case r.Name == "copy-killed-c-then-phased-v3":
					if len(h.runs) > 0 || !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "cleanup-tree") {
						t.Errorf("ran %q, %v", h.runs, err)
					}
				case !errors.Is(err, systemimage.ErrBroken): // it died
					t.Errorf("%v is not ErrBroken", err)
				}
			})
		})
	}
}

// An import that read the index before the change and writes it back after
// undoes it. That is seen, and the percentage set again.
func TestPhaseLostUpdate(t *testing.T) {
	r := named(fixture.Recordings(t, "phased"), "phased-ok-v3")
	p := places(r)
	q := PhaseRequest{Channel: p[0], Device: p[1], Version: 1, Percentage: 60}
	index := q.Channel + "/" + q.Device + "/index.json"
	t.Run("at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, false)
			h := &replay{t: t, w: w, r: r}
			h.after = func() {
				if len(h.runs) > 1 { // the first is lost
					w.apply(t, r)
				}
			}
			if got, err := h.server().Phase(t.Context(), q); err != nil || got.Percentage != 60 || got.Before != 30 || len(h.runs) != 2 {
				t.Errorf("%+v, %v after %d runs", got, err, len(h.runs))
			}
		})
	})
	// An import's own clean-up, at its end, takes the half-written index away.
	t.Run("swept away", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, false)
			h := &replay{t: t, w: w, r: r}
			h.after = func() { w.apply(t, r) }
			s, swept := h.server(), 0
			s.Runner = runnerWith(h, func(c command.Command) (command.Output, bool) {
				if swept > 0 || !slices.ContainsFunc(c.Argv, func(a string) bool { return strings.HasSuffix(a, "/bin/set-phased-percentage") }) {
					return command.Output{}, false
				}
				swept++
				return command.Output{Exit: 1, Stderr: []byte("Traceback (most recent call last):\n" +
					"FileNotFoundError: [Errno 2] No such file or directory: '" + s.Root + "/www/" + index + ".new'\n")}, true
			})
			if got, err := s.Phase(t.Context(), q); err != nil || got.Percentage != 60 || swept != 1 || len(h.runs) != 1 {
				t.Errorf("%+v, %v after %d runs", got, err, swept+len(h.runs))
			}
		})
	})
	t.Run("always", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := &replay{t: t, w: newWorld(t, false), r: r, after: func() {}}
			got, err := h.server().Phase(t.Context(), q)
			if !errors.Is(err, systemimage.ErrInDoubt) || got.Percentage != 30 || len(h.runs) != 3 {
				t.Errorf("%+v, %v after %d runs", got, err, len(h.runs))
			}
		})
	})
	t.Run("later", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, false)
			// The import writes at a later time what it read before.
			undone := regexp.MustCompile(`UTC 20\d\d`).ReplaceAllString(w.docs[index], "UTC 2028")
			h := &replay{t: t, w: w, r: r}
			h.after = func() {
				w.apply(t, r)
				w.put(index, strings.Replace(w.docs[index], "UTC 2026", "UTC 20"+strconv.Itoa(25+2*len(h.runs)), 1))
			}
			looks := 0
			s := h.server()
			s.Runner = runnerWith(h, func(c command.Command) (command.Output, bool) {
				if len(c.Argv) < 4 || c.Argv[3] != lockScriptName {
					return command.Output{}, false
				}
				switch looks++; looks { // an import runs, writes, and ends
				case 1:
					return command.Output{Stdout: []byte("held 7 import-images\nseen\n")}, true
				case 2:
					w.put(index, undone)
					return command.Output{Stdout: []byte("held 7 import-images\nseen\n")}, true
				}
				return command.Output{Stdout: []byte("seen\n")}, true
			})
			if got, err := s.Phase(t.Context(), q); err != nil || got.Percentage != 60 || len(h.runs) != 2 {
				t.Errorf("%+v, %v after %d runs", got, err, len(h.runs))
			}
		})
	})
}

// A stop file that appears between two attempts has the last word: written, it
// stops the next attempt, in the fake as in a real shell.
func TestPhaseUnless(t *testing.T) {
	r := named(fixture.Recordings(t, "phased"), "phased-ok-v3")
	p := places(r)
	synctest.Test(t, func(t *testing.T) {
		q := PhaseRequest{Channel: p[0], Device: p[1], Version: 1, Percentage: 60, Unless: filepath.Join(t.TempDir(), "done")}
		h := &replay{t: t, w: newWorld(t, false), r: r}
		h.after = func() { // somebody stops, and undoes what was set
			if err := os.WriteFile(q.Unless, nil, 0o600); err != nil {
				t.Error(err)
			}
		}
		s := h.server()
		runs := 0
		s.Runner = runnerWith(h, func(c command.Command) (command.Output, bool) {
			if len(c.Argv) < 4 || c.Argv[3] != phaseScriptName {
				return command.Output{}, false
			}
			runs++
			c.Argv = append(slices.Clone(c.Argv[:7]), "true") // the real script with no program
			c.Argv[4] = filepath.Join(filepath.Dir(q.Unless), "lock")
			var stderr bytes.Buffer
			cmd := exec.CommandContext(t.Context(), c.Argv[0], c.Argv[1:]...)
			cmd.Stderr = &stderr
			if err := cmd.Run(); err != nil {
				return command.Output{Stderr: stderr.Bytes(), Exit: cmd.ProcessState.ExitCode()}, true
			}
			return command.Output{}, false
		})
		_, err := s.Phase(t.Context(), q)
		if !errors.Is(err, systemimage.ErrRefused) || !strings.Contains(err.Error(), q.Unless+" is there") || runs != 2 || len(h.runs) != 1 {
			t.Errorf("%v after %d runs of %d, want ErrRefused at the second", err, len(h.runs), runs)
		}
	})
}

func TestTagRecorded(t *testing.T) {
	list := fixture.Recordings(t, "tag")
	for _, r := range list {
		t.Run(r.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := worldBefore(t, list, r)
				p := places(r)
				version, _ := strconv.Atoi(p[2])
				q := TagRequest{Channel: p[0], Device: p[1], Version: version, Tag: p[3]}
				index := q.Channel + "/" + q.Device + "/index.json"
				before := maps.Clone(w.docs)
				percentage, detail := 100, ""
				for _, m := range looseIndex(t, before[index]) {
					if *m.Version == version && m.Type == "full" {
						percentage, detail = m.percentage(), m.Detail
					}
				}
				end := worldBefore(t, list, r)
				end.apply(t, r)
				want, number := tell(t, r, before, end, q.Channel, q.Device, detail, q.Tag, percentage)
				h := &replay{t: t, w: w, r: r}
				got, err := h.server().Tag(t.Context(), q)
				if v := verdictOf(err); v != want {
					t.Fatalf("verdict %q, want %q: %v", v, want, err)
				}
				switch want {
				case refused:
					text := regexp.MustCompile(`: error: (.*?)\.?$`).FindStringSubmatch(lastLine(r.Stderr))[1]
					if len(h.runs) > 0 || !strings.Contains(err.Error(), text) {
						t.Errorf("ran %q, %v, want a refusal with %q", h.runs, err, text)
					}
				case done:
					if got.Version != number || got.Tag != q.Tag || got.Percentage != percentage || !slices.Equal(got.Deltas, []int{version}) {
						t.Errorf("got %+v", got)
					}
					if want := []string{"tag-image", "-vvv", q.Channel, q.Device, p[2], q.Tag}; !slices.Equal(h.runs[0], want) {
						t.Errorf("ran %q, want %q", h.runs[0], want)
					}
					c, isDone, err := h.server().CheckTag(t.Context(), q)
					if err != nil || !isDone || c.Version != number {
						t.Errorf("checked again: %+v, %v, %v", c, isDone, err)
					}
				}
			})
		})
	}
}
