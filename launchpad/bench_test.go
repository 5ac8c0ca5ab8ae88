package launchpad_test

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// big fills the overlay with sources of six binaries each: two packages on
// three architectures.
func big(b *testing.B, sources int) *launchpadtest.Server {
	s := launchpadtest.New(b, nil)
	s.Do(func(w *launchpadtest.World) {
		w.AddPPA("landing-team", "overlay")
		w.AddPPA("landing-team", "snapshot")
		for n := range sources {
			name := fmt.Sprintf("pkg%05d", n)
			w.Publish(overlay, "vivid", launchpadtest.Package{Name: name, Version: "1.10-0ubuntu1",
				Binaries: []launchpadtest.BinaryPackage{{Name: name}, {Name: "lib" + name}}})
		}
	})
	return s
}

// BenchmarkPlan plans a snapshot of 1,000 sources with 6,000 binaries against a
// service that takes 50 ms for a request. The baseline is the least number of
// requests such a plan can do with, times 50 ms, over 4 at a time.
func BenchmarkPlan(b *testing.B) {
	const (
		sources, perSource, arches = 1000, 6, 3
		latency, parallel, page    = 50 * time.Millisecond, 4, 300
	)
	// Two archives, a series, its architectures; the origin's sources and, by
	// architecture, its binaries; what is Pending there, of both kinds; what
	// the target has, Pending and Published, and its newest rows, of both
	// kinds; and what came into the origin meanwhile.
	pages := func(n int) int { return int(math.Ceil(float64(n) / page)) }
	least := 4 + pages(sources) + arches*pages(sources*perSource/arches) + 2 + 2 + 2 + 1
	floor := time.Duration(least) * latency / parallel

	s := big(b, sources)
	c := s.Client()
	plan := mustPlan(b, c, request) // not measured
	if plan.Count(launchpad.CopyIt) != sources {
		b.Fatal(plan.Text())
	}
	s.Advance(time.Hour) // the origin is at rest
	s.Latency = latency
	before := s.Count("")
	for b.Loop() {
		mustPlan(b, c, request)
	}
	wall := b.Elapsed() / time.Duration(b.N)
	b.ReportMetric(float64(s.Count("")-before)/float64(b.N), "requests/op")
	b.ReportMetric(float64(least), "least-requests")
	b.ReportMetric(float64(wall.Milliseconds()), "ms/op")
	b.ReportMetric(float64(floor.Milliseconds()), "floor-ms")
	b.ReportMetric(float64(wall)/float64(floor), "times-floor")
}

// BenchmarkStream reads listings of different lengths row by row. What is held
// at the end of the listing must not depend on its length.
func BenchmarkStream(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := &launchpad.Client{HTTP: endless(n)}
			var m runtime.MemStats
			var most uint64
			for b.Loop() {
				runtime.GC()
				runtime.ReadMemStats(&m)
				base, rows := m.HeapAlloc, 0
				for _, err := range c.Sources(b.Context(), "https://api.launchpad.net/devel/ubuntu/+archive/primary", launchpad.SourceFilter{}) {
					if err != nil {
						b.Fatal(err)
					}
					if rows++; rows%(n/10) == 0 {
						runtime.GC()
						runtime.ReadMemStats(&m)
						most = max(most, m.HeapAlloc-min(base, m.HeapAlloc))
					}
				}
				if rows != n {
					b.Fatalf("%d rows, want %d", rows, n)
				}
			}
			b.ReportMetric(float64(most)/1024, "KiB-held")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
		})
	}
}
