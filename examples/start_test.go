package examples_test

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
)

// BenchmarkStart is how long each program takes from its start to its end when it has
// only its flags to show. Target: below 50 ms.
//
//	go test ./examples -run '^$' -bench Start -benchtime 5x
func BenchmarkStart(b *testing.B) {
	for name, path := range programs(b) {
		b.Run(name, func(b *testing.B) {
			measure(b, path, "-h")
		})
	}
}

// BenchmarkStatus is how long a program takes to show what a journal of 10,000 records
// says. Target: below 200 ms.
//
//	go test ./examples -run '^$' -bench Status -benchtime 5x
func BenchmarkStatus(b *testing.B) {
	journal, copyrc := filepath.Join(b.TempDir(), "j"), programs(b)["copyrc"]
	j, err := runbook.OpenFile(journal)
	if err != nil {
		b.Fatal(err)
	}
	const records = 10_000
	x := &runbook.Runner{Name: "copyrc", Journal: j}
	err = x.Execute(b.Context(), func(ctx context.Context, r *runbook.Run) error {
		for n := range (records - 2) / 2 {
			pair := r.Group(fmt.Sprintf("ubuntu-touch/rc/device-%d", n))
			if _, err := runbook.Do(ctx, pair, runbook.Step[int]{Name: "copy", Intent: fmt.Sprintf("copy image %d", n),
				Do: func(context.Context) (int, error) { return n, nil }}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	measure(b, copyrc, "-status", "-journal", journal)
}

// measure runs a program again and again. On a busy machine what it needed of the
// processor says more than the time that passed.
func measure(b *testing.B, path string, args ...string) {
	b.Helper()
	var cpu time.Duration
	n := 0
	for ; b.Loop(); n++ {
		c := exec.Command(path, args...)
		c.Stdout = io.Discard
		if err := c.Run(); err != nil {
			b.Fatal(err)
		}
		cpu += c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	}
	b.ReportMetric(float64(cpu.Microseconds())/1000/float64(n), "cpu-ms/op")
}

// programs builds all programs and returns their paths by their names.
func programs(b *testing.B) map[string]string {
	b.Helper()
	dir := b.TempDir()
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", dir, "./...").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(paths) < 15 {
		b.Fatalf("%d programs, %v", len(paths), err)
	}
	list := map[string]string{}
	for _, p := range paths {
		list[filepath.Base(p)] = p
	}
	return list
}
