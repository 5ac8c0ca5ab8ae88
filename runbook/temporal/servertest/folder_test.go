package servertest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/temporal"
)

// A folder is a procedure that writes lines into a file, while a hold is held, and
// asks or waits on the way.
type folder struct {
	Steps int           `json:"steps"`
	Each  time.Duration `json:"each,omitempty"`  // how long each takes
	Ask   bool          `json:"ask,omitempty"`   // a gate after them
	Wait  time.Duration `json:"wait,omitempty"`  // a time after them
	Fail  string        `json:"fail,omitempty"`  // a step that fails until there is a file "mended"
	Large int           `json:"large,omitempty"` // bytes of a result, all alike
	Noise int           `json:"noise,omitempty"` // bytes of a result that cannot be packed
	dir   string
}

func (f folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f folder) run(ctx context.Context, r *runbook.Run) error {
	hold := runbook.Hold{Name: "importer", Intent: "pause the importer",
		Acquire: func(context.Context) error { return os.WriteFile(f.path("off"), nil, 0o600) },
		Release: func(context.Context) error {
			if err := os.Remove(f.path("off")); !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		}}
	err := r.Hold(ctx, hold, func(ctx context.Context, r *runbook.Run) error {
		for i := range f.Steps {
			name := fmt.Sprintf("step%02d", i)
			if _, err := runbook.Do(ctx, r, runbook.Step[string]{Name: name, Intent: "write " + name,
				Do:    func(ctx context.Context) (string, error) { return f.write(ctx, name) },
				Probe: func(context.Context) (string, bool, error) { return f.written(name) }}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if f.Wait > 0 {
		begin, err := runbook.Read(ctx, r, "begin", func(context.Context) (time.Time, error) { return time.Now().UTC(), nil })
		if err != nil {
			return err
		}
		if _, err := runbook.Wait(ctx, r, runbook.Poll[int]{Name: "time", Intent: "wait for the time", Check: func(context.Context) (int, bool, error) {
			if due := begin.Add(f.Wait); time.Now().Before(due) {
				return 0, false, &runbook.Error{Kind: runbook.ErrPending, Text: "too early", Due: due}
			}
			return 1, true, nil
		}}); err != nil {
			return err
		}
	}
	if f.Ask {
		return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Go on?", Evidence: map[string]int{"steps": f.Steps}, Not: []string{"copier"}})
	}
	return nil
}

func (f folder) write(ctx context.Context, name string) (string, error) {
	if _, err := os.Stat(f.path("mended")); name == f.Fail && err != nil {
		return "", errors.New("the world is broken")
	}
	time.Sleep(f.Each)
	if err := runbook.Current(ctx); err != nil {
		return "", err
	}
	held := "held"
	if _, err := os.Stat(f.path("off")); err != nil {
		held = "NOT-HELD"
	}
	w, err := os.OpenFile(f.path("log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(w, "%s %s %d\n", name, held, os.Getpid())
	noise := make([]byte, f.Noise)
	_, _ = rand.Read(noise) // never fails
	return name + strings.Repeat("x", f.Large) + base64.StdEncoding.EncodeToString(noise), errors.Join(err, w.Close())
}

func (f folder) written(name string) (string, bool, error) {
	text, err := os.ReadFile(f.path("log"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return name, bytes.Contains(text, []byte(name+" ")), err
}

func buildFolder(dir string) temporal.Build {
	return func(_ context.Context, input json.RawMessage) (runbook.Procedure, any, error) {
		f := folder{dir: dir}
		err := json.Unmarshal(input, &f)
		return f.run, dir, err
	}
}

// steps is how often each step was done.
func (f folder) steps() map[string]int {
	done := map[string]int{}
	text, _ := os.ReadFile(f.path("log")) // none is none
	for line := range strings.Lines(string(text)) {
		done[strings.Fields(line)[0]]++
	}
	return done
}

// onceEach checks that each of n steps was done once.
func onceEach(t *testing.T, dir string, n int) {
	t.Helper()
	done := folder{dir: dir}.steps()
	for step, times := range done {
		if times != 1 {
			t.Errorf("%s was done %d times", step, times)
		}
	}
	if len(done) != n {
		t.Errorf("%d of %d steps were done", len(done), n)
	}
}

// off reports whether the hold of a folder is held.
func off(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "off"))
	return err == nil
}
