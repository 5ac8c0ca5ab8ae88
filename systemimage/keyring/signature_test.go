package keyring

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

var made = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func config(at time.Time) *packet.Config {
	return &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, DefaultHash: crypto.SHA512, Time: func() time.Time { return at }}
}

func newKey(t testing.TB, c *packet.Config) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity("test", "", "test@example.net", c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// trusting is a keyring with these keys, through the form they have in a file.
func trusting(t testing.TB, typ Type, entities ...*openpgp.Entity) *Keyring {
	t.Helper()
	k, err := Parse(tarball(t, typ, entities...))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func tarball(t testing.TB, typ Type, entities ...*openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, e := range entities {
		if err := e.Serialize(&b); err != nil {
			t.Fatal(err)
		}
	}
	return tarXZ(t, member{name: "keyring.json", data: fmt.Sprintf(`{"type":%q}`, typ)}, member{name: "keyring.gpg", data: b.String()})
}

func sign(t testing.TB, e *openpgp.Entity, data string, c *packet.Config, text bool) []byte {
	t.Helper()
	var b bytes.Buffer
	err := openpgp.DetachSignWithParams(&b, []*openpgp.Entity{e}, strings.NewReader(data), &openpgp.SignParams{Config: c, TextSig: text})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func armored(t testing.TB, kind string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

func TestVerify(t *testing.T) {
	const data = "one\ntwo\n"
	key, stranger := newKey(t, config(made)), newKey(t, config(made))
	good := sign(t, key, data, config(made), false)
	bad := sign(t, key, "other", config(made), false)
	strange := sign(t, stranger, data, config(made), false)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

	life := config(made)
	life.SigLifetimeSecs = 3600
	keyLife := config(made)
	keyLife.KeyLifetimeSecs = 3600
	shortLived := newKey(t, keyLife)

	for _, tt := range []struct {
		name      string
		signature []byte
		at        time.Time
		ring      *openpgp.Entity
		policy    Policy
		want      error
	}{
		{"binary", good, now, key, Policy{}, nil},
		{"armored", armored(t, openpgp.SignatureType, good), now, key, Policy{}, nil},
		{"text mode", sign(t, key, data, config(made), true), now, key, Policy{}, nil},
		{"unknown packet around", join([]byte{0x80 | tagMarker<<2, 3, 'P', 'G', 'P'}, good), now, key, Policy{}, nil},
		{"bad, stranger, good", join(bad, strange, good), now, key, Policy{}, nil},
		{"good, bad", join(good, bad), now, key, Policy{}, nil},
		{"good, bad, every", join(good, bad), now, key, Policy{Every: true}, ErrSignature},
		{"bad, stranger", join(bad, strange), now, key, Policy{}, ErrSignature},
		{"stranger", strange, now, key, Policy{}, ErrUntrusted},
		{"same key id, no such key", good, now, stranger, Policy{}, ErrUntrusted},
		{"two blocks", join(armored(t, openpgp.SignatureType, good), armored(t, openpgp.SignatureType, good)), now, key, Policy{}, ErrMalformed},
		{"block of a key", armored(t, openpgp.PublicKeyType, good), now, key, Policy{}, ErrMalformed},
		{"many", bytes.Repeat(good, maxSignatures), now, key, Policy{}, nil},
		{"too many", bytes.Repeat(good, maxSignatures+1), now, key, Policy{}, ErrMalformed},
		{"large", bytes.Repeat([]byte("x"), maxSignatureFile+1), now, key, Policy{}, ErrMalformed},
		{"armored, text around", join([]byte("Hash: x\n\n"), armored(t, openpgp.SignatureType, good), []byte("bye\n")), now, key, Policy{}, nil},
		{"armored, in long lines", []byte("-----BEGIN PGP SIGNATURE-----\r\nVersion: 1\r\n\r\n" + base64.StdEncoding.EncodeToString(good)), now, key, Policy{}, nil},
		{"armored, with a wrong checksum", []byte("-----BEGIN PGP SIGNATURE-----\n\n" + base64.StdEncoding.EncodeToString(good) + "\n=AAAA\n"), now, key, Policy{}, ErrMalformed},
		{"armored, with a letter that is none", []byte("-----BEGIN PGP SIGNATURE-----\n\n!" + base64.StdEncoding.EncodeToString(good)), now, key, Policy{}, ErrMalformed},
		{"armored, headers alone", []byte("-----BEGIN PGP SIGNATURE-----\nVersion: 1"), now, key, Policy{}, ErrMalformed},
		{"armored, cut in its first line", []byte("-----BEGIN PGP "), now, key, Policy{}, ErrMalformed},
		{"armored, nothing in it", []byte("-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n"), now, key, Policy{}, ErrMalformed},
		{"cut", good[:len(good)-1], now, key, Policy{}, ErrMalformed},
		{"blanks", []byte(" \n\n"), now, key, Policy{}, ErrMalformed},
		{"expired signature", sign(t, key, data, life, false), made.Add(time.Hour + time.Second), key, Policy{}, ErrExpired},
		{"expiring signature", sign(t, key, data, life, false), made.Add(time.Hour), key, Policy{}, nil},
		{"clock a little behind", good, made.Add(-clockSkew), key, Policy{}, ErrSignature}, // the key is not made yet either
		{"signed soon", sign(t, key, data, config(now.Add(clockSkew)), false), now, key, Policy{}, nil},
		{"signed later", sign(t, key, data, config(now.Add(clockSkew+time.Second)), false), now, key, Policy{}, ErrSignature},
		{"signed later, allowed", sign(t, key, data, config(now.Add(10000*time.Hour)), false), now, key, Policy{Future: true}, nil},
		{"expired key", sign(t, shortLived, data, config(made), false), now, shortLived, Policy{}, ErrExpired},
		{"expired key, allowed", sign(t, shortLived, data, config(made), false), now, shortLived, Policy{ExpiredKeys: true}, nil},
		{"key in its time", sign(t, shortLived, data, config(made), false), made.Add(time.Minute), shortLived, Policy{}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ring := trusting(t, ImageSigning, tt.ring)
			signer, err := tt.policy.Verify(iotest.OneByteReader(strings.NewReader(data)), tt.signature, tt.at, nil, ring)
			if kind(t, err) != tt.want {
				t.Fatalf("%+v, %v, want %v", signer, err, tt.want)
			}
			if err == nil && (signer.Fingerprint != ring.Fingerprints()[0] || signer.Type != ImageSigning || signer.Subkey != "") {
				t.Errorf("signer %+v", signer)
			}
		})
	}
}

func TestSubkeys(t *testing.T) {
	const data = "data"
	key := newKey(t, config(made))
	if err := key.AddSigningSubkey(config(made)); err != nil {
		t.Fatal(err)
	}
	signature := sign(t, key, data, config(made.Add(time.Minute)), false)
	ring := trusting(t, ImageSigning, key)
	signer, err := Policy{}.Verify(strings.NewReader(data), signature, now, nil, ring)
	if err != nil || signer.Fingerprint != ring.Fingerprints()[0] || signer.Subkey == "" || signer.Subkey == signer.Fingerprint {
		t.Errorf("by a subkey: %+v, %v", signer, err)
	}
	// The blacklist names the primary key and stops its subkeys too.
	if _, err := (Policy{}).Verify(strings.NewReader(data), signature, now, trusting(t, Blacklist, key), ring); kind(t, err) != ErrBlacklisted {
		t.Errorf("subkey of a blacklisted key: %v", err)
	}
	for i := range key.Subkeys {
		if sub := &key.Subkeys[i]; sub.Bindings[0].Packet.FlagSign {
			if err := sub.Revoke(packet.KeyCompromised, "", config(made.Add(time.Hour))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := (Policy{}).Verify(strings.NewReader(data), signature, now, nil, trusting(t, ImageSigning, key)); kind(t, err) != ErrSignature {
		t.Errorf("by a revoked subkey: %v", err)
	}
}

func TestRevoked(t *testing.T) {
	const data = "data"
	key := newKey(t, config(made))
	signature := sign(t, key, data, config(made), false)
	clean := trusting(t, ImageSigning, key)
	if err := key.Revoke(packet.KeyRetired, "", config(made.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	revoked := trusting(t, DeviceSigning, key)
	for _, rings := range [][]*Keyring{{revoked}, {clean, revoked}, {revoked, clean}} {
		if _, err := (Policy{ExpiredKeys: true}).Verify(strings.NewReader(data), signature, now, nil, rings...); kind(t, err) != ErrSignature {
			t.Errorf("revoked in one of %d keyrings: %v", len(rings), err)
		}
	}
	if _, err := (Policy{}).Verify(strings.NewReader(data), signature, now, nil, nil, clean); err != nil {
		t.Errorf("not revoked: %v", err)
	}
}

func TestVerifyReadError(t *testing.T) {
	broken := errors.New("link lost")
	k := parseFile(t, "keyrings/ring-one.tar.xz")
	_, err := Policy{}.Verify(io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), readFile(t, "files/v-good.asc"), now, nil, k)
	if !errors.Is(err, broken) || errors.Is(err, ErrSignature) {
		t.Errorf("%v, want the reader's error", err)
	}
}

// Keyrings are shared between goroutines; run with -race.
func TestVerifyConcurrently(t *testing.T) {
	k := parseFile(t, "keyrings/ring-two.tar.xz")
	data, signature := readFile(t, "files/data.json"), readFile(t, "files/v-multi-good-good.asc")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := (Policy{}).Verify(bytes.NewReader(data), signature, now, nil, k); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func FuzzVerify(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("testdata", "files", "*.asc"))
	if err != nil || len(names) == 0 {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		if block, err := armor.Decode(bytes.NewReader(data)); err == nil {
			if body, err := io.ReadAll(block.Body); err == nil {
				f.Add(body)
			}
		}
	}
	data := readFile(f, "files/data.json")
	ring := parseFile(f, "keyrings/ring-two.tar.xz")
	trusted := ring.Fingerprints()
	f.Fuzz(func(t *testing.T, signature []byte) {
		signer, err := Policy{}.Verify(bytes.NewReader(data), signature, now, nil, ring)
		if err != nil && kind(t, err) == nil {
			t.Fatalf("error without a kind: %v", err)
		}
		if err == nil && signer.Fingerprint != trusted[0] && signer.Fingerprint != trusted[1] {
			t.Fatalf("signer %+v", signer)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	key := newKey(b, config(made))
	data := strings.Repeat("0123456789abcdef", 1<<20)
	signature := sign(b, key, data, config(made), false)
	ring := trusting(b, ImageSigning, key)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := (Policy{}).Verify(strings.NewReader(data), signature, now, nil, ring); err != nil {
			b.Fatal(err)
		}
	}
}

// That a signature was found good once speaks for the same data alone, and neither for
// another time nor against a blacklist.
func TestVerifyAgain(t *testing.T) {
	life := config(made)
	life.SigLifetimeSecs = 3600
	key := newKey(t, config(made))
	ring, black := trusting(t, ImageSigning, key), trusting(t, Blacklist, key)
	signature := sign(t, key, "data", life, false)
	soon, late := made.Add(time.Minute), made.Add(2*time.Hour)
	for _, tt := range []struct {
		name, data string
		at         time.Time
		black      *Keyring
		want       error
	}{
		{"first", "data", soon, nil, nil},
		{"again", "data", soon, nil, nil},
		{"other data", "date", soon, nil, ErrSignature},
		{"later", "data", late, nil, ErrExpired},
		{"blacklisted", "data", soon, black, ErrBlacklisted},
		{"at last", "data", soon, nil, nil},
	} {
		if _, err := (Policy{}).Verify(strings.NewReader(tt.data), signature, tt.at, tt.black, ring); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}
