package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote"
)

// An openssh is a real OpenSSH server on loopback that runs as the current user.
type openssh struct {
	addr, dir string
	log       *os.File
}

// opensshKeys are the files of the keys of all servers and users, by name: to make those
// for each server would take longer than what is tested with it.
var opensshKeys = sync.OnceValues(func() (files map[string][]byte, err error) {
	dir, err := os.MkdirTemp("", "openssh-keys-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	files = map[string][]byte{}
	for name, args := range map[string][]string{
		"host_ed25519": {"-t", "ed25519"}, "host_rsa": {"-t", "rsa", "-b", "1024"}, "host_other": {"-t", "ed25519"},
		"id": {"-t", "ed25519"}, "id_locked": {"-t", "ed25519"}, "id_wrong": {"-t", "ed25519"},
	} {
		phrase, file := "", filepath.Join(dir, name)
		if name == "id_locked" {
			phrase, args = "a passphrase", append(args, "-a", "1") // one round, not sixteen
		}
		if out, err := exec.Command("ssh-keygen", append(args, "-q", "-N", phrase, "-f", file)...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
		for _, ext := range []string{"", ".pub"} {
			if files[name+ext], err = os.ReadFile(file + ext); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
})

// startOpenSSH starts sshd with its own keys and configuration. Where there is
// none the test is skipped, except in continuous integration.
func startOpenSSH(t *testing.T) *openssh {
	t.Helper()
	missing := func(what string, err error) {
		t.Helper()
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s, and CI is set: %v (Debian: apt-get install openssh-server openssh-client)", what, err)
		}
		t.Skipf("%s: %v (Debian: apt-get install openssh-server openssh-client)", what, err)
	}
	sshd, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		missing("no OpenSSH server to test against", err)
	}
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		missing("no ssh-keygen", err)
	}
	if os.Getuid() == 0 {
		// As root sshd insists on this folder for its unprivileged half.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			missing("sshd as root needs /run/sshd", err)
		}
	}
	s := &openssh{dir: t.TempDir()}
	keys, err := opensshKeys()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range keys {
		s.write(t, name, text)
	}
	var authorized []byte
	for _, name := range []string{"id", "id_locked"} {
		authorized = append(authorized, s.read(t, name+".pub")...)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(s.addr)
	home := filepath.Join(s.dir, "home")
	os.Mkdir(home, 0o755)
	s.write(t, "authorized_keys", authorized)
	s.write(t, "sshd_config", fmt.Appendf(nil, `ListenAddress 127.0.0.1
Port %s
HostKey %[2]s/host_ed25519
HostKey %[2]s/host_rsa
AuthorizedKeysFile %[2]s/authorized_keys
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv HOME=%[2]s/home
LogLevel VERBOSE
MaxStartups 100
`, port, s.dir))
	s.log, err = os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(sshd, "-D", "-e", "-f", filepath.Join(s.dir, "sshd_config"))
	cmd.Stderr = s.log
	if err := cmd.Start(); err != nil {
		missing("sshd does not start", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("sshd: %s", s.read(t, "log"))
		}
	})
	waitFor(t, "sshd to listen", func() bool {
		c, err := net.Dial("tcp", s.addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	s.knownHosts(t, "host_ed25519")
	return s
}

func (s *openssh) read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *openssh) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// knownHosts writes a known_hosts file that has these keys for the server, the
// names hashed as ssh does by default on Debian.
func (s *openssh) knownHosts(t *testing.T, keys ...string) {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.addr)
	var b bytes.Buffer
	for _, k := range keys {
		fmt.Fprintf(&b, "[%s]:%s %s", host, port, s.read(t, k+".pub"))
	}
	s.write(t, "known_hosts", b.Bytes())
	if out, err := exec.Command("ssh-keygen", "-H", "-f", filepath.Join(s.dir, "known_hosts")).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen -H: %v: %s", err, out)
	}
}

func (s *openssh) host(t *testing.T) *remote.Host {
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	h := &remote.Host{
		Addr:       s.addr,
		User:       u.Username,
		KnownHosts: []string{filepath.Join(s.dir, "known_hosts")},
		KeyFile:    filepath.Join(s.dir, "id"),
		Agent:      "none",
		JobDir:     filepath.Join(s.dir, "home", "jobs"),
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// killSession kills the sshd process that serves h's connection.
func killSession(t *testing.T, h *remote.Host) {
	t.Helper()
	out, err := h.Run(context.Background(), sh("echo $PPID"))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(out.Stdout), &pid); err != nil || pid <= 1 {
		t.Fatalf("pid %d: %v", pid, err)
	}
	// The parent of the shell is the session's sshd, or the login shell under it.
	for {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err != nil {
			t.Skipf("no /proc to find the sshd process in: %v", err)
		}
		if strings.HasPrefix(string(b), "sshd") {
			break
		}
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, rest, _ := strings.Cut(string(stat), ") ")
		var state string
		fmt.Sscan(rest, &state, &pid)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func TestOpenSSHRun(t *testing.T) {
	t.Parallel()
	s := startOpenSSH(t)
	h := s.host(t)
	c := command.Command{Argv: append([]string{"printf", `[%s]`}, hard...), Stdin: []byte("unread")}
	out, err := h.Run(t.Context(), c)
	if want := "[" + strings.Join(hard, "][") + "]"; string(out.Stdout) != want || err != nil {
		t.Errorf("Run = %q, %v; want %q", out.Stdout, err, want)
	}
	for script, want := range map[string]int{"exit 3": 3, "kill -KILL $$": 137, "kill -TERM $$": 143} {
		if out, err := h.Run(t.Context(), sh(script)); out.Exit != want || err != nil {
			t.Errorf("%s: exit %d, %v; want %d", script, out.Exit, err, want)
		}
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	out, err = h.Run(t.Context(), command.Command{Argv: []string{"cat"}, Stdin: big})
	if !bytes.Equal(out.Stdout, big) || out.Truncated || err != nil {
		t.Errorf("4 MiB through cat: %d bytes back, truncated %v, %v", len(out.Stdout), out.Truncated, err)
	}
	h.MaxOutput = 100
	out, err = h.Run(t.Context(), sh("head -c 20000000 /dev/zero; echo end >&2"))
	if len(out.Stdout) != 100 || !out.Truncated || string(out.Stderr) != "end\n" || err != nil {
		t.Errorf("20 MB of output: %d bytes, truncated %v, %q, %v", len(out.Stdout), out.Truncated, out.Stderr, err)
	}
	var wg sync.WaitGroup
	for range 30 { // MaxSessions of sshd is ten
		wg.Go(func() {
			if _, err := h.Run(t.Context(), sh("sleep 0.1")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestOpenSSHLost(t *testing.T) {
	t.Parallel()
	s := startOpenSSH(t)
	h := s.host(t)
	done := make(chan error, 1)
	started := filepath.Join(s.dir, "started")
	go func() {
		_, err := h.Run(t.Context(), sh("touch "+started+"; exec sleep 20"))
		done <- err
	}()
	waitFor(t, "the command", func() bool { return exists(started) })
	killSession(t, h) // the same connection serves both
	if err := <-done; !errors.Is(err, remote.ErrLost) {
		t.Errorf("Run: %v, want ErrLost", err)
	}
	if _, err := ping(t.Context(), h); err != nil {
		t.Errorf("the next command: %v", err)
	}
}

func TestOpenSSHJobSurvives(t *testing.T) {
	t.Parallel()
	s := startOpenSSH(t)
	h := s.host(t)
	gate := filepath.Join(s.dir, "go")
	c := job("survivor", `echo begun; while [ ! -e "$1" ]; do sleep 0.02; done; echo end; exit 4`, gate)
	j, err := h.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	killSession(t, h)
	go func() {
		killSession(t, h) // while it is watched
		os.WriteFile(gate, nil, 0o600)
	}()
	out, err := j.Wait(t.Context())
	want := command.Output{Stdout: []byte("begun\nend\n"), Exit: 4}
	if diff := cmp.Diff(want, out); diff != "" || err != nil {
		t.Errorf("Wait: %v (-want +got):\n%s", err, diff)
	}
	out, err = s.host(t).Run(t.Context(), c) // as another process would
	if diff := cmp.Diff(want, out); diff != "" || err != nil {
		t.Errorf("Run: %v (-want +got):\n%s", err, diff)
	}
	if exists(filepath.Join(s.dir, "home", "jobs", "survivor")) {
		t.Error("the job was not reaped")
	}
}

// A job that is lost on the host is told once, and does not stand in the way of
// the next start: killed there, lost with a restart of the host, or claimed by a
// start that was killed before the job had begun.
func TestOpenSSHJobLost(t *testing.T) {
	t.Parallel()
	s := startOpenSSH(t)
	for _, tt := range []struct {
		name, lost string
		wreck      func(dir string, pid int)
	}{
		{"killed", "its process is gone", func(_ string, pid int) { syscall.Kill(-pid, syscall.SIGKILL) }},
		{"restarted", "the host was restarted", func(dir string, _ int) { os.WriteFile(filepath.Join(dir, "boot"), []byte("before\n"), 0o600) }},
		{"unborn", "", func(dir string, pid int) {
			syscall.Kill(-pid, syscall.SIGKILL)
			os.RemoveAll(dir)
			os.Mkdir(dir, 0o700)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, again := filepath.Join(s.dir, "home", "jobs", tt.name), filepath.Join(s.dir, tt.name)
			c := job(tt.name, `[ -e "$1" ] && exit 3; exec sleep 1000`, again)
			if _, err := s.host(t).Start(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			pid := pidOf(t, filepath.Join(dir, "pid"))
			defer syscall.Kill(-pid, syscall.SIGKILL)
			waitFor(t, "the program", func() bool { return exists(filepath.Join(dir, "child")) })
			tt.wreck(dir, pid)
			h := s.host(t) // another process
			if tt.lost != "" {
				var l *command.LostJob
				if _, err := h.Run(t.Context(), c); !errors.As(err, &l) || l.Reason != tt.lost || !l.Before {
					t.Errorf("Run: %v, want LostJob: %s", err, tt.lost)
				}
			}
			os.WriteFile(again, nil, 0o600)
			if out, err := h.Run(t.Context(), c); err != nil || out.Exit != 3 {
				t.Errorf("again: exit %d, %v; want 3", out.Exit, err)
			}
			if exists(dir) {
				t.Error("its folder is still there")
			}
		})
	}
}

func TestOpenSSHFile(t *testing.T) {
	t.Parallel()
	s := startOpenSSH(t)
	path := filepath.Join(s.dir, "home", "etc config")
	old, new := []byte("a\x00b\n"), bytes.Repeat([]byte("line\n"), 200_000)
	s.write(t, "home/etc config", old)
	f := command.File{Runner: s.host(t), Path: path}
	if _, err := f.Replace(t.Context(), []byte("x"), new); !errors.Is(err, command.ErrConflict) {
		t.Errorf("%v, want ErrConflict", err)
	}
	backup, err := f.Replace(t.Context(), old, new)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Read(t.Context()); !bytes.Equal(got, new) || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if got, err := os.ReadFile(backup); !bytes.Equal(got, old) || err != nil {
		t.Errorf("backup: %q, %v", got, err)
	}
}

// A server that answers nothing more is noticed without any traffic of ours.
func TestOpenSSHSilent(t *testing.T) {
	t.Parallel()
	s := startOpenSSH(t)
	h := s.host(t)
	proxy := startProxy(t, s.addr)
	h.HostKey = string(s.read(t, "host_ed25519.pub"))
	h.Addr = proxy.addr
	h.KeepAlive = 300 * time.Millisecond
	started := filepath.Join(s.dir, "started")
	done := make(chan error, 1)
	go func() {
		_, err := h.Run(t.Context(), sh("touch "+started+"; exec sleep 20"))
		done <- err
	}()
	waitFor(t, "the command", func() bool { return exists(started) })
	proxy.silence()
	if err := <-done; !errors.Is(err, remote.ErrLost) {
		t.Errorf("Run: %v, want ErrLost", err)
	}
}

// hard are words that catch naive quoting; package command tries all pairs of them.
var hard = []string{
	"", " ", "'", "''", `'\''`, `"`, `\`, `\\`, "a\\\nb", "\n", "\r\n", "\t", "$HOME", "${x}", "$(id)", "`id`", "!", "!!", "a!b",
	"*", "?", "[a]", "~", "~root", "a~", "#", "a#b", "=", "x=y", "&", "&&", ";", "|", "<", ">", "(", ")", "{", "}", "{a,b}",
	"-", "--", "-n", "-e", "%s", "%", "^", "\x01", "\x7f", "\x80", "\xff\xfe", "ä", "日本", "\u2028", "\u00a0", "'\n'", "a'b'c",
}
