//go:build linux || darwin || freebsd

package runbook_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// BenchmarkStep compares a journalled step, which is two records, with two
// bare writes of the same bytes, each with an fsync. Both are done in turn, so
// that they meet the same disk, and the metrics are medians. Target: a ratio
// of 1.3 at most.
func BenchmarkStep(b *testing.B) {
	dir := b.TempDir()
	f, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	line := bytes.Repeat([]byte("x"), 359) // as long as the records of the step
	line = append(line, '\n')
	bare := func() error {
		for range 2 {
			if _, err := f.Write(line); err != nil {
				return err
			}
			if err := f.Sync(); err != nil {
				return err
			}
		}
		return nil
	}
	var journalled, written []time.Duration
	j := open(b, filepath.Join(dir, "journal"))
	if err := (&runbook.Runner{Name: "n", Journal: j}).Execute(b.Context(), func(ctx context.Context, r *runbook.Run) error {
		for i := 0; b.Loop(); i++ {
			start := time.Now()
			if err := bare(); err != nil {
				return err
			}
			between := time.Now()
			if _, err := runbook.Do(ctx, r, runbook.Step[int]{Name: fmt.Sprintf("step%09d", i), Intent: "copy build 42 to channel rc", Do: func(context.Context) (int, error) { return i, nil }}); err != nil {
				return err
			}
			written = append(written, between.Sub(start))
			journalled = append(journalled, time.Since(between))
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(j.Path())
	if err != nil {
		b.Fatal(err)
	}
	if per := len(text) / (2 * len(written)); per > len(line)+len(line)/2 {
		b.Fatalf("%d bytes per record, and %d are compared with", per, len(line))
	}
	slices.Sort(written)
	slices.Sort(journalled)
	mid := len(written) / 2
	b.ReportMetric(float64(journalled[mid]), "journalled-ns")
	b.ReportMetric(float64(written[mid]), "bare-ns")
	b.ReportMetric(float64(journalled[mid])/float64(written[mid]), "ratio")
}

// BenchmarkResume starts runs whose journals have 1,000 and 10,000 records and
// in which nothing is left to do. Target: linear, 10,000 records in 100 ms
// of the processor (cpu-ms).
func BenchmarkResume(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := func(ctx context.Context, r *runbook.Run) error {
				for i := range n / 2 {
					if _, err := runbook.Do(ctx, r, runbook.Step[int]{Name: fmt.Sprint("step ", i), Intent: "copy build 42 to channel rc", Do: func(context.Context) (int, error) { return i, nil }}); err != nil {
						return err
					}
				}
				return nil
			}
			m := &runbooktest.Memory{}
			if err := (&runbook.Runner{Name: "n", Journal: m}).Execute(b.Context(), p); err != nil {
				b.Fatal(err)
			}
			path := filepath.Join(b.TempDir(), "journal")
			var text []byte
			for line := range m.Lines(b.Context()) {
				text = append(append(text, line...), '\n')
			}
			if err := os.WriteFile(path, text, 0o600); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			spent := cpuTime()
			for b.Loop() {
				if err := (&runbook.Runner{Name: "n", Journal: open(b, path)}).Execute(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime()-spent).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}
