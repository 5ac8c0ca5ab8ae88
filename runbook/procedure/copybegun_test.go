package procedure_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A copy whose program was killed is brought to its end by the next start, wherever in
// its commits it was: nothing is left over, and nobody is offered more than was asked.
func TestKilledCopyIsFinished(t *testing.T) {
	t.Parallel()
	for _, at := range []systemimagetest.KillPoint{systemimagetest.Signed, systemimagetest.BeforeSignatureMoved, systemimagetest.BeforeIndexMoved} {
		for commit := 1; commit <= 3; commit++ {
			t.Run(fmt.Sprintf("%s, commit %d", at, commit), virtual(func(t *testing.T) {
				if commit == 3 { // which only a copy below 100 % has
					killedRelease(t, at, commit)
					return
				}
				l := newLab(t)
				j := &runbooktest.Memory{}
				x, c := copyrc(l, j)
				killedOnce(t, l, at, commit, func() error { return x.Execute(t.Context(), c.Run) })
				for _, p := range rcPairs {
					if version, tag, percentage := latest(t, l, p.To, p.Device); version != 2 || tag != "OTA-13-rc" || percentage != 100 {
						t.Errorf("%s: newest image is %d, tag %q, at %d %%, want 2, OTA-13-rc, 100", p, version, tag, percentage)
					}
				}
				nothingLeft(t, l)
				deltaOrNote(t, l, j, rcPairs[0].To, rcPairs[0].Device, 1)
				killedRelease(t, at, commit)
			}))
		}
	}
}

// A copy that came to its end after the process was killed has a job on the host, which
// the next start takes away though the image is there.
func TestBegunCopyFetchesItsJob(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	x, c := copyrc(l, &runbooktest.Memory{})
	runner, left, killed := c.Server.Runner, map[string]bool{}, false
	ctx, kill := context.WithCancel(t.Context())
	c.Server.Runner = runnerFunc(func(ctx context.Context, cmd command.Command) (command.Output, error) {
		switch {
		case cmd.Job == "":
		case cmd.Attach && left[cmd.Job]:
			if !cmd.Keep {
				delete(left, cmd.Job)
			}
			return command.Output{}, nil
		case !killed:
			out, err := runner.Run(ctx, cmd)
			if out.Exit != 0 || err != nil {
				t.Errorf("the copy: exit %d, %v", out.Exit, err)
			}
			left[cmd.Job], killed = true, true
			kill()
			return command.Output{}, context.Canceled
		}
		return runner.Run(ctx, cmd)
	})
	if err := x.Execute(ctx, c.Run); err == nil || len(left) != 1 {
		t.Fatalf("the first start: %v, with %d jobs left, want one", err, len(left))
	}
	if err := x.Execute(t.Context(), c.Run); err != nil || len(left) > 0 {
		t.Errorf("started again: %v, with the jobs %v left", err, left)
	}
}

// killedRelease is the same for a copy at 0 %.
func killedRelease(t *testing.T, at systemimagetest.KillPoint, commit int) {
	t.Helper()
	l := newWorld(t, of(lab.Candidates()))
	r := release(t, l, newClock(0), "1% 2h ask, 100%")
	r.Stay = false
	y := &runbook.Runner{Name: "release", Input: r.Input, Journal: &runbooktest.Memory{}, Human: runbooktest.ApproveEverything{}}
	killedOnce(t, l, at, commit, func() error { return y.Execute(t.Context(), r.Run) })
	for _, device := range []string{"krillin", "vegetahd"} {
		if _, tag, percentage := latest(t, l, "ubuntu-touch/stable/bq-aquaris.en", device); tag == "OTA-5" && percentage > 1 {
			t.Errorf("%s is at %d %%, want what was asked for", device, percentage)
		}
	}
	nothingLeft(t, l)
}

// deltaOrNote makes sure that a delta leads from an image to the next one, or that the
// report says, once, that none does.
func deltaOrNote(t *testing.T, l *lab.Lab, j *runbooktest.Memory, channel, device string, base int) {
	t.Helper()
	x, err := l.Server().Client.Index(t.Context(), channel, device)
	if err != nil {
		t.Fatal(err)
	}
	said := 0
	for line, err := range j.Lines(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(line), fmt.Sprintf("no delta leads from image %d to image %d of %s for %s: ", base, base+1, channel, device)) {
			said++
		}
	}
	deltas := len(x.Deltas(base + 1))
	if deltas+said != 1 {
		t.Errorf("%s %s: %d deltas to image %d, and %d notes that there is none; want one of them", channel, device, deltas, base+1, said)
	}
}

// killedOnce lets the first program that gets there be killed, and starts the run as
// often as a person would.
func killedOnce(t *testing.T, l *lab.Lab, at systemimagetest.KillPoint, commit int, start func() error) {
	t.Helper()
	if err := l.Images.SetFaults(systemimagetest.Faults{Kill: at, KillCommit: commit}); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 3 {
		if err = start(); err == nil || runbook.Ending(err) == "pending" {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if end := runbook.Ending(err); end != "done" && end != "pending" {
		t.Fatalf("after three starts: %v", err)
	}
	if st := importerState(t, l); st != operate.ImporterOn {
		t.Errorf("the importer is %s", st)
	}
}

// nothingLeft makes sure that every index takes a commit.
func nothingLeft(t *testing.T, l *lab.Lab) {
	t.Helper()
	if left := leftOver(t, l); left != "" {
		t.Errorf("%s is left over", left)
	}
}

// leftOver is a file that a killed commit has left, or "".
func leftOver(t *testing.T, l *lab.Lab) (left string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(l.Images.Root(), "www"), func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.Contains(d.Name(), ".json.new") {
			left = path
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return left
}
