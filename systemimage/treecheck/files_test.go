package treecheck_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ulikunitz/xz"

	"github.com/landingteam/landing/systemimage/systemimagetest"
	"github.com/landingteam/landing/systemimage/treecheck"
)

// A tarball that was damaged before it was signed has a fitting checksum and a good
// signature: only who unpacks it finds out.
func TestCheckUnpack(t *testing.T) {
	t.Parallel()
	const index = "ubuntu-touch/stable/meizu.en/arale/index.json"
	begin := systemimagetest.New(t, systemimagetest.SampleWorld())
	if err := begin.Freeze(); err != nil {
		t.Fatal(err)
	}
	good := read(t, filepath.Join(begin.Root(), "www"), payload(t, filepath.Join(begin.Root(), "www"), index, "version-"))
	flipped := bytes.Clone(good)
	flipped[len(flipped)/2] ^= 0x40
	for _, tt := range []struct {
		name string
		data []byte
		most int64
		want []string
	}{
		{"good", good, 0, nil},
		{"cut", good[:len(good)-20], 0, []string{"error damaged-tarball"}},
		{"empty", nil, 0, []string{"error damaged-tarball"}},
		{"a bit is another", flipped, 0, []string{"error damaged-tarball"}},
		{"a page", []byte("<html>not found</html>"), 0, []string{"error damaged-tarball"}},
		{"cut before it was compressed", pack(t, archive(t)[:1024]), 0, []string{"error damaged-tarball"}},
		{"cut within a member", pack(t, archive(t)[:700]), 0, []string{"error damaged-tarball"}},
		{"no archive", pack(t, bytes.Repeat([]byte("x"), 4096)), 0, []string{"error damaged-tarball"}},
		{"whole", pack(t, archive(t)), 0, nil},
		{"larger than allowed", pack(t, make([]byte, 1<<20)), 1 << 16, []string{"error damaged-tarball"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake, err := begin.Clone(systemimagetest.TempDir(t))
			if err != nil {
				t.Fatal(err)
			}
			www := filepath.Join(fake.Root(), "www")
			place := payload(t, www, index, "version-")
			write(t, www, place, string(tt.data))
			sign(t, fake, "image-signing", place)
			edit(t, www, index, func(x map[string]any) {
				for _, f := range images(x)[0]["files"].([]any) {
					if f := f.(map[string]any); f["path"] == place {
						f["size"], f["checksum"] = len(tt.data), fmt.Sprintf("%x", sha256.Sum256(tt.data))
					}
				}
			})
			sign(t, fake, "image-signing", index)
			if got := classes(t, fake.Client(), treecheck.Options{Checksums: true}); !cmp.Equal(got, sample) {
				t.Errorf("without unpacking: %q", got)
			}
			var want []string
			for _, class := range tt.want {
				want = append(want, class+" ubuntu-touch/stable/meizu.en arale")
			}
			want = append(want, sample...)
			if d := cmp.Diff(want, classes(t, fake.Client(), treecheck.Options{Unpack: true, MaxUnpacked: tt.most})); tt.most == 0 && d != "" {
				t.Errorf("findings (-want +got)\n%s", d)
			} else if got := classes(t, fake.Client(), treecheck.Options{Unpack: true, MaxUnpacked: tt.most}); tt.most != 0 && got[len(got)-3] != want[0] {
				t.Errorf("findings: %q", got)
			}
		})
	}
}

// archive is a tar archive with a file of one block.
func archive(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "system/version", Mode: 0o644, Size: 512}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 512)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pack(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := xz.NewWriter(&b)
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
