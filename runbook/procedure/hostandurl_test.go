package procedure_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// The host of one server and the URL of another: no effect happens on either, and
// a mirror that lags is told apart.
func TestHostAndURLAreOneServer(t *testing.T) {
	t.Parallel()
	procedures := map[string]func(l *lab.Lab, read *systemimage.Client) (any, runbook.Procedure){
		"copyrc": func(l *lab.Lab, read *systemimage.Client) (any, runbook.Procedure) {
			_, c := copyrc(l, nil)
			c.Server.Client = read
			return c.Input, c.Run
		},
		"release": func(l *lab.Lab, read *systemimage.Client) (any, runbook.Procedure) {
			c := release(t, l, newClock(0), "10% 2h, 100%")
			c.Server.Client = read
			return c.Input, c.Run
		},
		"rollout": func(l *lab.Lab, read *systemimage.Client) (any, runbook.Procedure) {
			c := rollout(t, l, newClock(0), "10% 2h, 100%")
			c.Server.Client = read
			return c.Input, c.Run
		},
		"backout": func(l *lab.Lab, read *systemimage.Client) (any, runbook.Procedure) {
			c := backout(l)
			c.Server.Client = read
			c.Input.Faulty = stable
			return c.Input, c.Run
		},
		"respin": func(l *lab.Lab, read *systemimage.Client) (any, runbook.Procedure) {
			c := respin(t, l, false)
			c.Server.Client = read
			return c.Input, c.Run
		},
		"hotfix": func(l *lab.Lab, read *systemimage.Client) (any, runbook.Procedure) {
			c := hotfix(t, l, newClock(0))
			c.Server.Client = read
			return c.Input, c.Run
		},
	}
	published := []string{"copyrc", "release", "rollout"} // what it works on is where a mirror lags
	for what, tt := range map[string]struct {
		read func(t *testing.T, l *lab.Lab) *systemimage.Client
		want string
	}{
		"another server": {func(t *testing.T, _ *lab.Lab) *systemimage.Client {
			w := lab.Candidates()
			for _, c := range w.Channels {
				for _, d := range c.Devices {
					for n := range d.Images {
						d.Images[n].Details = strings.ReplaceAll(d.Images[n].Details, "ubuntu=2015", "ubuntu=2016")
					}
				}
			}
			return newWorld(t, w).Client()
		}, "the host and the URL are two servers"},
		"a mirror that lags": {func(t *testing.T, l *lab.Lab) *systemimage.Client {
			mirror := l.Clone(t).Client()
			rc := procedure.NamedImage{Channel: "ubuntu-touch/rc/bq-aquaris.en", Device: "krillin", Version: 2}
			for _, image := range append([]procedure.NamedImage{rc}, stable...) {
				phase(t, l, 90, image)
			}
			return mirror
		}, "the URL lags behind the host"},
		"a host that lags": {func(t *testing.T, l *lab.Lab) *systemimage.Client {
			server := l.Clone(t)
			for _, image := range stable {
				if _, err := server.Server().Tag(t.Context(), operate.TagRequest{Channel: image.Channel, Device: image.Device, Version: 1, Tag: "OTA-9"}); err != nil {
					t.Fatal(err)
				}
			}
			return server.Client()
		}, "the host and the URL are two servers"},
	} {
		for name, with := range procedures {
			if what == "a mirror that lags" && !slices.Contains(published, name) || name != "release" && what == "a host that lags" {
				continue // a back-out does not wait for a mirror
			}
			t.Run(what+"/"+name, virtual(func(t *testing.T) {
				l := newWorld(t, lab.Candidates())
				read := tt.read(t, l)
				before := snapshot(t, l)
				in, p := with(l, read)
				for kind, do := range map[string]func(x *runbook.Runner) error{
					"plan": func(x *runbook.Runner) error { _, err := x.Plan(t.Context(), p); return err },
					"run": func(x *runbook.Runner) error {
						x.Journal, x.Human = &runbooktest.Memory{}, runbooktest.ApproveEverything{}
						return x.Execute(t.Context(), p)
					},
				} {
					if err := do(&runbook.Runner{Name: name, Input: in}); err == nil || !strings.Contains(err.Error(), tt.want) {
						t.Errorf("%s: %v, want an error with %q", kind, err, tt.want)
					}
				}
				if d := cmp.Diff(before, snapshot(t, l)); d != "" {
					t.Errorf("something was done (-before +after)\n%s", d)
				}
			}))
		}
	}
}

// The same for those that import: nothing is built for a server whose tree is not the
// one that is read.
func TestImportsNeedOneServer(t *testing.T) {
	t.Parallel()
	other := func(w systemimagetest.World) systemimagetest.World {
		for _, c := range w.Channels {
			for _, d := range c.Devices {
				for n := range d.Images {
					d.Images[n].Details = strings.ReplaceAll(d.Images[n].Details, "ubuntu=2015", "ubuntu=2016")
				}
			}
		}
		return w
	}
	for name, with := range map[string]func(t *testing.T) (*lab.Lab, any, runbook.Procedure){
		"respin": func(t *testing.T) (*lab.Lab, any, runbook.Procedure) {
			l := respinLab(t)
			c := respin(t, l, false)
			c.Server.Client = newWorld(t, other(only(respun))).Client()
			return l, c.Input, c.Run
		},
		"hotfix": func(t *testing.T) (*lab.Lab, any, runbook.Procedure) {
			l := hotfixLab(t, "krillin")
			c := hotfix(t, l, newClock(0))
			c.Server.Client = newWorld(t, other(lab.Importable())).Client()
			return l, c.Input, c.Run
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, in, p := with(t)
			before := snapshot(t, l)
			j := &runbooktest.Memory{}
			err := (&runbook.Runner{Name: name, Input: in, Journal: j, Human: runbooktest.ApproveEverything{}}).Execute(t.Context(), p)
			if err == nil || !strings.Contains(err.Error(), "the host and the URL are two servers") {
				t.Errorf("%v, want an error that says so", err)
			}
			for _, rec := range recordsOf(t, j) {
				if rec.Verb == runbook.VerbDo && (strings.Contains(rec.Step, "build") || rec.Step == "import") {
					t.Errorf("it came to %v", rec)
				}
			}
			if d := cmp.Diff(before, snapshot(t, l)); d != "" {
				t.Errorf("something was done (-before +after)\n%s", d)
			}
		})
	}
}
