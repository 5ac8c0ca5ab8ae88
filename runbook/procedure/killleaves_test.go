package procedure_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
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

// What a kill in a commit leaves for good is said, on every channel that the program
// works on: deltas that no program makes later, and deltas from images that are expired.
// All else is as after a run that nobody killed.
func TestKillLeavesWhatItSays(t *testing.T) {
	t.Parallel()
	const vendor = "bq-aquaris.en"
	some := only(respun, "ubuntu-touch/rc-proposed/"+vendor, "ubuntu-touch/rc/"+vendor)
	expires := cut(some, "ubuntu-touch/rc-proposed/"+vendor, "vegetahd", 0)
	text := strings.Replace(expires.String(), "custom-aquaris.en.tar.xz 20150612-102-29-15-vivid", "custom-aquaris.en.tar.xz 20150613-103-29-15-vivid", 1)
	renewed, err := systemimagetest.ParseWorld(text)
	if err != nil {
		t.Fatal(err)
	}
	investigates := func(t *testing.T, l *lab.Lab, j *runbooktest.Memory) func() error {
		in := procedure.InvestigateImportInput{RunImporter: true}
		c := investigation(l, in)
		x := &runbook.Runner{Name: "failedimport", Input: in, Journal: j, Human: runbooktest.ApproveEverything{}}
		return func() error { return x.Execute(t.Context(), c.Run) }
	}
	respins := func(t *testing.T, l *lab.Lab, j *runbooktest.Memory) func() error {
		c, _ := respinOn(t, l, false)
		x := &runbook.Runner{Name: "respin", Input: c.Input, Journal: j, Human: runbooktest.ApproveEverything{}}
		return func() error { return x.Execute(t.Context(), c.Run) }
	}
	for _, tt := range []struct {
		name    string
		world   systemimagetest.World
		from    int // first commit that is killed
		said    int // kills of which something has to be said
		prepare func(*testing.T, *lab.Lab, *runbooktest.Memory) (start func() error)
		time    func(func(*testing.T)) func(*testing.T)
	}{
		{"two deltas", cut(some, "ubuntu-touch/rc-proposed/"+vendor, "vegetahd", 2), 1, 2, investigates, virtual},
		{"an image expires", renewed, 1, 5, investigates, virtual},
		{"on a channel that a re-spin is not about", expires, 7, 3, respins, parallel},
	} {
		t.Run(tt.name, tt.time(func(t *testing.T) {
			l := newWorld(t, tt.world)
			if err := tt.prepare(t, l, &runbooktest.Memory{})(); err != nil {
				t.Fatal(err)
			}
			cronImport(t, l)
			want, said := deltasOf(t, l), 0
			for commit := tt.from; ; commit++ {
				l, j := newWorld(t, tt.world), &runbooktest.Memory{}
				start := tt.prepare(t, l, j)
				if err := l.Images.SetFaults(systemimagetest.Faults{Kill: systemimagetest.Signed, KillCommit: commit}); err != nil {
					t.Fatal(err)
				}
				err := start()
				if f, looked := l.Images.Faults(); looked != nil || f.Kill != "" {
					if err != nil || looked != nil || commit == tt.from {
						t.Fatalf("no program came to commit %d: %v, %v", commit, err, looked)
					}
					break
				}
				for range 2 {
					err = start()
				}
				if err != nil {
					t.Fatalf("killed in commit %d, started again: %v", commit, err)
				}
				cronImport(t, l)
				lost, kept := saidOf(t, j)
				if len(lost)+len(kept) > 0 {
					said++
				}
				got := slices.DeleteFunc(deltasOf(t, l), func(d string) bool { return slices.Contains(kept, d) })
				want := slices.DeleteFunc(slices.Clone(want), func(d string) bool { return slices.Contains(lost, d) })
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("killed in commit %d: deltas but for what is said (-undisturbed +killed)\n%s%q", commit, d, slices.Concat(lost, kept))
				}
			}
			if said != tt.said {
				t.Errorf("after %d kills something is said, want %d", said, tt.said)
			}
		}))
	}
}

// A copy that is killed while it expires an image says which deltas are still there.
func TestKilledCopySaysWhatItKeeps(t *testing.T) {
	virtual(func(t *testing.T) {
		w := only("ubuntu-touch/rc-proposed/bq-aquaris.en", "ubuntu-touch/rc/bq-aquaris.en")
		w.Config = strings.ReplaceAll(w.Config, "fullcount = 3", "fullcount = 1")
		l, j := newWorld(t, w), &runbooktest.Memory{}
		x, c := copyrc(l, j)
		killedOnce(t, l, systemimagetest.Signed, 4, func() error { return x.Execute(t.Context(), c.Run) }) // full, delta, expired full, expired delta
		lost, kept := saidOf(t, j)
		if d := cmp.Diff([][]string{nil, {"ubuntu-touch/rc/bq-aquaris.en:krillin 2 from 1"}}, [][]string{lost, kept}); d != "" || !slices.Contains(deltasOf(t, l), kept[0]) {
			t.Errorf("the notes say this is lost, and this is kept (-want +got)\n%s", d)
		}
	})(t)
}

// cronImport runs the importer as cron does.
func cronImport(t *testing.T, l *lab.Lab) {
	t.Helper()
	if _, err := l.Server().Import(t.Context(), operate.ImportRequest{}); err != nil {
		t.Fatal(err)
	}
}

// cut is a world with only the first images of a device, or without it.
func cut(w systemimagetest.World, channel, device string, images int) systemimagetest.World {
	w.Channels = slices.Clone(w.Channels)
	n := slices.IndexFunc(w.Channels, func(c systemimagetest.Channel) bool { return c.Name == channel })
	devices := slices.Clone(w.Channels[n].Devices)
	at := slices.IndexFunc(devices, func(d systemimagetest.Device) bool { return d.Name == device })
	if devices[at].Images = devices[at].Images[:images]; images == 0 {
		devices = slices.Delete(devices, at, at+1)
	}
	w.Channels[n].Devices = devices
	return w
}

// deltasOf lists what is published, but for aliases: "CHANNEL:DEVICE VERSION from BASE".
func deltasOf(t *testing.T, l *lab.Lab) (list []string) {
	t.Helper()
	c := l.Server().Client
	channels, err := c.Channels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for x, err := range c.Survey(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if channels.Kind(x.Channel) == systemimage.KindAlias {
			continue // it is as its channel, or the look after the import fails
		}
		for _, m := range x.Images {
			list = append(list, deltaName(x.Channel, x.Device, m.Version, m.Base))
		}
	}
	slices.Sort(list)
	return list
}

func deltaName(channel, device string, version, base int) string {
	return fmt.Sprintf("%s:%s %d from %d", channel, device, version, base)
}

var (
	saidLost = regexp.MustCompile(`^no delta leads from image (\d+) to image (\d+) of (\S+) for (\S+): `)
	saidKept = regexp.MustCompile(`^image (\d+) of (\S+) for (\S+) is expired, and its deltas to ([0-9, and]+) are not: `)
)

// saidOf lists the deltas of which the notes of a run say that they are lost, or kept.
func saidOf(t *testing.T, j *runbooktest.Memory) (lost, kept []string) {
	t.Helper()
	for line, err := range j.Lines(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		var rec runbook.Record
		if err := json.Unmarshal(line, &rec); err != nil {
			t.Fatal(err)
		}
		if rec.Kind != runbook.Noted {
			continue
		}
		number := func(s string) int { n, _ := strconv.Atoi(s); return n }
		if m := saidLost.FindStringSubmatch(rec.Reason); m != nil {
			lost = append(lost, deltaName(m[3], m[4], number(m[2]), number(m[1])))
		}
		if m := saidKept.FindStringSubmatch(rec.Reason); m != nil {
			for _, to := range regexp.MustCompile(`\d+`).FindAllString(m[4], -1) {
				kept = append(kept, deltaName(m[2], m[3], number(to), number(m[1])))
			}
		}
	}
	return lost, kept
}
