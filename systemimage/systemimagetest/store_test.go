package systemimagetest

import (
	"bytes"
	"compress/gzip"
	"io"
	"os/exec"
	"testing"

	"github.com/ulikunitz/xz"
)

func TestStore(t *testing.T) {
	t.Parallel()
	for _, format := range []struct {
		program string
		store   func([]byte) []byte
		reader  func(io.Reader) (io.Reader, error)
	}{
		{"gzip", storeGZ, func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
		{"xz", storeXZ, func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) }},
	} {
		program, err := exec.LookPath(format.program)
		if err != nil {
			t.Logf("no %s here: it is not asked", format.program)
		}
		for _, n := range []int{0, 1, 2, 3, 4, 511, 4097, 1<<16 - 2, 1<<16 - 1, 1 << 16, 1<<16 + 1, 200_000} {
			want := bytes.Repeat([]byte("system-image\n"), n/13+1)[:n]
			packed := format.store(want)
			r, err := format.reader(bytes.NewReader(packed))
			if err != nil {
				t.Fatalf("%s, %d bytes: %v", format.program, n, err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, %d bytes: read %d back, %v", format.program, n, len(got), err)
			}
			if program == "" {
				continue
			}
			cmd := exec.Command(program, "--decompress", "--stdout")
			cmd.Stdin = bytes.NewReader(packed)
			if got, err := cmd.Output(); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, %d bytes: it read %d back, %v", format.program, n, len(got), err)
			}
		}
	}
}
