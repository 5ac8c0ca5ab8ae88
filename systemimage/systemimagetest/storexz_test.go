package systemimagetest

import (
	"bytes"
	"io"
	"os/exec"
	"testing"

	"github.com/ulikunitz/xz"
)

func TestStoreXZ(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("xz")
	if err != nil {
		t.Log("no xz here: its own reader is not asked")
	}
	for _, n := range []int{0, 1, 2, 3, 4, 511, 4097, 1<<16 - 1, 1 << 16, 1<<16 + 1, 200_000} {
		want := bytes.Repeat([]byte("system-image\n"), n/13+1)[:n]
		packed := storeXZ(want)
		r, err := xz.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: read %d back, %v", n, len(got), err)
		}
		if program == "" {
			continue
		}
		cmd := exec.Command(program, "--decompress", "--stdout")
		cmd.Stdin = bytes.NewReader(packed)
		if got, err := cmd.Output(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: xz read %d back, %v", n, len(got), err)
		}
	}
}
