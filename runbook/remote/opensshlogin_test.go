package remote_test

import (
	"crypto/ed25519"
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/landingteam/landing/runbook/remote"
)

func TestOpenSSHHostKey(t *testing.T) {
	t.Parallel()
	s := startOpenSSH(t)
	h := s.host(t)
	fingerprint := func(name string) string {
		out, err := exec.Command("ssh-keygen", "-l", "-f", filepath.Join(s.dir, name)).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))[1]
	}
	// The server has two keys and would rather show the other one.
	s.knownHosts(t, "host_rsa")
	if _, err := ping(t.Context(), h); err != nil {
		t.Errorf("only the RSA key is known: %v", err)
	}
	h.Close()
	s.knownHosts(t, "host_other")
	_, err := ping(t.Context(), h)
	if !errors.Is(err, remote.ErrHostChanged) || !strings.Contains(err.Error(), fingerprint("host_ed25519")) || !strings.Contains(err.Error(), "known_hosts:1") {
		t.Errorf("changed: %v", err)
	}
	s.knownHosts(t)
	_, err = ping(t.Context(), h)
	if !errors.Is(err, remote.ErrHostUnknown) || !strings.Contains(err.Error(), fingerprint("host_ed25519")) && !strings.Contains(err.Error(), fingerprint("host_rsa")) {
		t.Errorf("unknown: %v", err)
	}
	// The line that the error gives is the one to add.
	line := err.Error()[strings.LastIndex(err.Error(), ": [")+2:]
	s.write(t, "known_hosts", []byte(line+"\n"))
	if _, err := ping(t.Context(), h); err != nil {
		t.Errorf("with the line from the error: %v", err)
	}
}

func TestOpenSSHLogin(t *testing.T) {
	t.Parallel()
	s := startOpenSSH(t)
	tests := []struct {
		name  string
		setup func(h *remote.Host)
		want  error
		text  string
	}{
		{"wrong key", func(h *remote.Host) { h.KeyFile = filepath.Join(s.dir, "id_wrong") }, remote.ErrAuth, "accepts none of our keys"},
		{"locked key", func(h *remote.Host) { h.KeyFile = filepath.Join(s.dir, "id_locked") }, remote.ErrAuth, "is encrypted"},
		{"wrong passphrase", func(h *remote.Host) {
			h.KeyFile = filepath.Join(s.dir, "id_locked")
			h.Passphrase = func(string) ([]byte, error) { return []byte("s3cret"), nil }
		}, remote.ErrAuth, "does not open"},
		{"passphrase", func(h *remote.Host) {
			h.KeyFile = filepath.Join(s.dir, "id_locked")
			h.Passphrase = func(string) ([]byte, error) { return []byte("a passphrase"), nil }
		}, nil, ""},
		{"no key", func(h *remote.Host) { h.KeyFile = filepath.Join(s.dir, "sshd_config") }, remote.ErrAuth, "not a private key"},
		{"jump", func(h *remote.Host) { h.Jump = s.host(t) }, nil, ""},
		{"jump that fails", func(h *remote.Host) { h.Jump = s.host(t); h.Jump.Addr = "127.0.0.1:1" }, remote.ErrUnreachable, "127.0.0.1:1"},
		{"unreachable behind the jump", func(h *remote.Host) { h.Jump = s.host(t); h.Addr = "127.0.0.1:1" }, remote.ErrUnreachable, "through jump host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := s.host(t)
			tt.setup(h)
			_, err := ping(t.Context(), h)
			if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%v\nwant %v with %q", err, tt.want, tt.text)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error tells the passphrase: %v", err)
			}
		})
	}
}

// A host gives up after six keys; a public key as KeyFile picks the right one.
func TestOpenSSHAgentOfManyKeys(t *testing.T) {
	t.Parallel()
	s := startOpenSSH(t)
	ring := agent.NewKeyring()
	for i := range 9 {
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		var raw any = key
		if i == 8 {
			if raw, err = ssh.ParseRawPrivateKey(s.read(t, "id")); err != nil {
				t.Fatal(err)
			}
		}
		if err := ring.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "agent"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(ring, c)
		}
	}()
	for _, tt := range []struct {
		keyFile, want string
	}{
		{"", "gave up before all keys of the agent were tried"},
		{"id_wrong.pub", "is a public key, and no SSH agent holds the private one"},
		{"id.pub", ""},
	} {
		h := s.host(t)
		h.Agent = l.Addr().String()
		if h.KeyFile = ""; tt.keyFile != "" {
			h.KeyFile = filepath.Join(s.dir, tt.keyFile)
		}
		_, err := ping(t.Context(), h)
		if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, remote.ErrAuth) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("key file %q: %v, want %q", tt.keyFile, err, tt.want)
		}
	}
}
