package unpack

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Check reads a .tar.xz to its end and says what is wrong with it: more than most
// bytes when unpacked, cut, damaged, no tar archive, or one that ends too early.
func Check(tarXZ io.Reader, most int64) error {
	unpacked, err := XZ(tarXZ, most)
	if err != nil {
		return tooEarly(err)
	}
	end := &tail{}
	text := io.TeeReader(unpacked, end)
	archive := tar.NewReader(text)
	for {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return tooEarly(err)
		}
		if _, err := io.Copy(io.Discard, archive); err != nil {
			return fmt.Errorf("%.80q: %w", h.Name, tooEarly(err))
		}
	}
	if _, err := io.Copy(io.Discard, text); err != nil { // the checksum of the compressed data comes last
		return tooEarly(err)
	}
	if !bytes.Equal(end.last[:], make([]byte, len(end.last))) || end.n < int64(len(end.last)) {
		return errors.New("the tar archive has no end: it was cut before it was compressed")
	}
	return nil
}

// tail remembers the last two blocks of an archive, which are zeros.
type tail struct {
	last [1024]byte
	n    int64
}

func (t *tail) Write(b []byte) (int, error) {
	t.n += int64(len(b))
	if len(b) >= len(t.last) {
		copy(t.last[:], b[len(b)-len(t.last):])
	} else {
		copy(t.last[:], t.last[len(b):])
		copy(t.last[len(t.last)-len(b):], b)
	}
	return len(b), nil
}
