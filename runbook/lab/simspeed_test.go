package lab_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
)

var worldsASecond = regexp.MustCompile(`([\d.]+) worlds a second`)

// How many worlds the simulation goes through in a second, on all processors. A
// process of its own runs it: virtual time is for tests alone. What limits it is the
// signing and verifying of indexes, and of a back-out the many looks at them.
func BenchmarkSimulation(b *testing.B) {
	for _, name := range []string{"copyrc", "backout", "hotfix"} {
		b.Run(name, func(b *testing.B) {
			out, err := exec.CommandContext(b.Context(), os.Args[0], "-test.run", "^TestSimulation$", "-test.v",
				"-procedure", name, "-seeds", fmt.Sprint(b.N)).CombinedOutput()
			m := worldsASecond.FindSubmatch(out)
			if err != nil || m == nil {
				b.Fatalf("%v\n%s", err, out)
			}
			rate, err := strconv.ParseFloat(string(m[1]), 64)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(rate, "worlds/s")
			b.ReportMetric(0, "ns/op") // the world that is made first is in it
		})
	}
}
