package realserver_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/mailbox"
)

// site is what people write: where everything is.
func (m *machine) site(t *testing.T) string {
	t.Helper()
	text := fmt.Sprintf(`[site]
name = real

[image-server]
url      = http://%s
keyring  = %s/secret/gpg/keyrings/archive-master.tar.xz
ssh      = %s@%s
root     = %[2]s
host_key = %[5]s
key_file = %[6]s
cache    = %[7]s

[cdimage]
ssh      = %[3]s@%[4]s
root     = %[2]s/builder
host_key = %[5]s
key_file = %[6]s
logs     = http://%[1]s/cd-build-logs/

[launchpad]
root        = http://%[1]s/devel/
credentials = %[8]s
`, m.web, m.root(), m.account.Username, m.ssh, m.hostKey, m.path("id"), m.path("cache"), m.path("credentials"))
	if err := os.WriteFile(m.path("site.conf"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return m.path("site.conf")
}

// most is how often a run is started until it must be done.
const most = 20

// answer says yes, as somebody who may, to all that is asked in the mailbox: to a doubt
// with the result as expected.
func (m *machine) answer(t *testing.T) (answered bool) {
	t.Helper()
	box := &mailbox.Box{Dir: m.path("mailbox")}
	open, err := box.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range open {
		for _, name := range []string{"operator", "colleague", "reviewer"} {
			if q.MayAnswer(name, name) != nil {
				continue
			}
			err := box.Answer(q, runbook.Answer{Verdict: runbook.Yes, By: name, Account: name, Reason: "looked at it"})
			if err != nil && !errors.Is(err, mailbox.ErrNotAsked) { // the run may have ended meanwhile
				t.Fatalf("%s: %v", q.Text, err)
			}
			answered = true
			break
		}
	}
	return answered
}

// A disturbance is what a run has still before it, and what it has seen.
type disturbance struct {
	kills []kill       // still to come
	seen  map[int]bool // programs on the host
	began int          // of them since the last kill
}

// until starts the procedure until it is done, kills meanwhile, and returns the state
// of the world then.
func (s scene) until(t *testing.T, m *machine, kills []kill, n *tally) string {
	t.Helper()
	n.runs++
	var story strings.Builder
	d := &disturbance{kills: kills, seen: map[int]bool{}}
	for start := 1; ; start++ {
		if start > most {
			t.Fatalf("%s: not done after %d starts\n%s", kills, most, &story)
		}
		n.starts++
		operator := []string{"operator", "colleague"}[(start-1)%2]
		before := d.kills
		exit, out := m.run(t, s, operator, d)
		fmt.Fprintf(&story, "-- start %d: exit status %d\n%s\n", start, exit, out)
		for _, k := range before[:len(before)-len(d.kills)] {
			n.hit(k.kind)
		}
		if last := lastLine(out); exit == 0 || exit == 1 && s.finds != "" && strings.Contains(last, s.finds) ||
			exit == 3 && s.pending != "" && strings.Contains(last, s.pending) {
			m.settled(t, s, exit, kills, &story)
			break
		}
		switch exit {
		case 2:
			t.Fatalf("%s\n%s", kills, &story)
		case 3:
			if !m.answer(t) { // a time is waited for
				time.Sleep(time.Second)
			}
		}
	}
	if kills == nil {
		n.lines, n.programs = m.lines(), len(d.seen)
	} else if len(d.kills) > 0 {
		t.Logf("the run was over before: %s", d.kills)
	}
	if os.Getenv("LANDING_REAL_STORY") != "" {
		t.Logf("%s\n%s", kills, &story)
	}
	for _, d := range s.devices {
		d.ask(t, m, kills)
		n.devices++
	}
	return m.state(t)
}

// owesNothing is what a status says of a run that has given everything back.
var owesNothing = regexp.MustCompile(`(?m)^ *owed +nothing$`)

// settled makes sure that the journal says the same end and owes nothing, and that the tree is sound.
func (m *machine) settled(t *testing.T, s scene, want int, k []kill, story fmt.Stringer) {
	t.Helper()
	cmd := exec.Command(m.path("programs/"+s.run[0]), "-journal", m.path("journal"), "-status")
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != want || !owesNothing.Match(out) {
		t.Errorf("%s: the status ends with %d, want %d:\n%s\n%s", k, cmd.ProcessState.ExitCode(), want, out, story)
	}
	cmd = exec.Command(m.path("programs/checktree"), "-site", m.site(t))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: the tree: %v\n%s\n%s", k, err, out, story)
	}
}

// lastLine is what a program said last.
func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

// run starts the program once, and kills what is due meanwhile. It says how it ended.
func (m *machine) run(t *testing.T, s scene, operator string, d *disturbance) (exit int, output []byte) {
	t.Helper()
	args := slices.Concat([]string{"-site", m.site(t), "-journal", m.path("journal"), "-operator", operator, "-mailbox", m.path("mailbox")}, s.run[1:])
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "$dir", m.dir)
	}
	cmd := exec.Command(m.path("programs/"+s.run[0]), args...)
	cmd.Env = append(os.Environ(), "HOME="+m.dir, "SSH_AUTH_SOCK=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	here, nobody := terminal(t)
	defer nobody.Close()
	defer here.Close()
	cmd.Stdin = here
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(4 * time.Millisecond)
	defer tick.Stop()
	limit, asked := time.After(15*time.Minute), time.Now()
	for {
		select {
		case err := <-ended:
			var failed *exec.ExitError
			if err != nil && !errors.As(err, &failed) {
				t.Fatal(err)
			}
			return cmd.ProcessState.ExitCode(), out.Bytes()
		case <-limit:
			_ = cmd.Process.Kill()
			<-ended
			t.Fatalf("still running after a quarter of an hour, before %s\n%s", d.kills, &out)
		case <-tick.C:
			if s.stop {
				m.touchStop(t)
			}
			if time.Since(asked) > time.Second {
				m.answer(t)
				asked = time.Now()
			}
			m.disturb(cmd.Process, d)
		}
	}
}

// disturb looks at what runs on the host, and kills if it is time.
func (m *machine) disturb(program *os.Process, d *disturbance) {
	var began []process
	for _, p := range m.ours() {
		if !d.seen[p.pid] {
			d.seen[p.pid] = true
			began = append(began, p)
		}
	}
	d.began += len(began)
	if len(d.kills) == 0 {
		return
	}
	k, hit := d.kills[0], false
	switch {
	case k.kind == ourProcess && m.lines() >= k.at:
		hit = program.Kill() == nil
	case k.kind == sshSession && m.lines() >= k.at:
		hit = m.killSessions()
	case (k.kind == hostProgram || k.kind == hostJob) && len(began) > 0 && d.began >= k.at:
		hit = m.killProgram(began[0], k)
	}
	if hit {
		d.kills, d.began = d.kills[1:], 0
	}
}

// touchStop stops a rollout, once, as soon as it waits between two steps.
func (m *machine) touchStop(t *testing.T) {
	t.Helper()
	file := filepath.Join(m.root(), "phased-state", "done")
	if _, err := os.Stat(filepath.Dir(file)); err == nil || !strings.Contains(m.journal(), "what is due") {
		return
	}
	must(t, m.as(exec.Command("mkdir", filepath.Dir(file))))
	must(t, m.as(exec.Command("touch", file)))
}

// journal is its text; "" when there is none yet.
func (m *machine) journal() string {
	text, _ := os.ReadFile(m.path("journal"))
	return string(text)
}

// lines counts those of the journal.
func (m *machine) lines() int {
	return strings.Count(m.journal(), "\n")
}
