package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// signers collects the keys to log in with: the key file first, then what the
// agent holds, since servers stop listening after a few wrong keys. They are
// offered as one method because the protocol tries each method only once. The
// returned function closes the agent and must be called after the handshake.
func (h *Host) signers(ctx context.Context) (keys []ssh.Signer, done func(), err error) {
	held, done, agentErr := h.agentKeys(ctx)
	if h.KeyFile != "" {
		key, err := h.loadKey(held)
		if err != nil {
			done()
			return nil, nil, err
		}
		keys = append(keys, key)
	}
	for _, s := range held {
		if signer(keys, s.PublicKey()) == nil {
			keys = append(keys, s)
		}
	}
	if len(keys) == 0 {
		done()
		return nil, nil, h.fail("log in", ErrAuth, "there is no key to log in with: set Host.KeyFile, or start an SSH agent that holds one", agentErr)
	}
	return keys, done, nil
}

// agentKeys lists the keys of the agent. An agent that does not answer is an
// error only if no other key is there.
func (h *Host) agentKeys(ctx context.Context) ([]ssh.Signer, func(), error) {
	socket := h.Agent
	if socket == "" {
		socket = os.Getenv("SSH_AUTH_SOCK")
	}
	if socket == "" || socket == "none" {
		return nil, func() {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*h.timeout()) // to list, and later to sign
	c, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		cancel()
		return nil, func() {}, fmt.Errorf("agent: %w", err)
	}
	context.AfterFunc(ctx, func() { c.Close() })
	keys, err := agent.NewClient(c).Signers()
	if err != nil {
		cancel()
		return nil, func() {}, fmt.Errorf("agent: %w", err)
	}
	return keys, cancel, nil
}

// signer finds the agent's key with this public half; nil if there is none.
func signer(held []ssh.Signer, public ssh.PublicKey) ssh.Signer {
	for _, s := range held {
		if public != nil && bytes.Equal(s.PublicKey().Marshal(), public.Marshal()) {
			return s
		}
	}
	return nil
}

// loadKey reads KeyFile. A public key picks one of the agent's. An encrypted key without a passphrase is used through
// the agent when the agent holds it. The cause of a failed decryption is left
// out: it says nothing more and stands too near to the secret. Once opened, an
// encrypted key is kept, so that dialling anew asks nobody.
func (h *Host) loadKey(held []ssh.Signer) (ssh.Signer, error) {
	h.mu.Lock()
	key := h.unlocked
	h.mu.Unlock()
	if key != nil {
		return key, nil
	}
	data, err := os.ReadFile(h.KeyFile)
	if err != nil {
		return nil, h.fail("log in", ErrAuth, "the key file cannot be read; check Host.KeyFile", err)
	}
	if public, _, _, _, err := ssh.ParseAuthorizedKey(data); err == nil {
		if key := signer(held, public); key != nil {
			return key, nil
		}
		return nil, h.fail("log in", ErrAuth, fmt.Sprintf("key file %s is a public key, and no SSH agent holds the private one: load it with ssh-add, or name the private key's file", h.KeyFile), nil)
	}
	key, err = ssh.ParsePrivateKey(data)
	locked := (*ssh.PassphraseMissingError)(nil)
	switch {
	case err == nil:
		return key, nil
	case !errors.As(err, &locked):
		return nil, h.fail("log in", ErrAuth, fmt.Sprintf("key file %s is not a private key in OpenSSH or PEM form", h.KeyFile), nil)
	}
	if h.Passphrase == nil {
		if key := signer(held, locked.PublicKey); key != nil {
			return key, nil
		}
		return nil, h.fail("log in", ErrAuth, fmt.Sprintf("key file %s is encrypted with a passphrase: load it into an SSH agent with ssh-add", h.KeyFile), nil)
	}
	phrase, err := h.Passphrase(h.KeyFile)
	if err != nil {
		return nil, h.fail("log in", ErrAuth, fmt.Sprintf("no passphrase for key file %s", h.KeyFile), err)
	}
	key, err = ssh.ParsePrivateKeyWithPassphrase(data, phrase)
	if err != nil {
		return nil, h.fail("log in", ErrAuth, fmt.Sprintf("the passphrase does not open key file %s", h.KeyFile), nil)
	}
	h.mu.Lock()
	h.unlocked = key
	h.mu.Unlock()
	return key, nil
}
