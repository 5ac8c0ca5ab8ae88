package unpack_test

import (
	"archive/tar"
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/landingteam/landing/systemimage/internal/unpack"
)

func pack(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := xz.WriterConfig{DictCap: 64 << 10}.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func archive(t testing.TB) []byte {
	t.Helper()
	noise := make([]byte, 70<<10) // more than one chunk of LZMA2
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, data := range map[string][]byte{"noise": noise, "text": []byte(strings.Repeat("the same again ", 900)), "empty": nil} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCheck(t *testing.T) {
	data := archive(t)
	good := pack(t, data)
	size := int64(len(data))
	half := len(data) / 2
	twoStreams := append(append(pack(t, data[:half]), 0, 0, 0, 0), pack(t, data[half:])...)
	hungry := bytes.Clone(good)
	hungry[12+4] = 40 // properties of LZMA2: a dictionary of 4 GiB
	for _, tt := range []struct {
		name string
		file []byte
		most int64
		want string // part of the error; empty for none
	}{
		{"good", good, size, ""},
		{"two streams with padding", twoStreams, size, ""},
		{"a byte too large", good, size - 1, "too large when unpacked"},
		{"dictionary", hungry, size, "dictionary of more than 64 MiB"},
		{"an archive of nothing", pack(t, nil), size, "has no end"},
		{"an archive without its end", pack(t, data[:len(data)-1024]), size, "has no end"},
		{"nothing", nil, size, "no xz stream"},
		{"text", []byte("<html>"), size, "no xz stream"},
		{"rubbish behind it", append(bytes.Clone(good), "rubbish"...), size, "no xz stream"},
		{"half of two streams", twoStreams[:len(pack(t, data[:half]))], size, "too early"},
	} {
		err := unpack.Check(bytes.NewReader(tt.file), tt.most)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	for n := 1; n < len(good); n += 1 + n/10 {
		if err := unpack.Check(bytes.NewReader(good[:len(good)-n]), size); err == nil {
			t.Errorf("cut by %d bytes: no error", n)
		}
	}
	for range 60 {
		bad := bytes.Clone(good)
		at := rand.IntN(len(bad))
		bad[at] ^= 1 << rand.IntN(8)
		if unpack.Check(bytes.NewReader(bad), size) == nil {
			t.Errorf("bit of byte %d turned: no error", at)
		}
	}
}

func FuzzCheck(f *testing.F) {
	data := pack(f, []byte("data"))
	f.Add(data)
	f.Add(append(data, data...))
	f.Fuzz(func(t *testing.T, file []byte) {
		const most = 1 << 20
		_ = unpack.Check(bytes.NewReader(file), most)
		r, err := unpack.XZ(bytes.NewReader(file), most)
		if err != nil {
			return
		}
		if n, _ := io.Copy(io.Discard, r); n > most {
			t.Fatalf("%d bytes, allowed are %d", n, most)
		}
	})
}
