package metrics_test

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/metrics"
	"github.com/landingteam/landing/runbook/runbooktest"
)

var _ expvar.Var = (*metrics.Counters)(nil)

// say is what the counters say, without the time.
func say(t testing.TB, c *metrics.Counters) string {
	t.Helper()
	var b strings.Builder
	if _, err := c.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, "timestamp") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// run runs a hold with a step in it, and a question behind it.
func run(ctx context.Context, c *metrics.Counters, release error, human runbook.Human) error {
	x := &runbook.Runner{Name: "example", Journal: new(runbooktest.Memory), Observe: c.Observe, Human: human}
	return x.Execute(ctx, func(ctx context.Context, r *runbook.Run) error {
		hold := runbook.Hold{Name: "importer", Intent: "pause it", Acquire: func(context.Context) error { return nil }, Release: func(context.Context) error { return release }}
		err := r.Hold(ctx, hold, func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: "copy it", Do: func(context.Context) (int, error) { return 1, nil }})
			return err
		})
		return errors.Join(err, r.Gate(ctx, runbook.Gate{Name: "go", Question: "Go on?"}))
	})
}

func TestCounters(t *testing.T) {
	t.Parallel()
	var c metrics.Counters
	if got := say(t, &c); got != "landing_under_way 0\nlanding_owed 0\nlanding_questions 0\n" {
		t.Errorf("nothing was observed: %s", got)
	}
	if err := run(t.Context(), &c, errors.New("crontab is gone"), nil); !errors.Is(err, runbook.ErrOwed) {
		t.Fatal(err)
	}
	want := `landing_records_total{kind="acquired"} 1
landing_records_total{kind="armed"} 1
landing_records_total{kind="asked"} 1
landing_records_total{kind="done"} 1
landing_records_total{kind="ended"} 1
landing_records_total{kind="opened"} 1
landing_records_total{kind="owed"} 1
landing_records_total{kind="started"} 1
landing_starts_total{ending="owed"} 1
landing_under_way 0
landing_owed 1
landing_questions 1
`
	if d := cmp.Diff(want, say(t, &c)); d != "" {
		t.Errorf("counters (-want +got)\n%s", d)
	}
	if !json.Valid([]byte(c.String())) {
		t.Errorf("no JSON: %s", c.String())
	}
}

// What ended and owes nothing takes no memory.
func TestManyRuns(t *testing.T) {
	t.Parallel()
	var c metrics.Counters
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := run(t.Context(), &c, nil, runbooktest.ApproveEverything{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := say(t, &c); !strings.Contains(got, "landing_starts_total{ending=\"done\"} 20\nlanding_under_way 0\nlanding_owed 0\nlanding_questions 0\n") {
		t.Errorf("20 runs:\n%s", got)
	}
}

func ExampleCounters() {
	var c metrics.Counters
	x := &runbook.Runner{Name: "greet", Journal: new(runbooktest.Memory), Observe: c.Observe}
	_ = x.Execute(context.Background(), func(ctx context.Context, r *runbook.Run) error {
		_, err := runbook.Do(ctx, r, runbook.Step[string]{Name: "hello", Intent: "say hello", Do: func(context.Context) (string, error) { return "hello", nil }})
		return err
	})
	var b strings.Builder
	c.WriteTo(&b)
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "landing_starts_total") || strings.HasPrefix(line, "landing_owed") {
			os.Stdout.WriteString(line)
		}
	}
	// Output:
	// landing_starts_total{ending="done"} 1
	// landing_owed 0
}
