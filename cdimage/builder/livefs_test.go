package builder_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook/command"
)

// A run whose log or whose live file systems say other than what was asked for is not
// taken for the one that was started, although it is the first since.
func TestAnothersLog(t *testing.T) {
	ppa := builder.PPA{Owner: "team", Name: "snapshot", Pin: 1001}
	for name, tt := range map[string]struct {
		ours, theirs builder.Request
		says         *builder.LivefsBuild // Launchpad about the builds of the log; nil: nothing
		want         error
	}{
		"the same":                 {},
		"other architectures":      {ours: builder.Request{Arches: []string{"armhf"}}, want: builder.ErrNotBuilt},
		"of a subset":              {ours: builder.Request{Arches: []string{"i386"}}, theirs: builder.Request{Arches: []string{"armhf"}}, want: builder.ErrNotBuilt},
		"publish only, and anew":   {ours: builder.Request{PublishOnly: true}, want: builder.ErrNotBuilt},
		"reuse, and anew":          {ours: builder.Request{PublishOnly: true, Reuse: true}, want: builder.ErrNotBuilt},
		"without the archive":      {ours: builder.Request{ExtraPPAs: []builder.PPA{ppa}}, says: &builder.LivefsBuild{Known: true}, want: builder.ErrNotBuilt},
		"without the pin":          {ours: builder.Request{ExtraPPAs: []builder.PPA{ppa}}, says: &builder.LivefsBuild{Known: true, ExtraPPAs: []string{"team/snapshot"}}, want: builder.ErrNotBuilt},
		"with another archive":     {says: &builder.LivefsBuild{Known: true, ExtraPPAs: []string{"team/other"}}, want: builder.ErrNotBuilt},
		"with the archive":         {ours: builder.Request{ExtraPPAs: []builder.PPA{ppa}}, says: &builder.LivefsBuild{Known: true, ExtraPPAs: []string{"team/snapshot:1001"}}},
		"with what nobody tells":   {ours: builder.Request{ExtraPPAs: []builder.PPA{ppa}}, says: &builder.LivefsBuild{}},
		"and Launchpad says no":    {ours: builder.Request{ExtraPPAs: []builder.PPA{ppa}}},
		"anew, and they published": {theirs: builder.Request{PublishOnly: true}, want: builder.ErrNotBuilt},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := newHost(t, cdimagetest.Knobs{})
			inner := b.Runner
			if tt.theirs.PublishOnly { // there has to be something
				if _, err := b.Build(t.Context(), builder.Request{ImageSet: customSet}); err != nil {
					t.Fatal(err)
				}
			}
			b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
				if c.Job == "" {
					return inner.Run(ctx, c)
				}
				tt.theirs.ImageSet = customSet // ours leaves no log, and another one comes in between
				argv, err := tt.theirs.Argv()
				if err != nil {
					return command.Output{}, err
				}
				return inner.Run(ctx, command.Command{Argv: argv})
			})
			b.Livefs = func(_ context.Context, address string) (builder.LivefsBuild, error) {
				if tt.says == nil {
					return builder.LivefsBuild{}, errors.New("no answer")
				}
				if !strings.Contains(address, "/+build/7460") {
					t.Errorf("asked for %s", address)
				}
				return *tt.says, nil
			}
			tt.ours.ImageSet, tt.ours.Job = customSet, "ours"
			res, err := b.Build(t.Context(), tt.ours)
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || tt.want != nil && !res.ID.IsZero() {
				t.Errorf("%v of %v, want %v", err, res.ID, tt.want)
			}
		})
	}
}

// To attach starts nothing, and takes what was before the job as it is told.
func TestAttach(t *testing.T) {
	b, _ := newHost(t, cdimagetest.Knobs{})
	inner, kept := b.Runner, command.Output{}
	b.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		switch {
		case c.Job != "" && c.Attach && kept.Stdout == nil:
			return command.Output{}, command.ErrNoJob
		case c.Job != "" && c.Attach:
			return kept, nil
		}
		out, err := inner.Run(ctx, c)
		if c.Job != "" {
			kept = out
			kept.Stdout = []byte{}
		}
		return out, err
	})
	r := builder.Request{ImageSet: customSet, Job: "build", Keep: true}
	if _, found, err := b.Attach(t.Context(), r); found || err != nil {
		t.Fatalf("there is no job: %v, %v", found, err)
	}
	if _, err := b.Build(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	res, found, err := b.Attach(t.Context(), r) // nothing was before it
	if err != nil || !found || res.ID.String() != "20160906" || res.Publish != cdimage.Complete {
		t.Errorf("%v %v %v %v", res.ID, res.Publish, found, err)
	}
	if ids, _ := b.IDs(t.Context(), customSet); len(ids) != 1 {
		t.Errorf("builds %v", ids)
	}
}
