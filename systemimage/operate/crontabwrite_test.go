package operate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// Somebody saves the crontab between our reading and our writing: nothing of
// theirs is lost, and our change is made on top of it.
func TestImporterChangedUnderfoot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testImporterChangedUnderfoot) // it waits between its attempts
}

func testImporterChangedUnderfoot(t *testing.T) {
	h := newCronHost(t, importerTab)
	saves := 0
	h.hook = func(c command.Command) {
		if c.Argv[0] == "sh" && saves < 2 {
			saves++
			h.set(fmt.Sprintf("%s\n@weekly save-%d\n", importerTab, saves))
		}
	}
	i := importer(h, "r")
	if err := i.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.get(); !strings.Contains(got, "@weekly save-2") || !strings.Contains(got, "run=r ") {
		t.Errorf("crontab:\n%s", got)
	}

	// Endlessly, it gives up without having broken anything.
	h.set(importerTab)
	h.hook = func(c command.Command) {
		if c.Argv[0] == "sh" {
			saves++
			h.set(fmt.Sprintf("%s\n@weekly save-%d\n", importerTab, saves))
		}
	}
	err := i.Pause(t.Context())
	if !errors.Is(err, systemimage.ErrLocked) || !strings.Contains(err.Error(), "again and again: the crontab: it is not what was read before: somebody changed it") {
		t.Errorf("Pause: %v", err)
	}
	if want := fmt.Sprintf("%s\n@weekly save-%d\n", importerTab, saves); h.get() != want {
		t.Errorf("crontab:\n%s\nwant\n%s", h.get(), want)
	}
}

// Many runs at once: each mark is there afterwards, and after all have resumed
// the importer is on.
func TestImporterConcurrentRuns(t *testing.T) { synctest.Test(t, testImporterConcurrentRuns) }

func testImporterConcurrentRuns(t *testing.T) {
	if _, err := exec.LookPath("flock"); err != nil {
		t.Skip("without flock(1) the last writer of a moment wins and the loser writes again; nothing to assert")
	}
	h := newCronHost(t, importerTab)
	var wg sync.WaitGroup
	each := func(f func(*Importer) error) {
		for n := range 3 {
			wg.Go(func() {
				if err := f(importer(h, fmt.Sprint("run", n))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	each(func(i *Importer) error { return i.Pause(t.Context()) })
	st, err := importer(h, "x").Status(t.Context())
	if err != nil || len(st.By) != 3 {
		t.Errorf("paused by %v, %v", st.By, err)
	}
	each(func(i *Importer) error { return i.Resume(t.Context()) })
	if h.get() != importerTab {
		t.Errorf("crontab afterwards:\n%s", h.get())
	}
}

func TestImporterKeepsSecrets(t *testing.T) {
	h := newCronHost(t, importerTab)
	if err := os.WriteFile(filepath.Join(h.dir, "refuse"), []byte("\"-\":3: bad minute\n@daily curl hunter2\nerrors in crontab file, can't install.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := importer(h, "r").Pause(t.Context())
	if !errors.Is(err, systemimage.ErrRefused) || !strings.Contains(err.Error(), "line 3: bad minute") {
		t.Errorf("Pause: %v", err)
	}
	if strings.Contains(fmt.Sprintf("%+v", err), "hunter2") {
		t.Errorf("the error carries another line of the crontab: %v", err)
	}
	if h.get() != importerTab {
		t.Error("crontab changed")
	}
}

// A crontab that did not arrive whole must never be written back.
func TestImporterCutCrontab(t *testing.T) { synctest.Test(t, testImporterCutCrontab) }

func testImporterCutCrontab(t *testing.T) {
	run := command.Func(func(_ context.Context, c command.Command) (command.Output, error) {
		if len(c.Stdin) > 0 {
			t.Errorf("wrote %q", c.Stdin)
		}
		return command.Output{Stdout: []byte("* * * * * import-images\n@dai"), Truncated: true}, nil
	})
	if err := (&Importer{Runner: run, Owner: Owner{Run: "r"}}).Pause(t.Context()); !errors.Is(err, systemimage.ErrMalformed) {
		t.Errorf("Pause: %v", err)
	}
	// Nor one that was cut on its way there.
	h := newCronHost(t, importerTab)
	cut := command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		if len(c.Stdin) > 9 {
			c.Stdin = c.Stdin[:9]
		}
		return h.Run(ctx, c)
	})
	i := importer(h, "r")
	i.Runner = cut
	if err := i.Pause(t.Context()); err == nil || !strings.Contains(err.Error(), "cut on its way") {
		t.Errorf("Pause: %v", err)
	}
	if h.get() != importerTab {
		t.Errorf("crontab:\n%s", h.get())
	}
}
