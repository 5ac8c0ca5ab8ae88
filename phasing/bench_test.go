package phasing

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// python3 draws on its own clock: seed and randint, as the client calls them.
const pythonBench = `
import random, time
n = 100000
ids = ['%032x' % i for i in range(n)]
r = random.Random()
best = 9e9
for _ in range(3):
    t = time.perf_counter()
    for m in ids:
        r.seed('{}.{}.{}'.format('ubuntu-touch/stable', 42, m))
        r.randint(0, 100)
    best = min(best, time.perf_counter() - t)
print(best / n * 1e9)
`

// pythonNs is how long CPython takes for one draw on this machine, 0 without python3.
func pythonNs(b *testing.B) float64 {
	b.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		return 0
	}
	out, err := exec.Command(python, "-c", pythonBench).Output()
	if err != nil {
		b.Fatal(err)
	}
	ns, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return ns
}

func report(b *testing.B, draws int, python float64) {
	ns := float64(b.Elapsed().Nanoseconds()) / float64(draws)
	b.ReportMetric(1e9/ns, "draws/s")
	if python > 0 {
		b.ReportMetric(python, "python-ns/draw")
		b.ReportMetric(python/ns, "times-python")
	}
}

func BenchmarkDraw(b *testing.B) {
	python := pythonNs(b)
	b.ReportAllocs()
	for b.Loop() {
		Draw("ubuntu-touch/stable", 42, "0123456789abcdef0123456789abcdef")
	}
	report(b, b.N, python)
}

func BenchmarkDraws(b *testing.B) {
	python := pythonNs(b)
	ids := make([]string, 0, 10000)
	for id := range fleet(cap(ids)) {
		ids = append(ids, id)
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for range Draws("ubuntu-touch/stable", 42, func(yield func(string) bool) {
			for _, id := range ids {
				if !yield(id) {
					return
				}
			}
		}) {
			n++
		}
	}
	report(b, n, python)
}
