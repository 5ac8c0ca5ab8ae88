package systemimagetest

import (
	"bytes"
	"crypto"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// The server's keys, in the order of the chain of trust: each keyring is
// signed by the key named here. The blacklist has a keyring and no key.
var keyChain = []struct {
	name, signedBy string
	years          int // until the keyring expires; 0 is never
}{
	{"archive-master", "archive-master", 0},
	{"image-master", "archive-master", 0},
	{"image-signing", "image-master", 2},
	{"device-signing", "image-signing", 1},
	{"blacklist", "image-master", 0},
}

const (
	keysDir     = "secret/gpg/keys"
	keyringsDir = "secret/gpg/keyrings"
	keyFile     = "private.asc"
)

// A signer makes detached signatures with one key.
type signer struct{ entity *openpgp.Entity }

// The curve is the one that signs and verifies fastest: a test does both some
// thousand times.
var signConfig = packet.Config{Algorithm: packet.PubKeyAlgoECDSA, Curve: packet.CurveNistP256, DefaultHash: crypto.SHA512}

// newKey makes a key that is valid from a day before now, so that a
// clock that is a little behind accepts what it signs.
func newKey(name string, now time.Time, life time.Duration) (*signer, error) {
	c := signConfig
	c.Time = func() time.Time { return now.Add(-24 * time.Hour) }
	c.KeyLifetimeSecs = uint32(life / time.Second)
	e, err := openpgp.NewEntity(name, "", name+"@example.net", &c)
	if err != nil {
		return nil, err
	}
	// Only signing is asked of these keys.
	e.Subkeys = nil
	return &signer{e}, nil
}

func (s *signer) save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PrivateKeyType, nil)
	if err != nil {
		return err
	}
	if err := s.entity.SerializePrivateWithoutSigning(w, nil); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return createFile(filepath.Join(dir, keyFile), b.Bytes(), 0o600)
}

func readKey(text []byte) (*signer, error) {
	l, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if len(l) == 0 {
		return nil, errors.New("no key")
	}
	return &signer{l[0]}, nil
}

// signature is the armored detached signature of data.
func (s *signer) signature(data []byte, now time.Time) ([]byte, error) {
	c := signConfig
	c.Time = func() time.Time { return s.since(now) }
	var b bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&b, s.entity, bytes.NewReader(data), &c); err != nil {
		return nil, err
	}
	return append(b.Bytes(), '\n'), nil
}

// public is the key as it stands in a keyring.
func (s *signer) public() ([]byte, error) {
	var b bytes.Buffer
	err := s.entity.Serialize(&b)
	return b.Bytes(), err
}

// keyringTarball is the tarball of a keyring: its type, its expiry and its keys.
func keyringTarball(name string, key []byte, expiry, mtime time.Time) ([]byte, error) {
	meta := object{"type": name}
	if !expiry.IsZero() {
		meta["expiry"] = int(expiry.Unix())
	}
	return packXZ([]member{
		{name: "keyring.json", mode: 0o644, data: encodeJSON(meta)},
		{name: "keyring.gpg", mode: 0o644, data: key},
	}, mtime)
}

// createKeys makes the keys and keyrings of a new server below root and
// publishes the keyrings under www/gpg.
func createKeys(root string, now time.Time) error {
	keys := map[string]*signer{}
	for _, k := range keyChain {
		var public []byte
		if k.name != "blacklist" {
			s, err := newKey(k.name, now, 0)
			if err != nil {
				return err
			}
			keys[k.name] = s
			if err := s.save(filepath.Join(root, keysDir, k.name)); err != nil {
				return err
			}
			if public, err = s.public(); err != nil {
				return err
			}
		}
		var expiry time.Time
		if k.years > 0 {
			expiry = now.AddDate(k.years, 0, 0)
		}
		tarball, err := keyringTarball(k.name, public, expiry, now)
		if err != nil {
			return err
		}
		sig, err := keys[k.signedBy].signature(tarball, now)
		if err != nil {
			return err
		}
		for _, dir := range []string{keyringsDir, "www/gpg"} {
			if dir == "www/gpg" && k.name == "device-signing" {
				continue // published per device, beside its index
			}
			path := filepath.Join(root, dir, k.name+".tar.xz")
			if err := writeFile(path, tarball); err != nil {
				return err
			}
			if err := writeFile(path+".asc", sig); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeFile writes a file and the folders above it.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return createFile(path, data, 0o644)
}

// signFile signs path into destination, with the server's own refusals.
func (p *process) signFile(path, destination string) error {
	const key = "image-signing"
	dir := strings.TrimSuffix(p.conf.KeyPath, "/") + "/" + key
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return raise("IndexError", "Invalid GPG key name '%s'.", key)
	}
	data, err := readFile(path)
	if err != nil {
		return raise("Exception", "Invalid path '%s'.", path)
	}
	if _, err := os.Lstat(destination); err == nil {
		return raise("Exception", "Destination already exists: %s", destination)
	}
	if strings.HasSuffix(path, ".tar.xz") {
		p.payloads++
		if err := p.reach(Unsigned); err != nil {
			return err
		}
	}
	s := p.sign[key]
	if s == nil {
		if s, err = p.key(filepath.Join(dir, keyFile)); err != nil {
			return raise("IndexError", "list index out of range")
		}
		p.sign[key] = s
	}
	p.debug("Signing file: %s", destination)
	if s.expired(p.now()) {
		// The real program has opened the destination by now: an empty file stays.
		if err := createFile(destination, nil, 0o644); err != nil {
			return err
		}
		return raise("gpg.errors.InvalidSigners", "%s: No secret key", s.entity.PrimaryKey.KeyIdString())
	}
	sig, err := s.signature(data, p.now())
	if err != nil {
		return raise("gpg.errors.GPGMEError", "gpgme_op_sign: GPGME: %v", err)
	}
	return createFile(destination, sig, 0o644)
}

// since is now, or the time that the key was made at if that is later: a test
// with a clock of its own can be behind the world's.
func (s *signer) since(now time.Time) time.Time {
	if made := s.entity.PrimaryKey.CreationTime; now.Before(made) {
		return made
	}
	return now
}

func (s *signer) expired(now time.Time) bool {
	id := s.entity.PrimaryIdentity()
	return id == nil || s.entity.PrimaryKey.KeyExpired(id.SelfSignature, s.since(now))
}
