package remotetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// newHostKeys makes one key of each kind.
func newHostKeys(types []string) ([]ssh.Signer, error) {
	if len(types) == 0 {
		types = []string{ssh.KeyAlgoED25519}
	}
	var keys []ssh.Signer
	for _, t := range types {
		var k crypto.Signer
		var err error
		switch t {
		case ssh.KeyAlgoED25519:
			_, k, err = ed25519.GenerateKey(rand.Reader)
		case ssh.KeyAlgoECDSA256:
			k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		case ssh.KeyAlgoRSA:
			k, err = rsa.GenerateKey(rand.Reader, 2048)
		default:
			err = fmt.Errorf("remotetest: no host key of type %q", t)
		}
		if err != nil {
			return nil, err
		}
		s, err := ssh.NewSignerFromKey(k)
		if err != nil {
			return nil, err
		}
		keys = append(keys, s)
	}
	return keys, nil
}

// newClientKey makes the key that the server accepts and writes it to file.
func newClientKey(file string) (ssh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "remotetest")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}

// Agent starts an SSH agent that holds the client key and returns its socket,
// to be used as remote.Host.Agent. Close ends it.
func (s *Server) Agent() (socket string, err error) {
	data, err := os.ReadFile(s.KeyFile())
	if err != nil {
		return "", err
	}
	key, err := ssh.ParseRawPrivateKey(data)
	if err != nil {
		return "", err
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(s.private, "agent")
	if err != nil {
		return "", err
	}
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.closers = append(s.closers, func() { l.Close() })
	s.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				agent.ServeAgent(ring, c)
				c.Close()
			}()
		}
	}()
	return l.Addr().String(), nil
}
