package remote

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// A knownKey is one line about the host.
type knownKey struct {
	key    ssh.PublicKey
	marker string // "", "revoked" or "cert-authority"
	where  string // file:line, or Host.HostKey
}

func (k knownKey) String() string {
	return fmt.Sprintf("%s %s (%s)", k.key.Type(), ssh.FingerprintSHA256(k.key), k.where)
}

// hostKeys decides about the key that a host presents.
type hostKeys struct {
	addr    string // host:port
	known   []knownKey
	revoked []knownKey
	ca      []knownKey
	add     string // where a new line belongs
}

// loadHostKeys collects what is known about addr.
func (h *Host) loadHostKeys(ctx context.Context, addr string) (*hostKeys, error) {
	k := &hostKeys{addr: addr}
	var all []knownKey
	if h.HostKey != "" {
		k.add = "Host.HostKey"
		for i, line := range strings.Split(strings.TrimSpace(h.HostKey), "\n") {
			key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
			if err != nil {
				return nil, &Error{Op: "dial", Host: h.Addr, Kind: ErrInvalid, Text: fmt.Sprintf("line %d of Host.HostKey is not a public key in authorized_keys form", i+1), Err: err}
			}
			all = append(all, knownKey{key: key, where: "Host.HostKey"})
		}
	} else {
		files, err := h.knownHosts()
		if err != nil {
			return nil, err
		}
		k.add = files[0]
		for _, file := range files {
			data, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) {
				continue // as ssh does: nothing is known yet
			}
			if err != nil {
				return nil, &Error{Op: "dial", Host: h.Addr, Kind: ErrHostKey, Text: "known hosts cannot be read", Err: err}
			}
			keys, skipped := parseKnownHosts(data, file, addr)
			for _, s := range skipped {
				h.log(ctx, "line of known_hosts skipped", "line", s)
			}
			all = append(all, keys...)
		}
	}
	for _, l := range all {
		switch l.marker {
		case "revoked":
			k.revoked = append(k.revoked, l)
		case "cert-authority":
			k.ca = append(k.ca, l)
		default:
			k.known = append(k.known, l)
		}
	}
	return k, nil
}

// parseKnownHosts returns the lines of a known_hosts file that concern addr,
// and every revoked key, whatever host it is written for: a key known to be in
// wrong hands is good for none. Lines that cannot be read are skipped, as ssh
// does, and listed: they may hold newer key types and must not lock us out.
func parseKnownHosts(data []byte, file, addr string) (keys []knownKey, skipped []string) {
	names := hostNames(addr)
	scan := bufio.NewScanner(bytes.NewReader(data))
	scan.Buffer(nil, len(data)+1)
	for n := 1; scan.Scan(); n++ {
		line := bytes.TrimSpace(scan.Bytes())
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		where := fmt.Sprintf("%s:%d", file, n)
		marker, patterns, key, _, _, err := ssh.ParseKnownHosts(line)
		if err != nil {
			skipped = append(skipped, where)
			continue
		}
		if marker == "revoked" || slices.ContainsFunc(names, func(name string) bool { return matchHost(patterns, name) }) {
			keys = append(keys, knownKey{key, marker, where})
		}
	}
	return keys, skipped
}

// hostNames returns the forms in which host:port is written in known_hosts:
// the bare name for port 22, else [name]:port.
func hostNames(addr string) []string {
	names := []string{knownhosts.Normalize(addr)}
	if host, port, _ := net.SplitHostPort(addr); port == "22" {
		names = append(names, "["+host+"]:22")
	}
	return names
}

// matchHost reports whether the host patterns of one line fit name: at least
// one does and no negated one.
func matchHost(patterns []string, name string) bool {
	match := false
	for _, p := range patterns {
		switch {
		case strings.HasPrefix(p, "|1|"):
			match = match || matchHashed(p, name)
		case strings.HasPrefix(p, "!"):
			if wildcard(strings.ToLower(p[1:]), name) {
				return false
			}
		default:
			match = match || wildcard(strings.ToLower(p), name)
		}
	}
	return match
}

// matchHashed compares with |1|salt|HMAC-SHA1(salt, name), what ssh writes
// under HashKnownHosts.
func matchHashed(pattern, name string) bool {
	part := strings.Split(pattern, "|")
	if len(part) != 4 {
		return false
	}
	salt, err1 := base64.StdEncoding.DecodeString(part[2])
	sum, err2 := base64.StdEncoding.DecodeString(part[3])
	if err1 != nil || err2 != nil {
		return false
	}
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte(name))
	return hmac.Equal(mac.Sum(nil), sum)
}

// wildcard matches * and ?, with no other character special. It steps back to
// the last star only, so its time is bounded by len(pattern)*len(s).
func wildcard(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// algorithms returns the host key algorithms to offer: those of the known keys
// first, so that the host presents a key we can check although it has others;
// then the rest, so that a host with none of them is refused by its
// fingerprint instead of by a failed negotiation. Certificates are not offered.
func (k *hostKeys) algorithms() []string {
	var algs []string
	add := func(types ...string) {
		for _, t := range types {
			if !slices.Contains(algs, t) {
				algs = append(algs, t)
			}
		}
	}
	for _, l := range k.known {
		if t := l.key.Type(); t == ssh.KeyAlgoRSA {
			add(ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256) // never SHA-1
		} else {
			add(t)
		}
	}
	add(ssh.KeyAlgoED25519) // the one whose fingerprint people have at hand
	for _, a := range ssh.SupportedAlgorithms().HostKeys {
		if !strings.Contains(a, "-cert-") {
			add(a)
		}
	}
	return algs
}

// check accepts a known key that is not revoked and explains every refusal.
func (k *hostKeys) check(key ssh.PublicKey) error {
	same := func(l knownKey) bool { return bytes.Equal(l.key.Marshal(), key.Marshal()) }
	shown := key.Type() + " " + ssh.FingerprintSHA256(key)
	if i := slices.IndexFunc(k.revoked, same); i >= 0 {
		return k.refuse(ErrHostKey, fmt.Sprintf("the host presents %s, which is marked @revoked in %s: do not connect; ask who runs the host for its new key", shown, k.revoked[i].where))
	}
	if slices.ContainsFunc(k.known, same) {
		return nil
	}
	line := knownhosts.Line([]string{k.addr}, key)
	switch {
	case len(k.known) > 0:
		var want []string
		for _, l := range k.known {
			want = append(want, l.String())
		}
		return k.refuse(ErrHostChanged, fmt.Sprintf("the host key has changed: the host presents %s, known is %s; someone may be in between. If the host got a new key, compare the fingerprint with one read on the host itself, then replace what is known by: %s", shown, strings.Join(want, ", "), line))
	case len(k.ca) > 0:
		return k.refuse(ErrHostUnknown, fmt.Sprintf("only a @cert-authority is known for the host (%s) and host certificates are not supported; the host presents %s: compare this fingerprint with one read on the host itself, then add to %s: %s", k.ca[0].where, shown, k.add, line))
	}
	return k.refuse(ErrHostUnknown, fmt.Sprintf("the host key is not known: the host presents %s; compare this fingerprint with one read on the host itself, then add to %s: %s", shown, k.add, line))
}

func (k *hostKeys) refuse(kind error, text string) error {
	return &Error{Op: "check the host key", Host: k.addr, Kind: kind, Text: text}
}
