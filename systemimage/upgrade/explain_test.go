package upgrade

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/fixture"
)

func TestExplain(t *testing.T) {
	full := func(v, percentage int) systemimage.Image {
		return systemimage.Image{Type: systemimage.Full, Version: v, Percentage: percentage, Files: []systemimage.File{{Size: 300 * mib}}}
	}
	delta := func(base, v, percentage int) systemimage.Image {
		return systemimage.Image{Type: systemimage.Delta, Version: v, Base: base, Percentage: percentage, Files: []systemimage.File{{Size: 20 * mib}}}
	}
	with := func(m systemimage.Image, f func(*systemimage.Image)) systemimage.Image { f(&m); return m }
	for _, tt := range []struct {
		name   string
		images []systemimage.Image
		q      Request
		want   []string
	}{
		{"empty", nil, Request{}, []string{"nothing is offered: the index has no image"}},
		{"up to date", []systemimage.Image{full(7, 100)}, Request{Build: 7}, []string{"up to date: build 7 is the newest version"}},
		{"ahead", []systemimage.Image{full(7, 100)}, Request{Build: 9},
			[]string{"nothing is offered: build 9 is ahead of the newest version, 7; was the device moved to a channel that counts anew?"}},
		{"too old", []systemimage.Image{with(full(7, 100), func(m *systemimage.Image) { m.MinVersion = 5 })}, Request{Build: 4},
			[]string{"nothing is offered: there is no full image above build 4 that it may take, and no delta from 4",
				"full 7 is for devices at build 5 or higher (minversion)"}},
		{"filter", []systemimage.Image{full(7, 100)}, Request{Build: 6, Filter: systemimage.Delta}, []string{"nothing is offered: with the delta filter no path begins at build 6"}},
		{"taken", []systemimage.Image{full(6, 100), full(7, 100), delta(6, 7, 100)}, Request{Build: 6},
			[]string{"offered to a device at build 6 with number 0 for version 7: delta 6->7 (20.0 MiB, score 0)"}},
		{"its turn", []systemimage.Image{full(7, 50)}, Request{Build: 6, Draw: number(50)},
			[]string{"offered to a device at build 6 with number 50 for version 7: full 7 (300.0 MiB, score 0)",
				"full 7 is at 50 % and reaches devices with numbers up to 50", "full 7 replaces the system partition"}},
		{"not its turn", []systemimage.Image{full(7, 50), delta(6, 7, 50)}, Request{Build: 6, Draw: number(51)},
			[]string{"nothing is offered to a device at build 6 with number 51 for version 7",
				"full 7 is at 50 % and reaches devices with numbers up to 50", "delta 6->7 is at 50 % and reaches devices with numbers up to 50"}},
		{"pulled newest hides the one before", []systemimage.Image{full(6, 100), full(7, 0), delta(6, 7, 0)}, Request{Build: 5},
			[]string{"nothing is offered to a device at build 5 with number 0 for version 7",
				"full 7 is pulled: its percentage is 0, which reaches no device", "delta 6->7 is pulled: its percentage is 0, which reaches no device",
				"full 6 would be allowed, but a delta leads on from it and a path never stops where one does"}},
		{"older one is free", []systemimage.Image{full(6, 100), full(7, 0)}, Request{Build: 5},
			[]string{"offered to a device at build 5 with number 0 for version 7: full 6 (300.0 MiB, score 9001)",
				"a path to version 7 exists, but is not for this device or costs too much", "full 6 replaces the system partition"}},
		{"tie and cap", []systemimage.Image{full(7, 100), delta(6, 7, 100), with(delta(6, 7, 100), func(m *systemimage.Image) { m.Files[0].Size = 1 }), delta(5, 6, 100), with(delta(5, 7, 100), func(m *systemimage.Image) { m.Files[0].Size = 40 * mib })},
			Request{Build: 5, MaxImage: 6},
			[]string{"offered to a device at build 5 with number 0 for version 7: delta 5->7 (40.0 MiB, score 0)",
				"tie: delta 5->6, delta 6->7 has the same score; which of them a device takes is decided by the version of its Python",
				"the cap of 6 leaves of it: nothing"}},
		{"reboot on the way", []systemimage.Image{with(delta(5, 6, 100), func(m *systemimage.Image) { m.Bootme = true }), delta(6, 7, 100)}, Request{Build: 5},
			[]string{"offered to a device at build 5 with number 0 for version 7: delta 5->6, delta 6->7 (40.0 MiB, score 100)",
				"the device reboots after delta 5->6 and asks again from there"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := &systemimage.Index{GeneratedAt: "Tue Mar 01 01:01:01 UTC 2016", Images: tt.images}
			got, err := Explain(x, tt.q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, strings.Split(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	long := ladder(40, 1)
	long.Images = slices.DeleteFunc(long.Images, func(m systemimage.Image) bool { return m.Type == systemimage.Full })
	if got, err := Explain(long, Request{Build: 1}); err != nil || !strings.Contains(got, "delta 10->11, ... 19 more ..., delta 30->31") {
		t.Errorf("long path: %v\n%s", err, got)
	}
	for versions, want := range map[int]string{20: "", 22: "", 24: "it takes its time: a device lists all 121392 paths", 30: "it will hardly come to that: a device lists all 2178308 paths"} {
		got, err := Explain(ladder(versions, 2), Request{})
		if last := got[strings.LastIndex(got, "\n")+1:]; err != nil || want == "" && strings.Contains(got, "lists all") || !strings.Contains(last, want) {
			t.Errorf("%d versions: %v\n%s", versions, err, got)
		}
	}
	ring := &systemimage.Index{GeneratedAt: "Tue Mar 01 01:01:01 UTC 2016", Images: []systemimage.Image{full(5, 100), delta(5, 7, 100), delta(7, 9, 100), delta(9, 5, 100)}}
	_, err := Explain(ring, Request{})
	if want := "cannot find upgrade: deltas lead in a circle, [5 7 9 5]: a device at build 0 never finishes its search"; err == nil || err.Error() != want || !errors.Is(err, systemimage.ErrBroken) {
		t.Errorf("ring: %v, want %s", err, want)
	}
	if got, want := Loop(ring, 0), []int{5, 7, 9, 5}; !cmp.Equal(want, got) {
		t.Errorf("Loop = %v, want %v", got, want)
	}
	if got := Loop(ring, 20); got != nil {
		t.Errorf("Loop that cannot be reached = %v", got)
	}
	if _, err := Choose(ring, Request{Build: 20}); err != nil {
		t.Errorf("ring that cannot be reached: %v", err)
	}
	if _, err := Choose(ring, Request{Filter: "best"}); !errors.Is(err, systemimage.ErrRefused) {
		t.Errorf("unknown filter: %v", err)
	}
}

func TestPaths(t *testing.T) {
	for _, tt := range []struct {
		versions, fanout int
		want             uint64
	}{{50, 1, 50}, {10, 2, 143}, {30, 2, 2178308}, {20, 20, 524288}, {100, 100, 1<<64 - 1}} {
		offer, err := Choose(ladder(tt.versions, tt.fanout), Request{})
		if err != nil || offer.Paths != tt.want {
			t.Errorf("paths of %d versions, %d deltas each: %+v, %v, want %d", tt.versions, tt.fanout, offer, err, tt.want)
		}
	}
}

func TestAbsurdSizes(t *testing.T) {
	x := &systemimage.Index{GeneratedAt: "Tue Mar 01 01:01:01 UTC 2016", Images: []systemimage.Image{
		{Type: systemimage.Full, Version: 1, Percentage: 100, Files: []systemimage.File{{Size: -1 << 63}, {Size: 1<<63 - 1}}}}}
	if _, err := Choose(x, Request{}); !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "exbibyte") {
		t.Errorf("Choose: %v", err)
	}
}

// TestManyTies is an index with far more ties than anybody can list.
func TestManyTies(t *testing.T) {
	x := &systemimage.Index{GeneratedAt: "Tue Mar 01 01:01:01 UTC 2016"}
	add := func(base, v int, size int64) {
		x.Images = append(x.Images, systemimage.Image{Type: systemimage.Delta, Version: v, Base: base, Percentage: 100, Files: []systemimage.File{{Size: size}}})
	}
	for v := 0; v+4 < systemimage.MaxVersion/8; v += 4 {
		add(v, v+1, 0)
		add(v, v+2, 0)
		add(v, v+3, 100*mib)
		for i := 1; i < 4; i++ {
			add(v+i, v+4, 0)
		}
	}
	o, err := Choose(x, Request{})
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Ties) == 0 || o.Target != o.Path[len(o.Path)-1].Version {
		t.Errorf("%d ties, path to %d", len(o.Ties), o.Path[len(o.Path)-1].Version)
	}
}

func FuzzChoose(f *testing.F) {
	for _, c := range fixture.Cases[map[string]any](f, "../testdata/client/index-cases.json") {
		f.Add([]byte(c["index_text"].(string)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := systemimage.ParseIndex(data)
		if err != nil {
			return
		}
		for _, filter := range []string{"", systemimage.Full, systemimage.Delta} {
			for _, build := range []int{-1, 0, 5} {
				q := Request{Build: build, Filter: filter}
				o, err := Choose(x, q)
				if err != nil {
					if !errors.Is(err, systemimage.ErrBroken) {
						t.Fatal(err)
					}
					continue
				}
				if text, err := Explain(x, q); err != nil || text == "" {
					t.Fatal(text, err)
				}
				if o.Paths > 1000 {
					continue
				}
				seq, err := ways(x, q)
				if err != nil {
					t.Fatal(err)
				}
				n := uint64(0)
				var best *Way
				same := map[string]bool{}
				for c := range seq {
					n++
					if c.Path[len(c.Path)-1].Percentage <= 0 || best != nil && c.Score > best.Score {
						continue
					}
					if best == nil || c.Score < best.Score {
						best = &c
						clear(same)
					}
					same[pathText(c.Path)] = true
				}
				if n != o.Paths || (best == nil) != (o.Path == nil) || best != nil && (o.Score != best.Score || !same[pathText(o.Path)] || len(o.Ties) != min(maxTies, len(same)-1)) {
					t.Fatalf("%d ways, %+v", n, o)
				}
			}
		}
	})
}
