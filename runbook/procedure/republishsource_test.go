package procedure_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// What of the live file systems of a run is published again, and why not.
func TestRepublishSource(t *testing.T) {
	t.Parallel()
	server := cdimage.ImageSet{Project: "ubuntu-server", Series: "resolute", Type: "daily-preinstalled"}
	four := []string{"amd64", "arm64", "armhf", "i386"}
	type run struct {
		cdimagetest.Knobs
		arches []string
	}
	at := func(hours int, k cdimagetest.Knobs) cdimagetest.Knobs {
		k.Now = morning.Add(time.Duration(hours) * time.Hour)
		return k
	}
	good := at(0, cdimagetest.Knobs{})
	for name, tt := range map[string]struct {
		set    cdimage.ImageSet // zero: touch
		today  bool
		all    []string // architectures of the set
		runs   []run
		host   func(t testing.TB, h host) // what else happens there
		asking bool                       // Launchpad is asked for builds
		id     string
		arches []string
		argv   string // of what publishes; "": it is not done
		says   string // in the question
		alone  string // in its evidence
	}{
		"the subset of the run": {runs: []run{{Knobs: good}, {at(2, cdimagetest.Knobs{Crash: "copying"}), []string{"armhf"}}}, argv: "ARCHES=armhf "},
		"the subset, and no log of the run before": {runs: []run{{Knobs: good}, {at(2, cdimagetest.Knobs{Crash: "copying"}), []string{"armhf"}}}, argv: "ARCHES=armhf ",
			host: func(t testing.TB, h host) {
				if err := os.Remove(filepath.Join(h.root, "log", touch.Dir(), "daily-preinstalled-20160906.log")); err != nil {
					t.Fatal(err)
				}
			}},
		"two of four, today": {today: true, all: four, runs: []run{{Knobs: good}, {at(2, cdimagetest.Knobs{Crash: "copying"}), []string{"armhf", "amd64"}}}, argv: "ARCHES=armhf amd64 "},
		"all of them":        {today: true, all: four, runs: []run{{Knobs: good}, {Knobs: at(2, cdimagetest.Knobs{Crash: "copying"})}}, argv: "DIST=vivid CDIMAGE_REUSE_BUILD=1 "},
		"of a mapped name": {set: server, today: true, all: []string{"amd64", "arm64+raspi"}, arches: []string{"amd64"},
			runs: []run{{Knobs: at(0, cdimagetest.Knobs{Downloads: map[string]string{"amd64": "503"}})}}, argv: "ARCHES=amd64 "},
		"of a mapped name, the subset": {set: server, today: true, all: []string{"amd64", "arm64+raspi"},
			runs: []run{{at(0, cdimagetest.Knobs{Downloads: map[string]string{"amd64": "503"}}), []string{"amd64"}}}, argv: "ARCHES=amd64 "},
		"not built": {set: server, today: true, all: []string{"amd64", "arm64+raspi"}, arches: []string{"arm64+raspi"},
			runs: []run{{at(0, cdimagetest.Knobs{Downloads: map[string]string{"amd64": "503"}}), []string{"amd64"}}}, says: "arm64+raspi was not built in 20260906, an older one would be published; it built ubuntu-server-amd64-generic"},
		"the good one": {runs: []run{{Knobs: at(0, cdimagetest.Knobs{States: map[string]string{"i386": "Failed to build"}, Downloads: map[string]string{"armhf": "404"}})}},
			arches: []string{"armhf"}, argv: "ARCHES=armhf "},
		"one is bad": {runs: []run{{Knobs: at(0, cdimagetest.Knobs{States: map[string]string{"i386": "Failed to build"}, Downloads: map[string]string{"armhf": "404"}})}},
			says: "ubuntu-touch-custom-i386 has no good build", alone: `"armhf"`},
		"the bad one": {runs: []run{{Knobs: at(0, cdimagetest.Knobs{States: map[string]string{"i386": "Failed to build"}, Downloads: map[string]string{"armhf": "404"}})}},
			arches: []string{"i386"}, says: "ubuntu-touch-custom-i386 has no good build"},
		"none was made": {runs: []run{{Knobs: good}, {Knobs: at(2, cdimagetest.Knobs{Launchpad: "down"})}}, says: "20160906.1 made no live file systems"},
		"none was made, by ID": {runs: []run{{Knobs: good}, {Knobs: at(2, cdimagetest.Knobs{Launchpad: "down"})}, {Knobs: at(4, cdimagetest.Knobs{})}},
			id: "20160906.1", says: "20160906.1 made no live file systems"},
		"none was made, today": {today: true, runs: []run{{Knobs: good}, {Knobs: at(2, cdimagetest.Knobs{Launchpad: "down"})}}, says: "20260906.1 made no live file systems"},
		"refused as pending": {runs: []run{{Knobs: good}, {Knobs: at(2, cdimagetest.Knobs{Kill: "asked"})}, {Knobs: at(9, cdimagetest.Knobs{Launchpad: "pending"})}},
			asking: true, argv: "DIST=vivid for-project"},
		"refused as pending, and one failed": {runs: []run{{Knobs: good}, {Knobs: at(2, cdimagetest.Knobs{Kill: "asked", States: map[string]string{"i386": "Chroot problem"}})},
			{Knobs: at(9, cdimagetest.Knobs{Launchpad: "pending"})}}, asking: true, says: "20160906.1 cannot be published again: ubuntu-touch-custom-i386 has no good build"},
		"refused as pending, and nobody is asked": {runs: []run{{Knobs: good}, {Knobs: at(2, cdimagetest.Knobs{Kill: "asked"})}, {Knobs: at(9, cdimagetest.Knobs{Launchpad: "pending"})}},
			says: "how Launchpad ended builds 74603, 74604 is not in the log"},
		"a newer one of somebody else": {today: true, runs: []run{{Knobs: at(0, cdimagetest.Knobs{Downloads: map[string]string{"i386": "404"}})}},
			host: func(t testing.TB, h host) {
				if err := cdimagetest.AddLivefs(h.root, cdimagetest.Livefs{ImageSet: touch, Number: 80000, Arch: "i386", State: "Successfully built"}); err != nil {
					t.Fatal(err)
				}
			}, argv: "CDIMAGE_REUSE_BUILD=1 ", says: "ubuntu-touch-custom-i386 is of build 80000, and not of 74602"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := imageHost(t)
			set := touch
			if tt.set.Project != "" {
				set = tt.set
			}
			for _, r := range tt.runs {
				r.Today, r.Knobs.Arches = tt.today, tt.all
				if tt.today {
					r.Now = r.Now.AddDate(10, 0, 0)
				}
				h.knobs(t, r.Knobs)
				if _, err := h.Build(t.Context(), builder.Request{ImageSet: set, Arches: r.arches}); err != nil && !errors.Is(err, builder.ErrNotBuilt) {
					t.Fatal(err)
				}
			}
			k, _ := cdimagetest.GetKnobs(h.root)
			if h.knobs(t, cdimagetest.Knobs{Now: k.Now.Add(10 * time.Minute), Today: tt.today, Arches: tt.all}); strings.HasPrefix(name, "refused") {
				h.later(t, 7*time.Hour)
			}
			if tt.host != nil {
				tt.host(t, h)
			}
			if tt.asking {
				logs, err := h.LivefsLogs()
				if err != nil {
					t.Fatal(err)
				}
				b := *h.Builder
				b.Livefs = procedure.LivefsBuilds(logs.(*launchpad.Client))
				h.Builder = &b
			}
			j, nobody := &runbooktest.Memory{}, &runbooktest.Human{}
			x, p := republish(h, j, nobody)
			p.Input.ImageSet, p.Input.Arches = set, tt.arches
			if tt.id != "" {
				p.Input.ID, _ = cdimage.ParseBuildID(tt.id)
			}
			x.Input = p.Input
			err := x.Execute(t.Context(), p.Run)
			done := ""
			for rec, err := range runbook.Records(t.Context(), j) {
				if err == nil && rec.Verb == runbook.VerbDo && rec.Kind == runbook.Done {
					done = rec.Intent
				}
			}
			if (done != "") != (tt.argv != "") || !strings.Contains(done, tt.argv) {
				t.Errorf("done %q, want %q", done, tt.argv)
			}
			if tt.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			asked := nobody.Asked()
			if !errors.Is(err, runbook.ErrPending) || len(asked) != 1 || !strings.Contains(asked[0].Text, tt.says) || !strings.Contains(string(asked[0].Evidence), tt.alone) {
				t.Errorf("%v, asked %+v; want %q with %q", err, asked, tt.says, tt.alone)
			}
		})
	}
}
