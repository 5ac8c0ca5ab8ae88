package procedure_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
)

func rebuild(h host, j runbook.Journal) (*runbook.Runner, *procedure.RebuildImage) {
	p := &procedure.RebuildImage{Builder: h.Builder, Input: procedure.RebuildInput{ImageSet: touch}}
	return &runbook.Runner{Name: "rebuild", Input: p.Input, Journal: j, Operator: "operator"}, p
}

func TestRebuild(t *testing.T) {
	t.Parallel()
	h := imageHost(t)
	j := &runbooktest.Memory{}
	h.knobs(t, cdimagetest.Knobs{Now: morning, States: map[string]string{"armhf": "Failed to build", "i386": "Failed to build"}})
	x, p := rebuild(h, j)
	if err := x.Execute(t.Context(), p.Run); !errors.Is(err, builder.ErrNotBuilt) || !strings.Contains(err.Error(), "published: none") {
		t.Errorf("Execute() = %v, want ErrNotBuilt", err)
	}
	h.knobs(t, cdimagetest.Knobs{Now: morning.Add(3 * time.Hour)})
	for range 2 {
		x, p = rebuild(h, j)
		if err := x.Execute(t.Context(), p.Run); err != nil {
			t.Error(err)
		}
	}
	if got := h.ids(t); got != "[20160906 20160906.1]" {
		t.Errorf("builds %s", got)
	}
	x, p = rebuild(h, &runbooktest.Memory{})
	p.Input.Series = "vivid; reboot"
	if err := x.Execute(t.Context(), p.Run); !errors.Is(err, builder.ErrInvalid) {
		t.Errorf("an odd series: %v, want ErrInvalid", err)
	}
}

// The link is lost for good while a build runs: nobody knows how it ended until
// the next start looks.
func TestRebuildInDoubt(t *testing.T) {
	t.Parallel()
	h := imageHost(t)
	inner := h.Runner
	b := *h.Builder
	b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		out, err := inner.Run(ctx, c)
		if c.Job != "" {
			return command.Output{}, errors.New("connection lost")
		}
		return out, err
	})
	j := &runbooktest.Memory{}
	x, p := rebuild(host{h.Lab, &b, h.root}, j)
	if err := x.Execute(t.Context(), p.Run); !errors.Is(err, runbook.ErrInDoubt) {
		t.Fatalf("Execute() = %v, want ErrInDoubt", err)
	}
	x, p = rebuild(h, j)
	if err := x.Execute(t.Context(), p.Run); err != nil {
		t.Fatal(err)
	}
	if got := h.ids(t); got != "[20160906]" {
		t.Errorf("builds %s", got)
	}
}

// The host is restarted while a build runs and our program is away: the next
// start says that this build died, and the one after it builds again.
func TestRebuildLostJob(t *testing.T) {
	t.Parallel()
	h := imageHost(t, cdimagetest.Knobs{Now: morning})
	h.knobs(t, cdimagetest.Knobs{Now: morning.Add(time.Hour), Kill: "building"})
	inner := h.Runner
	b := *h.Builder
	asked := 0
	b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		if c.Job == "" {
			return inner.Run(ctx, c)
		}
		switch asked++; asked {
		case 1:
			if _, err := inner.Run(ctx, c); err != nil {
				t.Error(err)
			}
			return command.Output{}, errors.New("connection lost")
		case 2:
			return command.Output{}, &command.LostJob{Name: c.Job, Reason: "the host was restarted", Before: true}
		}
		return inner.Run(ctx, c)
	})
	j := &runbooktest.Memory{}
	for n, want := range []error{runbook.ErrInDoubt, builder.ErrNotBuilt, nil} {
		x, p := rebuild(host{h.Lab, &b, h.root}, j)
		if err := x.Execute(t.Context(), p.Run); !errors.Is(err, want) || n > 0 && errors.Is(err, runbook.ErrInDoubt) {
			t.Fatalf("start %d: %v, want %v", n+1, err, want)
		}
		h.knobs(t, cdimagetest.Knobs{Now: morning.Add(2 * time.Hour)})
	}
	if got := h.ids(t); got != "[20160906 20160906.1 20160906.2]" {
		t.Errorf("builds %s", got)
	}
}

// The first build of an image set dies with its host while we are away: it is the one
// that died, and not the one before another.
func TestRebuildFirstLost(t *testing.T) {
	t.Parallel()
	h := imageHost(t)
	h.knobs(t, cdimagetest.Knobs{Now: morning, Kill: "asked"})
	inner, asked := h.Runner, 0
	b := *h.Builder
	b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		if c.Job == "" {
			return inner.Run(ctx, c)
		}
		if asked++; asked == 1 {
			if _, err := inner.Run(ctx, c); err != nil {
				t.Error(err)
			}
			return command.Output{}, errors.New("connection lost")
		}
		return command.Output{}, &command.LostJob{Name: c.Job, Reason: "the host was restarted", Before: asked == 2}
	})
	j := &runbooktest.Memory{}
	for n, want := range []error{runbook.ErrInDoubt, builder.ErrNotBuilt} {
		x, p := rebuild(host{h.Lab, &b, h.root}, j)
		if err := x.Execute(t.Context(), p.Run); !errors.Is(err, want) || n > 0 && !strings.Contains(err.Error(), "daily-preinstalled-20160906: ") {
			t.Fatalf("start %d: %v, want %v", n+1, err, want)
		}
	}
	if got := h.ids(t); got != "[20160906]" || asked != 2 {
		t.Errorf("builds %s, %d calls", got, asked)
	}
}

// The error of a failed build names the state and the page of each architecture that
// failed, and those that go on in Launchpad where the builder was killed.
func TestRebuildSaysWhere(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		knobs cdimagetest.Knobs
		want  []string
	}{
		"one failed":  {cdimagetest.Knobs{States: map[string]string{"i386": "Chroot problem"}}, []string{"(Chroot problem) https://launchpad.net/~ubuntu-cdimage/+livefs/ubuntu/vivid/ubuntu-touch-custom/+build/74602"}},
		"both failed": {cdimagetest.Knobs{States: map[string]string{"armhf": "Failed to build", "i386": "Failed to upload"}}, []string{"(Failed to build) https://launchpad.net/~ubuntu-cdimage/+livefs/ubuntu/vivid/ubuntu-touch-custom/+build/74601", "(Failed to upload) https://launchpad.net/~ubuntu-cdimage/+livefs/ubuntu/vivid/ubuntu-touch-custom/+build/74602"}},
		"killed":      {cdimagetest.Knobs{Kill: "asked"}, []string{"full rebuild; builds 74601, 74602 go on alone"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := imageHost(t)
			tt.knobs.Now = morning
			h.knobs(t, tt.knobs)
			x, p := rebuild(h, &runbooktest.Memory{})
			err := x.Execute(t.Context(), p.Run)
			for _, want := range tt.want {
				if !errors.Is(err, builder.ErrNotBuilt) || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
			}
		})
	}
}

func TestRebuildKillAnywhere(t *testing.T) {
	t.Parallel()
	killAnywhere(t, func(t testing.TB) runbooktest.Scene {
		h := imageHost(t, cdimagetest.Knobs{Now: morning})
		return runbooktest.Scene{
			Start: func() (*runbook.Runner, runbook.Procedure) {
				x, p := rebuild(h, nil)
				return x, p.Run
			},
			Snapshot: func() string { return h.files(t) },
		}
	})
}
