package phasing

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestPython compares with the python3 of this machine. PHASING_ROWS sets how many
// rows, 5000 by default; PHASING_ROWS=1000000 takes half a minute.
func TestPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	count := 5000
	if s := os.Getenv("PHASING_ROWS"); s != "" {
		if count, err = strconv.Atoi(s); err != nil {
			t.Fatalf("PHASING_ROWS: %v", err)
		}
	}
	const script = `
import json, random, sys
for line in sys.stdin:
    c, t, m = json.loads(line)
    r = random.Random(); r.seed('{}.{}.{}'.format(c, t, m)); print(r.randint(0, 100))
`
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	again := rand.New(rand.NewPCG(seed, 0))
	cmd := exec.Command(python, "-c", script)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaint strings.Builder
	cmd.Stderr = &complaint
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		w := bufio.NewWriter(in)
		enc := json.NewEncoder(w)
		for range count {
			c, n, id := randomDevice(rng)
			if enc.Encode([]any{c, n, id}) != nil {
				break // python ended; the reader below says so
			}
		}
		w.Flush()
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	rows := 0
	for lines.Scan() {
		c, n, id := randomDevice(again)
		if got := strconv.Itoa(Draw(c, n, id)); got != lines.Text() {
			t.Fatalf("Draw(%q, %d, %q) = %s, python3 says %s (row %d of seed %d)", c, n, id, got, lines.Text(), rows, seed)
		}
		rows++
	}
	if err := cmd.Wait(); err != nil || rows != count {
		t.Fatalf("python3 gave %d of %d rows: %v\n%s", rows, count, err, complaint.String())
	}
}

// randomDevice mixes what a fleet has with what nobody should have.
func randomDevice(rng *rand.Rand) (channel string, target int, id string) {
	channels := []string{"None", "ubuntu-touch/stable", "24.04-1.x/arm64/android9plus/daily", "é", ""}
	if rng.IntN(10) > 0 {
		return channels[rng.IntN(2)], rng.IntN(65536), fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64())
	}
	return channels[rng.IntN(5)] + randomText(rng, rng.IntN(20)), int(rng.Uint64()), randomText(rng, rng.IntN(60)*rng.IntN(60))
}

func randomText(rng *rand.Rand, n int) string {
	letters := []rune("\x00\n .0123456789abcdefABCDEF-éж機🤖")
	var b strings.Builder
	for range n {
		b.WriteRune(letters[rng.IntN(len(letters))])
	}
	return b.String()
}
