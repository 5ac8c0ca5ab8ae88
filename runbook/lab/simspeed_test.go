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
// process of its own runs it: virtual time is for tests alone. The processor time of a
// world does not depend on what else the machine does. What limits it is the
// copying, reading and looking through of trees, and of a back-out the many looks at indexes.
func BenchmarkSimulation(b *testing.B) {
	for _, name := range []string{"copyrc", "backout", "hotfix"} {
		b.Run(name, func(b *testing.B) {
			cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run", "^TestSimulation$", "-test.v",
				"-procedure", name, "-seeds", fmt.Sprint(b.N))
			out, err := cmd.CombinedOutput()
			m := worldsASecond.FindSubmatch(out)
			if err != nil || m == nil {
				b.Fatalf("%v\n%s", err, out)
			}
			rate, err := strconv.ParseFloat(string(m[1]), 64)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(rate, "worlds/s")
			used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			b.ReportMetric(float64(used.Milliseconds())/float64(b.N), "cpu-ms/world")
			b.ReportMetric(0, "ns/op") // the world that is made first is in it
		})
	}
}
