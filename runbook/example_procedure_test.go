package runbook_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// shop is the server that the procedure works on; here it is a fake.
type shop struct {
	importer bool // whether it runs
	stable   int  // the build that devices are offered
}

func (s *shop) Copy(_ context.Context, build int) (int, error) {
	if s.importer {
		return 0, errors.New("the importer is at work")
	}
	s.stable = build
	return build, nil
}

func (s *shop) Stable(context.Context) (int, error) { return s.stable, nil }
func (s *shop) SetImporter(on bool) func(context.Context) error {
	return func(context.Context) error { s.importer = on; return nil }
}

// promote is a procedure: it asks, takes the importer away, and copies.
func (s *shop) promote(ctx context.Context, r *runbook.Run) error {
	const build = 42
	before, err := runbook.Read(ctx, r, "stable before", s.Stable)
	if err != nil {
		return err
	}
	gate := runbook.Gate{Name: "go", Question: "Copy build 42 to stable?", Evidence: map[string]int{"stable now": before}}
	if err := r.Gate(ctx, gate); err != nil {
		return err
	}
	hold := runbook.Hold{Name: "importer", Intent: "the importer", Acquire: s.SetImporter(false), Release: s.SetImporter(true)}
	return r.Hold(ctx, hold, func(ctx context.Context, r *runbook.Run) error {
		_, err := runbook.Do(ctx, r, runbook.Step[int]{
			Name:   "copy",
			Intent: "copy build 42 to stable",
			Do:     func(ctx context.Context) (int, error) { return s.Copy(ctx, build) },
			Probe: func(ctx context.Context) (int, bool, error) {
				now, err := s.Stable(ctx)
				return now, now == build, err
			},
			Predict: build,
		})
		return err
	})
}

// testPromote is its test: killed before and after every write of its journal and
// started again, it must always end in the same world, with the importer on.
func testPromote(t *testing.T) {
	runbooktest.KillAnywhere(t, func(testing.TB) runbooktest.Scene {
		s := &shop{importer: true, stable: 41}
		human := &runbooktest.Human{Answers: map[string]runbook.Answer{"go": {Verdict: runbook.Yes, By: "qa", Reason: "tested on two devices"}}}
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				return &runbook.Runner{Name: "promote", Human: human}, s.promote
			},
			Snapshot: func() string { return fmt.Sprintf("%+v", *s) },
		}
	})
}

// A procedure with a question and something that is held, and its test.
func Example() {
	s := &shop{importer: true, stable: 41}
	runner := &runbook.Runner{Name: "promote", Operator: "operator", Journal: &runbooktest.Memory{},
		Human: &runbooktest.Human{Answers: map[string]runbook.Answer{"go": {Verdict: runbook.Yes, By: "qa", Reason: "tested on two devices"}}}}
	ctx := context.Background()
	if err := runner.WritePlan(ctx, os.Stdout, s.promote); err != nil {
		fmt.Println(err)
	}
	fmt.Println(runner.Execute(ctx, s.promote))
	fmt.Printf("%+v\n", *s)
	// Output:
	// ask        Copy build 42 to stable?
	// hold       the importer
	// do         copy build 42 to stable
	// give back  the importer
	// <nil>
	// {importer:true stable:42}
}
