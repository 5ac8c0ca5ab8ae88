package procedure_test

import (
	"errors"
	"path"
	"slices"
	"testing"

	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// An architecture that no device of the channel needs does not keep the image from
// being imported, when a person says so or when it was not asked for.
func TestRespinWithoutAnArchitecture(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		arches  []string
		verdict runbook.Verdict
		asked   bool
		want    error
	}{
		"asked, yes": {nil, runbook.Yes, true, nil},
		"asked, no":  {nil, runbook.No, true, builder.ErrNotBuilt},
		"not needed": {[]string{"armhf"}, "", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := respinLab(t)
			c, _ := respinOn(t, l, false)
			c.Input.Arches = tt.arches
			root, err := l.BuildRoot()
			if err != nil {
				t.Fatal(err)
			}
			if err := cdimagetest.SetKnobs(root, cdimagetest.Knobs{Today: true, States: map[string]string{"i386": "Failed to build"}}); err != nil {
				t.Fatal(err)
			}
			before := snapshot(t, l)
			var asked []string
			x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: &runbooktest.Memory{}, Human: human(func(q runbook.Question) runbook.Answer {
				asked = append(asked, q.Text)
				if path.Base(q.Step) == "partial" {
					return runbook.Answer{Verdict: tt.verdict, By: "lead", Reason: "no phone is an i386"}
				}
				return runbook.Answer{Verdict: runbook.Yes, By: "lead", Reason: "seen"}
			})}
			err = x.Execute(t.Context(), c.Run)
			if !errors.Is(err, tt.want) {
				t.Fatalf("Execute() = %v, want %v", err, tt.want)
			}
			if got := slices.ContainsFunc(asked, func(text string) bool { return text[:9] == "The build" }); got != tt.asked {
				t.Errorf("asked %q", asked)
			}
			version, _, _ := latest(t, l, respun, "mako")
			if want := 3; tt.want == nil && version != want {
				t.Errorf("mako is at image %d, want %d", version, want)
			}
			if tt.want != nil && snapshot(t, l) != before {
				t.Error("the image server was touched")
			}
		})
	}
}
