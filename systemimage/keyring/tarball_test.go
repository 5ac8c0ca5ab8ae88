package keyring

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ulikunitz/xz"
)

type member struct {
	name, data string
	kind       byte // plain file if 0
}

func tarXZ(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := xz.WriterConfig{DictCap: 1 << 16}.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.data)), Typeflag: m.kind}
		if m.kind == tar.TypeSymlink {
			h.Linkname, h.Size, m.data = m.data, 0, ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// ring is the keyring.gpg of a vector.
func ring(t testing.TB, name string) string {
	t.Helper()
	_, data, err := Policy{}.unpack(readFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestParse(t *testing.T) {
	const one = "157443A5563166A7C9EF905F564FB5ED0591F227"
	const two = "1080040EB33171A3D7478B453BA42627140F0F72"
	for _, tt := range []struct {
		name string
		want []string
	}{
		{"ring-one", []string{one}},
		{"ring-two", []string{one, two}},
		{"ring-classic", []string{one, two}}, // with trust packets
		{"ring-keybox", []string{one, two}},
		{"ring-sub", []string{"D2F8090AFC81E0A93A398EDD70D689C653F2D697"}},
		{"ring-revoked", []string{"30FBF4AE829D824258EDC6D7D52CF950C61CBC8C"}},
	} {
		k := parseFile(t, "keyrings/"+tt.name+".tar.xz")
		if got := k.Fingerprints(); k.Type != ImageSigning || !cmp.Equal(got[:len(tt.want)], tt.want) {
			t.Errorf("%s: %s %v, want image-signing %v", tt.name, k.Type, got, tt.want)
		}
		for _, key := range k.keys {
			if key.unusable != nil {
				t.Errorf("%s: key %s: %v", tt.name, key.fingerprint, key.unusable)
			}
		}
	}
}

func TestParseMetadata(t *testing.T) {
	gpg := ring(t, "keyrings/ring-one.tar.xz")
	never := time.Time{}
	mako, empty := "mako", ""
	for _, tt := range []struct {
		json   string
		expiry time.Time
		model  *string
		err    error
	}{
		{json: `{"type":"image-signing"}`, expiry: never},
		{json: `{"type":"image-signing","expiry":1700000000.5,"model":"mako"}`, expiry: time.Unix(1700000000, 5e8), model: &mako},
		{json: `{"type":"image-signing","expiry":0,"model":""}`, expiry: time.Unix(0, 0), model: &empty},
		{json: `{"type":"image-signing","expiry":-1e9}`, expiry: time.Unix(0, 0)},
		{json: `{"type":"image-signing","expiry":1e400}`, expiry: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
		{json: `{"type":"x","type":"image-signing"}`},
		{json: `{"Type":"image-signing"}`, err: ErrMalformed},
		{json: `{"type":null}`, err: ErrMalformed},
		{json: `{"type":1}`, err: ErrMalformed},
		{json: `{"type":"image-signing","expiry":true}`, err: ErrMalformed},
		{json: `{"type":"image-signing","model":1}`, err: ErrMalformed},
		{json: `{"type":"image-signing"} x`, err: ErrMalformed},
		{json: "\ufeff{\"type\":\"image-signing\"}", err: ErrMalformed},
		{json: "{\"type\":\"\xff\"}", err: ErrMalformed},
		{json: "null", err: ErrMalformed},
		{json: "", err: ErrMalformed},
	} {
		k, err := Parse(tarXZ(t, member{name: "keyring.json", data: tt.json}, member{name: "keyring.gpg", data: gpg}))
		if kind(t, err) != tt.err {
			t.Errorf("%s: %v, want %v", tt.json, err, tt.err)
			continue
		}
		if err == nil && (!k.Expiry.Equal(tt.expiry) || k.Type != ImageSigning || !cmp.Equal(k.Model, tt.model)) {
			t.Errorf("%s: %+v", tt.json, k)
		}
	}
}

func TestCheck(t *testing.T) {
	mako, empty := "mako", ""
	at := time.Unix(1000, 0)
	for _, tt := range []struct {
		k      Keyring
		device string
		want   error
	}{
		{Keyring{Type: ImageSigning}, "", nil},
		{Keyring{Type: ImageSigning, Expiry: at}, "", nil}, // expired only if before
		{Keyring{Type: ImageSigning, Expiry: at.Add(-1)}, "", ErrExpired},
		{Keyring{Type: ImageSigning, Model: &mako}, "mako", nil},
		{Keyring{Type: ImageSigning, Model: &mako}, "Mako", ErrModel},
		{Keyring{Type: ImageSigning, Model: &mako}, "", ErrModel},
		{Keyring{Type: ImageSigning, Model: &empty}, "", ErrModel},
		// All wrong: the order is type, model, expiry.
		{Keyring{Type: Blacklist, Model: &mako, Expiry: at.Add(-1)}, "flo", ErrWrongType},
		{Keyring{Type: ImageSigning, Model: &mako, Expiry: at.Add(-1)}, "flo", ErrModel},
	} {
		if err := tt.k.Check(ImageSigning, tt.device, at); kind(t, err) != tt.want {
			t.Errorf("%+v for %q: %v, want %v", tt.k, tt.device, err, tt.want)
		}
	}
}

func TestParseHostile(t *testing.T) {
	gpg := ring(t, "keyrings/ring-one.tar.xz")
	meta := member{name: "keyring.json", data: `{"type":"image-signing"}`}
	keys := member{name: "keyring.gpg", data: gpg}
	good := tarXZ(t, meta, keys)
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 1
	check := bytes.Clone(good)
	check[len(check)-30] ^= 1 // in the checksum or the index
	large := strings.Repeat("\x00", 2<<20)
	secret := string([]byte{0x80 | tagSecretKey<<2, 1, 4})
	for _, tt := range []struct {
		name string
		data []byte
		says string
	}{
		{"nothing", nil, "empty"},
		{"text", []byte("hello"), "no xz stream"},
		{"half", good[:len(good)/2], "too early"},
		{"trailing", append(bytes.Clone(good), "more"...), "no xz stream"},
		{"flipped", flipped, "tarball"},
		{"checksum", check, "tarball"},
		{"bomb", tarXZ(t, meta, keys, member{name: "zeros", data: large}), "too large when unpacked"},
		{"dictionary", hugeDictionary(good), "dictionary"},
		{"no json", tarXZ(t, keys), "no keyring.json"},
		{"no gpg", tarXZ(t, meta), "no keyring.gpg"},
		{"symlink", tarXZ(t, meta, member{"keyring.gpg", "/etc/passwd", tar.TypeSymlink}), "no plain file"},
		{"text in gpg", tarXZ(t, meta, member{name: "keyring.gpg", data: "-----BEGIN PGP PUBLIC KEY BLOCK-----"}), "no OpenPGP packet"},
		{"half a key", tarXZ(t, meta, member{name: "keyring.gpg", data: gpg[:200]}), "truncated packet"},
		{"only the packet of a key", tarXZ(t, meta, member{name: "keyring.gpg", data: gpg[:272]}), "no usable key"},
		{"starts in the middle", tarXZ(t, meta, member{name: "keyring.gpg", data: gpg[272:]}), "does not begin with a key"},
		{"secret key", tarXZ(t, meta, member{name: "keyring.gpg", data: gpg + secret}), "secret key"},
		{"keybox cut", tarXZ(t, meta, member{name: "keyring.gpg", data: ring(t, "keyrings/ring-keybox.tar.xz")[:100]}), "keybox"},
	} {
		k, err := Policy{MaxUnpacked: 1 << 20}.Parse(tt.data)
		if kind(t, err) != ErrMalformed || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, %v, want ErrMalformed that says %q", tt.name, k, err, tt.says)
		}
	}
	// Extra members and a second member of the same name are no harm.
	k, err := Parse(tarXZ(t, member{name: "keyring.gpg", data: "junk"}, meta, member{name: "README", data: "x"}, keys))
	if err != nil || len(k.Fingerprints()) != 1 {
		t.Errorf("extra members: %v, %v", k, err)
	}
	if _, err := (Policy{MaxUnpacked: 1000}).Parse(good); kind(t, err) != ErrMalformed {
		t.Errorf("1000 bytes unpacked: %v", err)
	}
	// An empty blacklist lists nobody and is fine; no other keyring may be empty.
	for typ, want := range map[Type]error{Blacklist: nil, ImageMaster: ErrMalformed} {
		_, err := Parse(tarXZ(t, member{name: "keyring.json", data: fmt.Sprintf(`{"type":%q}`, typ)}, member{name: "keyring.gpg"}))
		if kind(t, err) != want {
			t.Errorf("empty %s: %v, want %v", typ, err, want)
		}
	}
}

// hugeDictionary asks for 4 GiB in the header of the first block. Its checksum is not
// mended: nobody may get so far as to look at it.
func hugeDictionary(good []byte) []byte {
	data := bytes.Clone(good)
	i := bytes.Index(data, []byte{0x21, 1})
	data[i+2] = 40
	return data
}

// A bomb must be refused before it is unpacked.
func TestParseMemory(t *testing.T) {
	bomb := tarXZ(t, member{name: "keyring.json", data: `{"type":"blacklist"}`}, member{name: "zeros", data: strings.Repeat("\x00", 3<<20)})
	huge := hugeDictionary(bomb)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, data := range [][]byte{bomb, huge} {
		if _, err := (Policy{MaxUnpacked: 2 << 20}).Parse(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%v, want ErrMalformed", err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("refusing two bombs allocated %d bytes", n)
	}
}

// The root of UBports is real: RSA 2048 of 2015, self-signed over SHA-1, with trust
// packets. It stays outside of this repository.
func TestRealRoot(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "fixtures", "system-image-client", "ubports")
	tarball, err := os.ReadFile(filepath.Join(dir, "ubports-archive-master.tar.xz"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("not here: ubports-archive-master.tar.xz")
	}
	if err != nil {
		t.Fatal(err)
	}
	signature, err := os.ReadFile(filepath.Join(dir, "ubports-archive-master.tar.xz.asc"))
	if err != nil {
		t.Fatal(err)
	}
	chain, err := NewChain(tarball, "", Policy{})
	if err != nil {
		t.Fatal(err)
	}
	root := chain.Keyring(ArchiveMaster)
	if !root.Expiry.IsZero() || len(root.Fingerprints()) != 1 || !strings.HasSuffix(root.Fingerprints()[0], "1A30C7D6585E9E81") {
		t.Errorf("root %+v", root)
	}
	signer, err := Policy{}.Verify(bytes.NewReader(tarball), signature, now, nil, root)
	if err != nil || signer.Fingerprint != root.Fingerprints()[0] || signer.Time.Year() != 2017 {
		t.Errorf("signed by itself: %+v, %v", signer, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"keyrings/*.xz", "tree/gpg/*.xz"} {
		names, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil || len(names) == 0 {
			f.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := Policy{MaxUnpacked: 1 << 20}.Parse(data)
		if (err == nil) == (k == nil) {
			t.Fatalf("%v and %v", k, err)
		}
		if kind(t, err) == nil && err != nil {
			t.Fatalf("error without a kind: %v", err)
		}
	})
}

// FuzzKeys goes straight to the keys, which the fuzzer cannot reach through xz.
func FuzzKeys(f *testing.F) {
	for _, name := range []string{"ring-one", "ring-classic", "ring-keybox", "ring-sub", "ring-revoked", "ring-expkey"} {
		f.Add([]byte(ring(f, "keyrings/"+name+".tar.xz")))
	}
	data, signature := readFile(f, "files/data.json"), readFile(f, "files/v-good.asc")
	f.Fuzz(func(t *testing.T, gpg []byte) {
		keys, err := readKeys(gpg, false)
		if err != nil {
			return
		}
		k := &Keyring{Type: ImageSigning, keys: keys}
		if len(k.Fingerprints()) == 0 {
			t.Fatal("no key and no error")
		}
		if _, err := (Policy{}).Verify(bytes.NewReader(data), signature, now, nil, k); err != nil && kind(t, err) == nil {
			t.Fatalf("error without a kind: %v", err)
		}
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"type":"image-signing","expiry":1700000000,"model":"mako"}`))
	f.Add([]byte(`{"type":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		k := &Keyring{}
		if k.readMetadata(data) == nil && k.Expiry.Year() > 10000 {
			t.Fatalf("expiry %v", k.Expiry)
		}
	})
}
