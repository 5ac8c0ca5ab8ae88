package launchpad_test

import (
	"fmt"
	"math"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// big fills the overlay with sources of six binaries each: two packages on
// three architectures.
func big(b testing.TB, sources int) *launchpadtest.Server {
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
	least, floor := leastOfPlan()
	s := big(b, planSources)
	c := s.Client()
	plan := mustPlan(b, c, request) // not measured
	if plan.Copies() != planSources {
		b.Fatal(plan.Text())
	}
	s.Advance(2 * time.Hour) // the origin is at rest
	s.Latency = planLatency
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

// What BenchmarkPlan plans.
const (
	planSources = 1000
	planLatency = 50 * time.Millisecond
)

// leastOfPlan is the least number of requests the plan can do with, and how
// long they take at 50 ms each, four at a time.
func leastOfPlan() (requests int, floor time.Duration) {
	const perSource, arches, parallel, page = 6, 3, 4, 300
	// Two archives, a series, its architectures; the origin's sources and, by
	// architecture, its binaries; what is Pending there, of both kinds; what
	// the target has, Pending and Published, and its newest rows, of both
	// kinds; and what came into the origin meanwhile.
	pages := func(n int) int { return int(math.Ceil(float64(n) / page)) }
	requests = 4 + pages(planSources) + arches*pages(planSources*perSource/arches) + 2 + 2 + 2 + 1
	return requests, time.Duration(requests) * planLatency / parallel
}

// TestPlanWaits holds planning to the floor of BenchmarkPlan by a clock on
// which only waiting takes time.
func TestPlanWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		least, floor := leastOfPlan()
		s := big(t, planSources)
		s.Advance(2 * time.Hour)
		s.Latency = planLatency
		began := time.Now()
		plan := mustPlan(t, s.Client(), request)
		if d := time.Since(began); s.Count("") > least || d > floor*13/10 || plan.Copies() != planSources {
			t.Errorf("%d requests in %v, want %d in %v", s.Count(""), d, least, floor)
		} else {
			t.Logf("%d requests in %v; the least is %d in %v", s.Count(""), d, least, floor)
		}
	})
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
				for _, err := range c.Sources(b.Context(), "https://api.launchpad.net/devel/ubuntu/+archive/primary", launchpad.PublicationFilter{}) {
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
