package procedure_test

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A rollout that looks at everything once a minute sees its stop file within seconds,
// and sets 0 % at once.
func TestStopFileIsSeenWithinSeconds(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		server, err := systemimagetest.Create(dir, systemimagetest.SampleWorld())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // nothing was signed just now
		c := &procedure.Rollout{
			Server: &operate.Server{Runner: server, Root: server.Root(), Client: server.Client()},
			Pace:   procedure.Pace{Stay: true, Every: time.Minute, Stop: &procedure.StopFile{Runner: server, Path: filepath.Join(dir, "phased-state", "done")}},
			Input:  procedure.RolloutInput{Images: stable, Schedule: schedule(t, "10% 24h, 100%")},
		}
		for _, image := range stable {
			if _, err := c.Server.Phase(t.Context(), operate.PhaseRequest{Channel: image.Channel, Device: image.Device, Version: image.Version}); err != nil {
				t.Fatal(err)
			}
		}
		var touched atomic.Pointer[time.Time]
		var stopped []time.Duration
		server.After = func(argv []string, _ int) {
			if filepath.Base(argv[0]) == "set-phased-percentage" && argv[len(argv)-1] == "0" {
				if at := touched.Load(); at != nil {
					stopped = append(stopped, time.Since(*at))
				}
			}
		}
		time.AfterFunc(3*time.Minute+31*time.Second, func() {
			writeStopFile(t, c.Stop, "crash reports")
			now := time.Now()
			touched.Store(&now)
		})
		if err := execute(t, c, &runbooktest.Memory{}, nil); !errors.Is(err, runbook.ErrPending) {
			t.Fatalf("%v, want the question whether to resume", err)
		}
		for _, after := range stopped {
			if after > 5*time.Second {
				t.Errorf("0 %% was set %v after the touch", after)
			}
		}
		if len(stopped) != len(stable) {
			t.Errorf("%d images were stopped, want %d", len(stopped), len(stable))
		}
	})
}

// A rollout that stays sets a percentage when it is due, also where it looks at
// everything once a minute only and at its stop file every few seconds.
func TestStepIsPunctual(t *testing.T) {
	for _, withStop := range []bool{false, true} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			server, err := systemimagetest.Create(dir, systemimagetest.SampleWorld())
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) // nothing was signed just now
			c := &procedure.Rollout{
				Server: &operate.Server{Runner: server, Root: server.Root(), Client: server.Client()},
				Pace:   procedure.Pace{Stay: true, Every: time.Minute},
				Input:  procedure.RolloutInput{Images: stable[:1], Schedule: schedule(t, "10% 63s, 100%")},
			}
			if withStop {
				c.Stop = &procedure.StopFile{Runner: server, Path: filepath.Join(dir, "phased-state", "done")}
			}
			image := stable[0]
			if _, err := c.Server.Phase(t.Context(), operate.PhaseRequest{Channel: image.Channel, Device: image.Device, Version: image.Version}); err != nil {
				t.Fatal(err)
			}
			var set []time.Time
			server.After = func(argv []string, _ int) {
				if filepath.Base(argv[0]) == "set-phased-percentage" {
					set = append(set, time.Now())
				}
			}
			if err := execute(t, c, &runbooktest.Memory{}, nil); err != nil {
				t.Fatal(err)
			}
			if len(set) != 2 || set[1].Sub(set[0]) < 63*time.Second || set[1].Sub(set[0]) > 66*time.Second {
				t.Errorf("with a stop file %v: percentages were set at %v, want two, 63 s apart", withStop, set)
			}
		})
	}
}
