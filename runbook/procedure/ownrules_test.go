package procedure_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cause"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// farm is a rule of one's own.
var farm = cause.Rule{Class: "mirror-farm", Pattern: `ERROR 404: Not Found`, Stage: "Downloading live filesystem",
	Remedy: cause.Remedy{Text: "tell the mirror farm, then {again}", Actions: []cause.Action{"tell-the-farm"}}}

func ownRules(t testing.TB) *cdimage.Rules {
	t.Helper()
	rules, err := cdimage.Compile(nil, append([]cause.Rule{farm}, new(cdimage.Rules).Build()...))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// What one's own rules say is said wherever a build is judged: in the error, in the
// question, in the report.
func TestOwnRules(t *testing.T) {
	t.Parallel()
	lost := map[string]string{"armhf": "404", "i386": "404"}
	run := func(t *testing.T, name string, input any, p runbook.Procedure, human runbook.Human) string {
		t.Helper()
		said := ""
		x := &runbook.Runner{Name: name, Input: input, Journal: &runbooktest.Memory{}, Human: human, Operator: "operator", Observe: func(rec runbook.Record) {
			said += rec.Reason + "\n" + string(rec.Evidence) + "\n" + rec.Error + "\n"
		}}
		err := x.Execute(t.Context(), p)
		if err == nil {
			t.Error("no error")
			return said
		}
		return said + err.Error()
	}
	yes := human(func(q runbook.Question) runbook.Answer {
		return runbook.Answer{Verdict: runbook.Yes, By: "lead of " + q.Step, Reason: "seen"}
	})
	for name, say := range map[string]func(*testing.T, *cdimage.Rules) string{
		"rebuild": func(t *testing.T, rules *cdimage.Rules) string {
			h := imageHost(t)
			h.knobs(t, cdimagetest.Knobs{Now: morning, Downloads: lost})
			h.Rules = rules
			_, p := rebuild(h, nil)
			return run(t, "rebuild", p.Input, p.Run, nil)
		},
		"republish, again": func(t *testing.T, rules *cdimage.Rules) string {
			h := imageHost(t, cdimagetest.Knobs{Now: morning, Downloads: lost})
			h.knobs(t, cdimagetest.Knobs{Now: morning.Add(time.Hour), Downloads: lost})
			h.Rules = rules
			_, p := republish(h, nil, nil)
			return run(t, "republish", p.Input, p.Run, nil)
		},
		"republish, another day": func(t *testing.T, rules *cdimage.Rules) string {
			h := imageHost(t, cdimagetest.Knobs{Now: morning, Downloads: lost})
			h.later(t, 24*time.Hour)
			h.Rules = rules
			_, p := republish(h, nil, nil)
			return run(t, "republish", p.Input, p.Run, &runbooktest.Human{})
		},
		"respin": func(t *testing.T, rules *cdimage.Rules) string {
			l := respinLab(t)
			c, _ := respinOn(t, l, false)
			root, err := l.BuildRoot()
			if err != nil {
				t.Fatal(err)
			}
			if err := cdimagetest.SetKnobs(root, cdimagetest.Knobs{Downloads: lost}); err != nil {
				t.Fatal(err)
			}
			c.Builder.Rules = rules
			return run(t, "respin", c.Input, c.Run, yes)
		},
		"hotfix": func(t *testing.T, rules *cdimage.Rules) string {
			l := hotfixLab(t, "krillin")
			k := &clock{}
			c := hotfix(t, l, k)
			root, err := l.BuildRoot()
			if err != nil {
				t.Fatal(err)
			}
			if err := cdimagetest.SetKnobs(root, cdimagetest.Knobs{Now: time.Date(2099, 3, 2, 9, 0, 0, 0, time.UTC), Downloads: lost}); err != nil {
				t.Fatal(err)
			}
			c.Builder.Rules = rules
			return run(t, "hotfix", c.Input, c.Run, yes)
		},
		"investigation": func(t *testing.T, rules *cdimage.Rules) string {
			h := imageHost(t, cdimagetest.Knobs{Now: morning, Downloads: lost})
			h.Rules = rules
			logs, err := h.BuildLogs()
			if err != nil {
				t.Fatal(err)
			}
			i := &procedure.InvestigateBuild{Logs: logs, Builder: h.Builder, Input: procedure.InvestigateBuildInput{Build: cdimage.Build{ImageSet: touch}}}
			report, err := i.Investigate(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			return report.String()
		},
		"the builder": func(t *testing.T, rules *cdimage.Rules) string {
			h := imageHost(t)
			h.knobs(t, cdimagetest.Knobs{Now: morning, Downloads: lost})
			h.Rules = rules
			res, err := h.Build(t.Context(), builder.Request{ImageSet: touch})
			if err == nil || len(res.Actions) == 0 || res.Actions[0] != "tell-the-farm" {
				t.Errorf("%v, %v", res.Actions, err)
			}
			return err.Error()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := say(t, ownRules(t))
			for _, want := range []string{"mirror-farm", "tell the mirror farm"} {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not said:\n%s", want, said)
				}
			}
		})
	}
}
