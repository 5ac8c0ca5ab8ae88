package operate

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// A cronHost runs commands on this machine with a crontab program of its own,
// so that the scripts are tested by a real shell.
type cronHost struct {
	t    *testing.T
	dir  string
	hook func(command.Command) // called before each command
	mu   sync.Mutex
}

func newCronHost(t *testing.T, text string) *cronHost {
	h := &cronHost{t: t, dir: t.TempDir()}
	program := `#!/bin/sh
case $1 in
-l) cat "$HOME/tab" 2>/dev/null || { echo "no crontab for landing" >&2; exit 1; } ;;
-) if [ -e "$HOME/refuse" ]; then cat "$HOME/refuse" >&2; exit 1; fi
	[ ! -e "$HOME/slow" ] || : >"$HOME/slow.seen"
	while [ -e "$HOME/slow" ]; do sleep 0.02; done
	cat >"$HOME/tab.new" && mv "$HOME/tab.new" "$HOME/tab" ;;
*) exit 2 ;;
esac
`
	if err := os.WriteFile(filepath.Join(h.dir, "crontab"), []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if text != "" {
		h.set(text)
	}
	return h
}

func (h *cronHost) set(text string) {
	if err := os.WriteFile(filepath.Join(h.dir, "tab"), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *cronHost) get() string {
	b, err := os.ReadFile(filepath.Join(h.dir, "tab"))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(b)
}

func (h *cronHost) Run(ctx context.Context, c command.Command) (command.Output, error) {
	h.mu.Lock()
	hook := h.hook
	h.mu.Unlock()
	if hook != nil {
		hook(c)
	}
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	if c.Argv[0] == "crontab" {
		cmd = exec.CommandContext(ctx, filepath.Join(h.dir, "crontab"), c.Argv[1:]...)
	}
	cmd.Env = []string{"HOME=" + h.dir, "PATH=" + h.dir + ":/usr/bin:/bin", "LC_ALL=C"}
	cmd.Stdin = bytes.NewReader(c.Stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return command.Output{}, err
	}
	return command.Output{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Exit: cmd.ProcessState.ExitCode()}, nil
}

const importerTab = "MAILTO=\"\"\r\nTOKEN=hunter2\n@daily curl -H 'X: hunter2' x.example%a\n" +
	"#*/5 * * * * /old/bin/import-images\n*/5 * * * * /srv/si/bin/import-images -vv >/dev/null\n\n0 4 * * * true"

func importer(h *cronHost, run string) *Importer {
	return &Importer{Runner: h, Owner: Owner{Run: run, Operator: "operator", Since: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}}
}

func TestImporterPauseResume(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	h := newCronHost(t, importerTab)
	a, b := importer(h, "copy-rc/1"), importer(h, "copy-stable/2")
	state := func(want ImporterState, runs ...string) {
		t.Helper()
		st, err := a.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range st.By {
			got = append(got, m.Run)
		}
		if st.State != want || !cmp.Equal(got, runs) {
			t.Fatalf("state %q by %q, want %q by %q\n%s", st.State, got, want, runs, h.get())
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	state(ImporterOn)
	must(a.Resume(ctx)) // holds nothing
	state(ImporterOn)
	must(a.Pause(ctx))
	must(a.Pause(ctx))
	state(ImporterPaused, "copy-rc/1")
	wantLine := "# paused by landing: run=copy-rc%2F1 operator=operator since=2026-11-22T10:00:00Z :: */5 * * * * /srv/si/bin/import-images -vv >/dev/null\n"
	if !strings.Contains(h.get(), wantLine) {
		t.Errorf("crontab has no line\n%sbut is\n%s", wantLine, h.get())
	}
	must(b.Pause(ctx))
	state(ImporterPaused, "copy-rc/1", "copy-stable/2")
	must(a.Resume(ctx))
	must(a.Resume(ctx))
	state(ImporterPaused, "copy-stable/2")
	must(b.Resume(ctx))
	state(ImporterOn)
	if diff := cmp.Diff(importerTab, h.get()); diff != "" {
		t.Errorf("crontab after all (-want +got):\n%s", diff)
	}
}

func TestImporterLeavesWhatItDoesNotOwn(t *testing.T) {
	t.Parallel()
	const line = "*/5 * * * * /srv/si/bin/import-images\n"
	tests := []struct {
		name, tab string
		pause     error
		wantIn    string
		resumed   string // crontab after Resume, unless it is as before
	}{
		{name: "by hand", tab: "# " + line},
		{name: "no line", tab: "@daily true\n", pause: systemimage.ErrRefused, wantIn: "no line of the crontab runs import-images"},
		{name: "no crontab", pause: systemimage.ErrRefused, wantIn: "no line of the crontab runs import-images"},
		{name: "two lines", tab: line + "\n" + line, pause: systemimage.ErrPartial, wantIn: "line 1 of the crontab runs it too and goes on"},
		{name: "three lines", tab: line + line + "# " + line + line, pause: systemimage.ErrPartial, wantIn: "line 1, 2 of the crontab"},
		{name: "new line below ours", tab: "# paused by landing: run=r operator=operator since=2026-11-22T10:00:00Z :: " + line + line,
			resumed: "# " + line + line},
		{name: "another run's", tab: "# paused by landing: run=q operator=colleague since=2026-11-22T10:00:00Z :: " + line},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newCronHost(t, tt.tab)
			i := importer(h, "r")
			err := i.Pause(t.Context())
			if !errors.Is(err, tt.pause) {
				t.Fatalf("Pause: %v, want %v", err, tt.pause)
			}
			if err != nil && !strings.Contains(err.Error(), tt.wantIn) {
				t.Errorf("Pause: %v, want it to say %q", err, tt.wantIn)
			}
			if err := i.Resume(t.Context()); err != nil {
				t.Errorf("Resume: %v", err)
			}
			want := tt.tab
			if tt.resumed != "" {
				want = tt.resumed
			}
			if want != "" && h.get() != want {
				t.Errorf("crontab afterwards:\n%s\nwant\n%s", h.get(), want)
			}
		})
	}
}

// Of two active lines the last is commented out, the other goes on and is named
// each time; two runs share the pause, and the last one out restores every byte.
func TestImporterSeveralLines(t *testing.T) {
	t.Parallel()
	const one, two = "0 * * * * /srv/a/bin/import-images\n", "*/5 * * * * /srv/b/bin/import-images\n"
	h := newCronHost(t, one+two+"@daily true\n")
	a, b := importer(h, "a"), importer(h, "b")
	for _, i := range []*Importer{a, b, a} {
		if err := i.Pause(t.Context()); !errors.Is(err, systemimage.ErrPartial) || !strings.Contains(err.Error(), "line 1 of the crontab") {
			t.Fatalf("Pause: %v", err)
		}
		if tab := h.get(); !strings.HasPrefix(tab, one+"# paused by landing: run=a operator=operator since=2026-11-22T10:00:00Z others=1") ||
			!strings.HasSuffix(tab, " :: "+two+"@daily true\n") {
			t.Fatalf("crontab:\n%s", tab)
		}
		if st, err := i.Status(t.Context()); err != nil || st.State != ImporterTwice || !cmp.Equal(st.Lines, []int{1, 2}) || len(st.By) == 0 {
			t.Errorf("state %+v, %v", st, err)
		}
	}
	// Somebody mends it by hand: the pause is whole, and stays within its line.
	h.set(strings.Replace(h.get(), one, "#"+one, 1))
	if err := b.Pause(t.Context()); err != nil {
		t.Errorf("Pause when the other is out: %v", err)
	}
	for _, i := range []*Importer{a, a} {
		if err := i.Resume(t.Context()); err != nil || !strings.Contains(h.get(), "run=b ") {
			t.Fatalf("Resume of one: %v\n%s", err, h.get())
		}
	}
	h.set(strings.Replace(h.get(), "#"+one, one, 1))
	if err := b.Resume(t.Context()); err != nil || h.get() != one+two+"@daily true\n" {
		t.Errorf("Resume of the last: %v\n%s", err, h.get())
	}
	// A third line that is written while two are known is a new one.
	if err := a.Pause(t.Context()); !errors.Is(err, systemimage.ErrPartial) {
		t.Fatal(err)
	}
	h.set(h.get() + "@hourly /srv/c/bin/import-images\n")
	if err := a.Pause(t.Context()); !errors.Is(err, systemimage.ErrPartial) || strings.Contains(h.get(), "\n@hourly") {
		t.Errorf("Pause with a new line: %v\n%s", err, h.get())
	}
}

func TestImporterReadOnly(t *testing.T) {
	h := newCronHost(t, importerTab)
	h.hook = func(c command.Command) { t.Errorf("ran %q", c.Argv) }
	i := importer(h, "r")
	i.ReadOnly = true
	for _, err := range []error{i.Pause(t.Context()), i.Resume(t.Context())} {
		if !errors.Is(err, systemimage.ErrReadOnly) {
			t.Errorf("got %v, want ErrReadOnly", err)
		}
	}
}

func TestImporterWaitsForARunningImport(t *testing.T) {
	h := newCronHost(t, importerTab)
	looks := 0
	i := importer(h, "r")
	i.Root = "/srv/si"
	i.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		if len(c.Argv) < 5 || c.Argv[3] != lockScriptName {
			return h.Run(ctx, c)
		}
		if c.Argv[4] != "/srv/si/state/global.lock" {
			t.Errorf("looked at %q", c.Argv[4])
		}
		looks++
		return command.Output{Stdout: []byte("held 4711 python3 /srv/si/bin/import-images -vv \nseen\n")}, nil
	})
	if err := i.Pause(t.Context()); err != nil || looks != 1 {
		t.Errorf("Pause without waiting: %v after %d looks", err, looks)
	}
	st, err := i.Status(t.Context())
	if err != nil || st.Lock != "held by process 4711: python3 /srv/si/bin/import-images -vv" {
		t.Errorf("Status: %+v, %v", st, err)
	}
	i.Wait = time.Millisecond
	if err := i.Pause(t.Context()); !errors.Is(err, systemimage.ErrLocked) || !strings.Contains(err.Error(), "4711") {
		t.Errorf("Pause: %v", err)
	}
}
