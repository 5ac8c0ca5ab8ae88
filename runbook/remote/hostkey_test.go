package remote

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func newKey(t testing.TB) ssh.PublicKey {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func text(k ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) }

func TestKnownHosts(t *testing.T) {
	a, b, ca := newKey(t), newKey(t), newKey(t)
	tests := []struct {
		name  string
		lines string
		addr  string
		key   ssh.PublicKey
		want  error
		text  string // in the error
	}{
		{"known", "image.example " + text(a), "image.example:22", a, nil, ""},
		{"one of several", "image.example " + text(b) + "\nimage.example,10.0.0.1 " + text(a), "10.0.0.1:22", a, nil, ""},
		{"upper case", "Image.Example " + text(a), "image.example:22", a, nil, ""},
		{"port", "[image.example]:2222 " + text(a), "image.example:2222", a, nil, ""},
		{"port written out", "[image.example]:22 " + text(a), "image.example:22", a, nil, ""},
		{"other port", "image.example " + text(a), "image.example:2222", a, ErrHostUnknown, "[image.example]:2222 ssh-ed25519"},
		{"IPv6", "[::1]:2222 " + text(a), "[::1]:2222", a, nil, ""},
		{"hashed", knownhosts.HashHostname("image.example") + " " + text(a), "image.example:22", a, nil, ""},
		{"hashed with port", knownhosts.HashHostname("[image.example]:2222") + " " + text(a), "image.example:2222", a, nil, ""},
		{"hashed, other host", knownhosts.HashHostname("other.example") + " " + text(a), "image.example:22", a, ErrHostUnknown, "not known"},
		{"pattern", "*.example,!bad.example " + text(a), "image.example:22", a, nil, ""},
		{"negated", "*.example,!bad.example " + text(a), "bad.example:22", a, ErrHostUnknown, "not known"},
		{"changed", "# comment\n\nimage.example " + text(a), "image.example:22", b, ErrHostChanged, "known_hosts:3), known"},
		{"changed, what is shown", "image.example " + text(a), "image.example:22", b, ErrHostChanged, "presents ssh-ed25519 " + ssh.FingerprintSHA256(b)},
		{"changed, what is known", "image.example " + text(a), "image.example:22", b, ErrHostChanged, "known is ssh-ed25519 " + ssh.FingerprintSHA256(a)},
		{"revoked", "image.example " + text(a) + "\n@revoked * " + text(a), "image.example:22", a, ErrHostKey, "known_hosts:2"},
		{"revoked for another", "image.example " + text(a) + "\n@revoked other " + text(a), "image.example:22", a, ErrHostKey, "@revoked"},
		{"authority only", "@cert-authority *.example " + text(ca), "image.example:22", a, ErrHostUnknown, "certificates are not supported"},
		{"authority's own key", "@cert-authority *.example " + text(ca), "image.example:22", ca, ErrHostUnknown, "certificates are not supported"},
		{"authority and key", "@cert-authority *.example " + text(ca) + "\nimage.example " + text(a), "image.example:22", a, nil, ""},
		{"bad lines before", "what\nimage.example ssh-ed25519 !!!\nimage.example ssh-new AAAA\n@what image.example " + text(b) + "\nimage.example " + text(a), "image.example:22", a, nil, ""},
		{"empty", "", "image.example:22", a, ErrHostUnknown, ssh.FingerprintSHA256(a)},
		{"CRLF", "image.example " + text(a) + " comment\r\n", "image.example:22", a, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "known_hosts")
			if err := os.WriteFile(file, []byte(tt.lines), 0o600); err != nil {
				t.Fatal(err)
			}
			h := &Host{Addr: tt.addr, KnownHosts: []string{file + ".none", file}}
			keys, err := h.loadHostKeys(t.Context(), tt.addr)
			if err != nil {
				t.Fatal(err)
			}
			err = keys.check(tt.key)
			want := strings.ReplaceAll(tt.text, "), known", ")")
			if !errors.Is(err, tt.want) || err != nil && (!errors.Is(err, ErrHostKey) || !strings.Contains(err.Error(), want)) {
				t.Errorf("check: %v\nwant %v with %q", err, tt.want, want)
			}
			// What the library's own reader accepts, we accept too.
			if check, err2 := knownhosts.New(file); err2 == nil && tt.name != "authority's own key" {
				host, _, _ := net.SplitHostPort(tt.addr)
				if ok := check(tt.addr, &net.TCPAddr{IP: net.ParseIP(host)}, tt.key) == nil; ok && err != nil {
					t.Errorf("knownhosts accepts, we say: %v", err)
				}
			}
		})
	}
}

func TestPinnedHostKey(t *testing.T) {
	a, b := newKey(t), newKey(t)
	h := &Host{Addr: "x", HostKey: text(b) + " comment\n" + text(a) + "\n", KnownHosts: []string{"/none"}}
	keys, err := h.loadHostKeys(t.Context(), "x:22")
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.check(a); err != nil {
		t.Error(err)
	}
	if err := keys.check(newKey(t)); !errors.Is(err, ErrHostChanged) || !strings.Contains(err.Error(), "Host.HostKey") {
		t.Errorf("check of another: %v, want ErrHostChanged", err)
	}
	for _, bad := range []string{"x", "ssh-ed25519", text(a) + "\nssh-rsa AAAA"} {
		h.HostKey = bad
		if _, err := h.loadHostKeys(t.Context(), "x:22"); !errors.Is(err, ErrInvalid) {
			t.Errorf("HostKey %q: %v, want ErrInvalid", bad, err)
		}
	}
}

func TestHostKeyAlgorithms(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	algs := (&hostKeys{known: []knownKey{{key: key}, {key: newKey(t)}}}).algorithms()
	if want := []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoED25519}; !slices.Equal(algs[:3], want) {
		t.Errorf("algorithms %v, want first %v", algs, want)
	}
	for _, a := range algs {
		if strings.Contains(a, "cert") || a == ssh.KeyAlgoRSA {
			t.Errorf("%s is offered", a)
		}
	}
}

func FuzzKnownHosts(f *testing.F) {
	key := newKey(f)
	f.Add("image.example " + text(key))
	f.Add("@revoked * " + text(key))
	f.Add(knownhosts.HashHostname("image.example") + " " + text(key))
	f.Add("|1||\n|1|a|b ssh-rsa\n!,* x y")
	f.Fuzz(func(t *testing.T, data string) {
		lines := strings.Count(data, "\n") + 1
		keys, skipped := parseKnownHosts([]byte(data), "f", "image.example:22")
		if len(keys)+len(skipped) > lines {
			t.Errorf("%d keys and %d skipped from %d lines", len(keys), len(skipped), lines)
		}
		// A line of ours behind anything is always found.
		keys, _ = parseKnownHosts([]byte(data+"\n"+knownhosts.Line([]string{"image.example:22"}, key)+"\n"), "f", "image.example:22")
		where := fmt.Sprintf("f:%d", lines+1)
		if !slices.ContainsFunc(keys, func(k knownKey) bool { return k.where == where }) {
			t.Errorf("own line not found behind %q", data)
		}
	})
}

func FuzzWildcard(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 20 || len(s) > 20 {
			return
		}
		if got, want := wildcard(pattern, s), slowWildcard(pattern, s); got != want {
			t.Errorf("wildcard(%q, %q) = %v, want %v", pattern, s, got, want)
		}
	})
}

// slowWildcard is the definition.
func slowWildcard(p, s string) bool {
	switch {
	case p == "":
		return s == ""
	case p[0] == '*':
		return slowWildcard(p[1:], s) || s != "" && slowWildcard(p, s[1:])
	case s == "":
		return false
	}
	return (p[0] == '?' || p[0] == s[0]) && slowWildcard(p[1:], s[1:])
}
