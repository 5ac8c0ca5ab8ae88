package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func TestMain(m *testing.M) {
	lab.Program()
	os.Exit(systemimagetest.InMemory(m.Run))
}

// A run is given up while its job is at work: the job is shown, and can be cleared
// away once it has ended.
func TestJobs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "lab")
	run := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := program().Run(t.Context(), append([]string{"-lab", dir}, args...), strings.NewReader(""), &out, &out); code != want {
			t.Errorf("%q: exit status %d, want %d\n%s", args, code, want, &out)
		}
		return out.String()
	}
	says := func(text string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("it does not say %q:\n%s", w, text)
			}
		}
	}
	says(run(0), "no jobs")

	l, err := lab.Open(dir, systemimagetest.SampleWorld())
	if err != nil {
		t.Fatal(err)
	}
	ctx, giveUp := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		defer close(left)
		l.Host().Run(ctx, command.Command{Argv: []string{"sh", "-c", "touch begun; while [ ! -e go ]; do sleep 0.01; done; exit 3"}, Job: "import-7"})
	}()
	waitFor(t, func() bool { _, err := os.Stat(filepath.Join(dir, "begun")); return err == nil })
	giveUp()
	<-left
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	says(run(0), "import-7: running, since ", "touch begun")
	says(run(1, "-clear", "import-7"), "still runs")
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return strings.Contains(run(0), "finished with exit status 3, and not fetched") })
	says(run(0, "-json"), `"host": "image-server"`, `"name": "import-7"`, `"exit": 3`)
	says(run(0, "-clear", "import-7"), "import-7 is removed")
	says(run(1, "-clear", "import-7"), "no such job")
	says(run(0), "no jobs")
	says(run(2, "import-7"), "no arguments")
}

func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}
