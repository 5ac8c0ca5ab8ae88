// Package realserver_test holds the programs against the real thing: the image
// server's own programs, OpenSSH with a user whose shell is dash, Debian's cron and
// crontab, and the client that devices run. Every procedure is run undisturbed, and
// then killed again and again: the program, the SSH session under it, what runs on
// the host. Resumed, it must leave the same channels, the importer's line on,
// nothing owed, nothing twice; and devices must take what they should.
//
// The files, in reading order: realserver (what is run, and the count), folder
// (what must be there), machine (sshd, cron and web server), world (a fresh image
// server, and what it publishes), said (what a run says that a kill took), program (one start of ours), terminal (at
// which it waits for its answers), kill (whom and when), device (the client).
package realserver_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook/lab"
)

// TestMain lets the host's for-project be this very program.
func TestMain(m *testing.M) {
	if lab.Program() {
		return
	}
	os.Exit(m.Run()) // on disk: the path of a key agent's socket must be short
}

var kills = flag.Int("kills", 9, "how often each procedure is killed")

// A scene is a procedure on a world: what is started, and what devices take then.
type scene struct {
	name    string
	world   func() world
	run     []string          // the program and what stands behind its flags for site and journal
	files   map[string]string // that the program reads, by name, in $dir
	pending string            // what the run waits for at its end, for days; it ends when empty
	finds   string            // what a run says that ends well and exits with 1
	cron    string            // when the importer's line runs; every minute when empty
	stop    bool              // somebody touches the stop file as soon as the run waits
	devices []device          // after the end
}

// TestRealServer is skipped unless LANDING_REAL names a folder, of which [folder]
// says what it holds.
//
//	LANDING_REAL=/path go test -v -timeout 60m ./examples/internal/realserver -args -kills 9
func TestRealServer(t *testing.T) {
	f := needFolder(t)
	m := startMachine(t, f)
	var total tally
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			n := s.play(t, m)
			t.Logf("%s: %s", s.name, n)
			total.add(n)
		})
	}
	t.Logf("real server: %s", total)
}

// play runs the scene once undisturbed, and then with kills.
func (s scene) play(t *testing.T, m *machine) (n tally) {
	t.Helper()
	for name, text := range s.files {
		if err := os.WriteFile(m.path(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w := m.here(s.world(), cmp.Or(s.cron, "* * * * *"))
	m.reset(t, w)
	want := s.until(t, m, nil, &n)
	if len(s.devices) > 0 {
		n.devices += s.devices[0].agree(t, m)
	}
	for _, kills := range killsOf(n.lines, n.programs, *kills) {
		m.reset(t, w)
		got := s.until(t, m, kills, &n)
		lost, kept := saidOf(m.journal())
		n.lost, n.kept = n.lost+len(lost), n.kept+len(kept)
		want, got := without(want, lost, m.heirs(t)), without(got, kept, m.heirs(t))
		if got != want {
			n.differ++
			t.Errorf("%s: the world differs\n%s", kills, difference(want, got))
		}
	}
	return n
}

// A tally counts what was done.
type tally struct {
	runs, starts, devices int
	differ, lost, kept    int            // worlds that are not as undisturbed; deltas of which runs say that they are lost, or kept
	hits                  map[string]int // kills by kind
	lines, programs       int            // of the journal and on the host, in the undisturbed run
}

func (n *tally) hit(kind string) {
	if n.hits == nil {
		n.hits = map[string]int{}
	}
	n.hits[kind]++
}

func (n *tally) add(o tally) {
	n.runs, n.starts, n.devices = n.runs+o.runs, n.starts+o.starts, n.devices+o.devices
	n.differ, n.lost, n.kept = n.differ+o.differ, n.lost+o.lost, n.kept+o.kept
	for kind, times := range o.hits {
		for range times {
			n.hit(kind)
		}
	}
}

func (n tally) String() string {
	all := 0
	var parts []string
	for _, kind := range []string{ourProcess, sshSession, hostProgram, hostJob} {
		all += n.hits[kind]
		parts = append(parts, fmt.Sprintf("%d of %s", n.hits[kind], kind))
	}
	return fmt.Sprintf("%d runs in %d starts, %d kills (%s), %d answers of the real client, %d worlds differ, %d deltas are said to be lost and %d to be kept",
		n.runs, n.starts, all, strings.Join(parts, ", "), n.devices, n.differ, n.lost, n.kept)
}

// difference shows the lines that only one of two texts has.
func difference(want, got string) string {
	var b strings.Builder
	only := func(sign, a, b string) (lines []string) {
		for line := range strings.Lines(a) {
			if !strings.Contains(b, line) {
				lines = append(lines, sign+" "+line)
			}
		}
		return lines
	}
	for _, line := range append(only("-", want, got), only("+", got, want)...) {
		b.WriteString(line)
	}
	return b.String()
}
