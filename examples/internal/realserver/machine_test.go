package realserver_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

const (
	sshd = "/usr/sbin/sshd"
	cron = "/usr/sbin/cron"
)

// A machine is this one: with an sshd of its own on loopback, cron, a web server
// that publishes the tree and the sources of the importer, and the programs built.
type machine struct {
	folder
	dir     string // of everything; its path is short, as sockets' must be
	web     string // host and port
	ssh     string // host and port
	hostKey string
	sshd    int // its process

	mu        sync.Mutex
	launchpad *launchpadtest.Server // of the world that is there now
}

// root is the image server's folder, the same in every world: paths stand in
// configuration, crontab and tree.
func (m *machine) root() string { return filepath.Join(m.dir, "srv") }

// builder is the folder of the image builder on the host.
func (m *machine) builder() string { return filepath.Join(m.root(), "builder") }

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

func startMachine(t *testing.T, f folder) *machine {
	t.Helper()
	dir, err := os.MkdirTemp("", "real")
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{folder: f, dir: dir}
	t.Cleanup(func() {
		m.clear(t)
		if !t.Failed() {
			os.RemoveAll(dir)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	programs := []string{"build", "-o", m.path("programs") + "/"}
	for _, name := range []string{"copyrc", "release", "rollout", "backout", "hotfix", "respin", "failedimport", "channelconfig", "checktree"} {
		programs = append(programs, "../../"+name)
	}
	must(t, exec.Command("go", programs...))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	must(t, exec.Command("install", "-D", "-m", "755", self, m.path("builder/for-project")))
	m.startWeb(t)
	m.startSSH(t)
	m.start(t, exec.Command(cron, "-f"))
	return m
}

// must runs a command that has to succeed.
func must(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

// start starts a server that runs until the end of the test.
func (m *machine) start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	log, err := os.Create(m.path(filepath.Base(cmd.Path) + ".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		log.Close()
	})
	select {
	case err := <-ended:
		text, _ := os.ReadFile(log.Name())
		t.Fatalf("%s ended at once: %v\n%s", cmd, err, text)
	case <-time.After(300 * time.Millisecond):
	}
}

// startWeb publishes the tree, below /sources what the importer takes files from, and
// the logs of the image builder; and answers as Launchpad.
func (m *machine) startWeb(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.web = l.Addr().String()
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(filepath.Join(m.root(), "www"))))
	mux.Handle("/cd-build-logs/", &cdimagetest.LogTree{Dir: filepath.Join(m.builder(), "log"), Prefix: "/cd-build-logs"})
	mux.HandleFunc("/devel/", func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		lp := m.launchpad
		m.mu.Unlock()
		lp.ServeHTTP(w, r)
	})
	mux.Handle("/sources/", http.FileServer(http.Dir(filepath.Join(m.root(), "sources", m.web))))
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }() // ends with Close
	t.Cleanup(func() { s.Close() })
}

func (m *machine) startSSH(t *testing.T) {
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // for its unprivileged half
		t.Fatal(err)
	}
	for _, key := range []string{"host", "id"} {
		must(t, exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", m.path(key)))
	}
	for name, copyOf := range map[string]string{"authorized": "id.pub", "hostkey": "host.pub"} {
		text, err := os.ReadFile(m.path(copyOf))
		if err != nil {
			t.Fatal(err)
		}
		if name == "hostkey" {
			m.hostKey = strings.Join(strings.Fields(string(text))[:2], " ")
		} else if err := os.WriteFile(m.path(name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.ssh = l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(m.ssh)
	config := fmt.Sprintf(`ListenAddress 127.0.0.1
Port %s
HostKey %[2]s/host
AuthorizedKeysFile %[2]s/authorized
AllowUsers %[3]s
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv PATH=%[4]s CDIMAGE_ROOT=%[5]s
`, port, m.dir, m.account.Username, m.searchPath(), m.builder())
	if err := os.WriteFile(m.path("sshd_config"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(sshd, "-D", "-e", "-f", m.path("sshd_config"))
	m.start(t, cmd)
	m.sshd = cmd.Process.Pid
}

// searchPath is the PATH of the host. The image builder's program, the only one that
// is a fake's, stands in a folder of its own.
func (m *machine) searchPath() string {
	return strings.Join([]string{filepath.Join(m.folder.path, "bin"), m.path("builder"), "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}, ":")
}

// as makes a command one of the account's.
func (m *machine) as(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: m.id[0], Gid: m.id[1]}}
	cmd.Env = []string{"HOME=" + m.account.HomeDir, "PATH=" + m.searchPath(), "LC_ALL=C.UTF-8"}
	return cmd
}
