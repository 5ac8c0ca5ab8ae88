package procedure_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// A start of a rollout: so much later than the one before, what the host does, and at
// what all images are behind it.
type lateStart struct {
	later time.Duration
	down  bool   // the host cannot be reached to set a percentage
	stop  string // what somebody writes into the stop file before
	want  int
}

// A rollout goes on with the step that was due, and holds it: it does not catch up
// with what nobody has looked at.
func TestRolloutGoesOnLate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		schedule string
		starts   []lateStart
	}{
		"nobody started it for a day": {"1% 2h, 30% 4h, 100%", []lateStart{
			{later: 0, want: 1},
			{later: 26 * time.Hour, want: 30}, // due after two hours
			{later: 3*time.Hour + 59*time.Minute, want: 30},
			{later: time.Minute, want: 100},
		}},
		"a little late": {"1% 2h, 30% 4h, 100%", []lateStart{
			{later: 0, want: 1},
			{later: 2*time.Hour + 50*time.Minute, want: 30},
			{later: 3*time.Hour + 10*time.Minute, want: 100}, // six hours after the start
		}},
		"a percentage could not be set for a day": {"1% 2h, 30% 4h, 100%", []lateStart{
			{later: 0, want: 1},
			{later: 2 * time.Hour, down: true, want: 1},
			{later: 26 * time.Hour, want: 30},
			{later: 15 * time.Minute, want: 30},
			{later: 3*time.Hour + 45*time.Minute, want: 100},
		}},
		"the first could not be set for a day": {"1% 2h, 100%", []lateStart{
			{later: 0, down: true, want: 0},
			{later: 26 * time.Hour, want: 1},
			{later: time.Hour, want: 1},
			{later: time.Hour, want: 100},
		}},
		"halted on the next day, before the step that was due": {"1% 2h, 30% 4h, 100%", []lateStart{
			{later: 0, want: 1},
			{later: 26 * time.Hour, stop: "look at the crash reports", want: 1}, // the gate says yes
			{later: 119 * time.Minute, want: 1},
			{later: time.Minute, want: 30},
			{later: 3*time.Hour + 59*time.Minute, want: 30},
			{later: time.Minute, want: 100},
		}},
		"a person let it begin, and the host was away": {"1% 2h ask, 30% 4h, 100%", []lateStart{
			{later: 0, want: 1},
			{later: 2 * time.Hour, down: true, want: 1},
			{later: 26 * time.Hour, want: 30},
			{later: 3*time.Hour + 59*time.Minute, want: 30},
			{later: time.Minute, want: 100},
		}},
		"a fixed time that passed meanwhile is asked about": {"1% 2h, 30% at 2026-03-02T13:00Z, 100% at 2026-03-02T15:00Z", []lateStart{
			{later: 0, want: 1},
			{later: 30 * time.Hour, want: 100}, // the gate says yes
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, k := newLab(t), newClock(0)
			phase(t, l, 0, stable...)
			c, j := rollout(t, l, k, tt.schedule), &runbooktest.Memory{}
			down, host := false, c.Server.Runner
			c.Server.Runner = runnerFunc(func(ctx context.Context, cmd command.Command) (command.Output, error) {
				if down && slices.Contains(cmd.Argv, "landing-phase-many") {
					return command.Output{}, errors.New("no route to host")
				}
				return host.Run(ctx, cmd)
			})
			for n, s := range tt.starts {
				k.advance(s.later)
				down = s.down
				if s.stop != "" {
					writeStopFile(t, c.Stop, s.stop)
				}
				err := execute(t, c, j, runbooktest.ApproveEverything{})
				if pending := errors.Is(err, runbook.ErrPending); !s.down && (s.want == 100) == (err != nil) || s.down && err == nil || err != nil && !s.down && !pending {
					t.Fatalf("start %d: %v", n+1, err)
				}
				if d := cmp.Diff([]int{s.want, s.want}, percentages(t, l)); d != "" {
					t.Fatalf("start %d (-want +got)\n%s", n+1, d)
				}
			}
		})
	}
}
