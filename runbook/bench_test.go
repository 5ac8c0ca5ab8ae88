package runbook_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// BenchmarkStep compares a journalled step, which is two records, with two
// bare writes of the same bytes, each with an fsync. Target: within 1.3 times.
func BenchmarkStep(b *testing.B) {
	steps := func(n int) runbook.Procedure {
		return func(ctx context.Context, r *runbook.Run) error {
			for i := range n {
				if _, err := runbook.Do(ctx, r, runbook.Step[int]{Name: fmt.Sprint("step ", i), Intent: "copy build 42 to channel rc", Do: func(context.Context) (int, error) { return i, nil }}); err != nil {
					return err
				}
			}
			return nil
		}
	}
	b.Run("journalled", func(b *testing.B) {
		j := open(b, filepath.Join(b.TempDir(), "journal"))
		if err := (&runbook.Runner{Name: "n", Journal: j}).Execute(b.Context(), steps(b.N)); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("bare", func(b *testing.B) {
		m := &runbooktest.Memory{}
		if err := (&runbook.Runner{Name: "n", Journal: m}).Execute(b.Context(), steps(1)); err != nil {
			b.Fatal(err)
		}
		var two [][]byte
		for line := range m.Lines(b.Context()) {
			two = append(two, append(line, '\n'))
		}
		two = two[1:3]
		f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		b.ResetTimer()
		for range b.N {
			for _, line := range two {
				if _, err := f.Write(line); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// BenchmarkResume starts runs whose journals have 1,000 and 10,000 records and
// in which nothing is left to do. Target: linear, 10,000 records in 100 ms.
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
			for b.Loop() {
				if err := (&runbook.Runner{Name: "n", Journal: open(b, path)}).Execute(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
