package procedure_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// A theirs is a run of the image builder that somebody else starts and that ends.
type theirs struct {
	cdimagetest.Knobs
	publish bool
}

func (s theirs) run(t testing.TB, h host) {
	t.Helper()
	now, err := cdimagetest.GetKnobs(h.root)
	if err != nil {
		t.Fatal(err)
	}
	s.Now = now.Now
	h.knobs(t, s.Knobs)
	if _, err := h.Build(t.Context(), builder.Request{ImageSet: touch, PublishOnly: s.publish}); err != nil && !errors.Is(err, builder.ErrNotBuilt) {
		t.Fatal(err)
	}
	if now, err = cdimagetest.GetKnobs(h.root); err != nil {
		t.Fatal(err)
	}
	h.knobs(t, cdimagetest.Knobs{Now: now.Now})
}

// kept are the jobs whose results a host keeps.
type kept map[string]bool

// Reap removes one.
func (k kept) Reap(_ context.Context, name string) error {
	delete(k, name)
	return nil
}

// The run of somebody else is never taken for ours, whatever became of our start and
// of theirs.
func TestStrangersRun(t *testing.T) {
	t.Parallel()
	locked := command.Output{Exit: 1, Stdout: []byte("Another image set is already building!\n")}
	usage := command.Output{Exit: 2, Stderr: []byte("cron: error: no such option: -l\n")}
	good, bad := theirs{}, theirs{Knobs: cdimagetest.Knobs{Crash: "copying"}}
	pubBad := bad
	pubBad.publish = true
	for name, tt := range map[string]struct {
		publish bool           // ours publishes only
		out     command.Output // of our first start, which starts nothing
		err     error
		killed  string // instead: the program is killed as soon as this is on record
		theirs  []theirs
	}{
		"locked":                  {out: locked, theirs: []theirs{good}},
		"locked, theirs fail":     {out: locked, theirs: []theirs{bad, bad, pubBad}},
		"usage":                   {out: usage, theirs: []theirs{good}},
		"no log":                  {out: command.Output{Exit: 1}, theirs: []theirs{good}},
		"no log, theirs fail":     {out: command.Output{Exit: 1}, theirs: []theirs{bad, bad}},
		"never reached the host":  {err: errors.New("link lost"), theirs: []theirs{bad, good}},
		"killed before the start": {killed: "done newest build so far", theirs: []theirs{good}},
		"killed with the start":   {killed: "started after 20160906/build", theirs: []theirs{good}},

		"publish, locked":           {publish: true, out: locked, theirs: []theirs{pubBad, pubBad}},
		"publish, never reached it": {publish: true, err: errors.New("link lost"), theirs: []theirs{pubBad}},
		"publish, killed before it": {publish: true, killed: "done live file systems to publish", theirs: []theirs{pubBad}},
		"publish, killed with it":   {publish: true, killed: "started after 20160906/build", theirs: []theirs{pubBad}},
		"publish, theirs are newer": {publish: true, out: locked, theirs: []theirs{bad}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := imageHost(t, failing)
			inner, dead, ours := h.Runner, false, 0
			b := *h.Builder
			jobs := kept{}
			b.Runner = struct {
				command.Runner
				kept
			}{command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
				if !dead && tt.err == nil && c.Keep && !c.Attach {
					jobs[c.Job] = true
				}
				switch {
				case dead:
					return command.Output{}, errors.New("killed")
				case c.Job == "" || c.Attach:
				case tt.err != nil || tt.out.Exit != 0:
					out, err := tt.out, tt.err
					tt.out, tt.err = command.Output{}, nil
					return out, err
				default:
					ours++
				}
				return inner.Run(ctx, c)
			}), jobs}
			j := &runbooktest.Memory{}
			if tt.killed != "" {
				kind, step, _ := strings.Cut(tt.killed, " ")
				j.Fail = func(line []byte) error {
					if dead {
						return errors.New("killed")
					}
					dead = bytes.Contains(line, fmt.Appendf(nil, `"step":%q`, step)) && bytes.Contains(line, fmt.Appendf(nil, `"kind":%q`, kind))
					return nil
				}
			}
			start := func() error {
				if tt.publish {
					x, p := republish(host{h.Lab, &b, h.root}, j, nil)
					return x.Execute(t.Context(), p.Run)
				}
				x, p := rebuild(host{h.Lab, &b, h.root}, j)
				p.Input.ExtraPPAs = []builder.PPA{{Owner: "team", Name: "snapshot", Pin: 1001}}
				x.Input = p.Input
				return x.Execute(t.Context(), p.Run)
			}
			if err := start(); err == nil || ours != 0 {
				t.Fatalf("first start: %v, and %d builds", err, ours)
			}
			dead, j.Fail = false, nil
			for _, s := range tt.theirs {
				s.run(t, h)
			}
			before, _ := h.IDs(t.Context(), touch)
			err := start()
			if tt.publish && !tt.theirs[0].publish {
				if !errors.Is(err, runbook.ErrPending) || ours != 0 {
					t.Errorf("their live file systems are newer: %v, and %d builds; want a question", err, ours)
				}
				return
			}
			ids, _ := h.IDs(t.Context(), touch)
			if err != nil || ours != 1 || len(ids) != len(before)+1 {
				t.Fatalf("second start: %v, %d builds of ours, all %v after %v", err, ours, ids, before)
			}
			_, notes := trace(t, j)
			if text := strings.Join(notes, "\n"); !strings.Contains(text, ids[len(ids)-1].String()+" is published, complete") || len(notes) != 1 {
				t.Errorf("notes %q, want that %s is published", text, ids[len(ids)-1])
			}
			if len(jobs) > 0 {
				t.Errorf("left on the host: %v", jobs)
			}
			if err := start(); err != nil || ours != 1 {
				t.Errorf("third start: %v, %d builds", err, ours)
			}
		})
	}
}

// The command of a killed start may come to the host while the next start looks for
// its job: one that has ended by then is ours, and nothing is built twice.
func TestBuildOfAKilledStartComesLate(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(c command.Command) bool{
		"before the job is asked for":     func(c command.Command) bool { return c.Attach },
		"when the host has said no":       nil,
		"when the job is begun once more": func(c command.Command) bool { return c.Keep && !c.Attach },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := imageHost(t, failing)
			b, inner := *h.Builder, h.Runner
			starts := 0
			var late command.Command
			arrive := func() {
				if _, err := inner.Run(t.Context(), late); err != nil {
					t.Error(err)
				}
				late = command.Command{}
			}
			b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
				switch {
				case c.Job == "":
				case starts == 1:
					late = c
					return command.Output{}, fmt.Errorf("%w: killed", runbook.ErrInDoubt)
				case late.Job == c.Job && before != nil && before(c):
					arrive()
				case late.Job == c.Job && before == nil && c.Attach:
					defer arrive()
				}
				return inner.Run(ctx, c)
			})
			ids, _ := h.IDs(t.Context(), touch)
			j := &runbooktest.Memory{}
			for starts = 1; starts <= 2; starts++ {
				x, p := rebuild(host{h.Lab, &b, h.root}, j)
				if err := x.Execute(t.Context(), p.Run); (err == nil) != (starts == 2) {
					t.Fatalf("start %d: %v", starts, err)
				}
			}
			if now, _ := h.IDs(t.Context(), touch); late.Job != "" || len(now) != len(ids)+1 {
				t.Errorf("builds %v after %v, want one more", now, ids)
			}
		})
	}
}

// A complete image of the very live file systems is not published once more,
// whoever did it while we waited for the lock.
func TestStrangerPublished(t *testing.T) {
	t.Parallel()
	h := imageHost(t, failing)
	lock(t, h)
	j := &runbooktest.Memory{}
	x, p := republish(h, j, nil)
	if err := x.Execute(t.Context(), p.Run); !errors.Is(err, builder.ErrLocked) {
		t.Fatal(err)
	}
	unlock(t, h)
	theirs{publish: true}.run(t, h)
	before := h.files(t)
	if err := x.Execute(t.Context(), p.Run); err != nil {
		t.Fatal(err)
	}
	if _, notes := trace(t, j); len(notes) != 1 || !strings.Contains(notes[0], "20160906.1 is complete: there is nothing to publish again") {
		t.Errorf("notes %q", notes)
	}
	if h.files(t) != before {
		t.Error("the host was changed")
	}
}
