package realserver_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Whom a kill hits.
const (
	ourProcess  = "our process"
	sshSession  = "the SSH session"
	hostProgram = "the server's program"
	hostJob     = "the whole job"
)

// A kill says whom, and when: at a line of the journal, or so long after a program of
// the server began.
type kill struct {
	kind  string
	at    int // line of the journal, or number of the program since the last kill, from 1
	after time.Duration

	writing int // wait until the program replaces an index, for this time; 0 does not wait
}

func (k kill) String() string {
	switch k.kind {
	case hostProgram, hostJob:
		if k.writing > 0 {
			return fmt.Sprintf("kill of %s %d while it writes an index, time %d", k.kind, k.at, k.writing)
		}
		return fmt.Sprintf("kill of %s %d after %v", k.kind, k.at, k.after)
	}
	return fmt.Sprintf("kill of %s at line %d of the journal", k.kind, k.at)
}

// killsOf spreads n kills over runs: of so many lines and programs each, when nobody
// is killed. A run meets a kill of each kind, in turn another one first. Of what runs
// on the host it is in turn the program alone, or all of its job.
func killsOf(lines, programs, n int) (runs [][]kill) {
	perRun := 3
	if programs == 0 {
		perRun = 2
	}
	rounds := max(n/perRun, 1)
	for i := range rounds {
		line := 2 + i*max(lines-2, 1)/rounds
		kills := []kill{{kind: ourProcess, at: line}, {kind: sshSession, at: line + 1 + i%3}}
		if programs > 0 {
			// A copy replaces an index for the full image, for its delta and for the
			// percentage: the second and third of three kills find it live for all.
			k := kill{kind: hostProgram, at: 1 + i%2, writing: i % 4}
			if i%2 == 1 {
				k.kind = hostJob
			}
			if k.writing == 0 {
				k.after = time.Duration(i*130%700) * time.Millisecond
			}
			kills = append(kills, k)
		}
		first := i % len(kills)
		runs = append(runs, slices.Concat(kills[first:], kills[:first]))
	}
	return runs
}

// A process of the machine.
type process struct {
	pid, parent, group int
	name               string
	argv               []string
}

func processes() (all []process) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		p := process{}
		p.pid, _ = strconv.Atoi(filepath.Base(dir))
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue
		}
		head, rest, _ := strings.Cut(string(stat), ") ")
		_, p.name, _ = strings.Cut(head, "(")
		var state string
		fmt.Sscan(rest, &state, &p.parent, &p.group)
		argv, _ := os.ReadFile(dir + "/cmdline")
		p.argv = strings.Split(strings.TrimSuffix(string(argv), "\x00"), "\x00")
		if state != "Z" {
			all = append(all, p)
		}
	}
	return all
}

// running are the server's programs that run: a job's by the whole path, cron's by
// one from the root.
func (m *machine) running() (all []process) {
	for _, p := range processes() {
		if len(p.argv) < 2 {
			continue
		}
		folder, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.pid))
		if strings.HasPrefix(p.argv[1], m.root()+"/bin/") || p.argv[1] == "bin/import-images" && folder == m.root() {
			all = append(all, p)
		}
	}
	return all
}

// ours are those that a procedure runs for their effect.
func (m *machine) ours() (all []process) {
	for _, p := range m.running() {
		if filepath.IsAbs(p.argv[1]) && !slices.Contains(p.argv, "--help") {
			all = append(all, p)
		}
	}
	return all
}

// killSessions kills what sshd runs for its connections.
func (m *machine) killSessions() (hit bool) {
	all := processes()
	below := map[int]bool{m.sshd: true}
	for range 3 { // the privileged half, the session's, and no deeper: jobs are detached
		for _, p := range all {
			if below[p.parent] && strings.HasPrefix(p.name, "sshd") {
				below[p.pid] = true
			}
		}
	}
	delete(below, m.sshd)
	for pid := range below {
		hit = syscall.Kill(pid, syscall.SIGKILL) == nil || hit
	}
	return hit
}

// killProgram kills a program on the host, or all of its job, when it is time.
func (m *machine) killProgram(p process, k kill) bool {
	time.Sleep(k.after)
	times, there := 0, false
	for begin := time.Now(); times < k.writing && time.Since(begin) < 30*time.Second && syscall.Kill(p.pid, 0) == nil; time.Sleep(200 * time.Microsecond) {
		left, _ := filepath.Glob(filepath.Join(m.root(), "www/*/*/*/*/index.json.new"))
		if len(left) > 0 && !there {
			times++
		}
		there = len(left) > 0
	}
	if k.writing > 0 { // before, while or after it is signed
		time.Sleep(time.Duration(k.writing-1) * 15 * time.Millisecond)
	}
	if k.kind == hostJob {
		return syscall.Kill(-p.group, syscall.SIGKILL) == nil
	}
	return syscall.Kill(p.pid, syscall.SIGKILL) == nil
}
