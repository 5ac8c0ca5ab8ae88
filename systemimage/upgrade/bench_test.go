package upgrade

import (
	"fmt"
	"testing"

	"github.com/landingteam/landing/systemimage"
)

// ladder is an index with n versions, each with a full and with deltas from
// the fanout versions before it.
func ladder(n, fanout int) *systemimage.Index {
	x := &systemimage.Index{GeneratedAt: "Sun Nov 22 09:51:13 UTC 2026"}
	for v := 1; v <= n; v++ {
		x.Images = append(x.Images, systemimage.Image{Type: systemimage.Full, Version: v, Percentage: 100, Files: []systemimage.File{{Size: 300 << 20}}})
		for base := max(1, v-fanout); base < v; base++ {
			x.Images = append(x.Images, systemimage.Image{Type: systemimage.Delta, Version: v, Base: base, Percentage: 100, Files: []systemimage.File{{Size: 10 << 20}}})
		}
	}
	return x
}

// BenchmarkChoose shows how the search for a path grows, from build 0, where
// the client itself has to list all paths: 2^(n-1) of them with all deltas.
func BenchmarkChoose(b *testing.B) {
	run := func(name string, x *systemimage.Index) {
		b.Run(fmt.Sprintf("%s/images=%d", name, len(x.Images)), func(b *testing.B) {
			for b.Loop() {
				if o, err := Choose(x, Request{}); err != nil || len(o.Path) == 0 {
					b.Fatal(err)
				}
			}
		})
	}
	for _, n := range []int{50, 100, 200, 400, 800, 1600, 3200} {
		run("one delta a version", ladder(n/2, 1))
	}
	for _, n := range []int{50, 100, 200, 400, 800, 1600, 3200} {
		run("three deltas a version", ladder(n/4, 3))
	}
	for _, versions := range []int{10, 14, 20, 28, 40, 57, 80, 400} {
		run("all deltas", ladder(versions, versions))
	}
}
