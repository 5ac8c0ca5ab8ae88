package systemimagetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"time"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// A member is one entry of a tarball.
type member struct {
	name string
	mode int64
	kind byte   // tar's type flag; 0 is a regular file
	link string // target of a link
	data []byte
}

// writeTar makes a tarball. Every entry carries the same time, so that equal
// worlds have equal payloads.
func writeTar(w io.Writer, members []member, mtime time.Time) error {
	t := tar.NewWriter(w)
	for _, m := range members {
		h := &tar.Header{
			Name: m.name, Mode: m.mode, Typeflag: m.kind, Linkname: m.link, Size: int64(len(m.data)),
			ModTime: mtime.Truncate(time.Second), Uname: "root", Gname: "root", Format: tar.FormatGNU,
		}
		if m.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(m.data); err != nil {
			return err
		}
	}
	return t.Close()
}

func readTar(r io.Reader) ([]member, error) {
	var members []member
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return members, nil
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(t)
		if err != nil {
			return nil, err
		}
		members = append(members, member{h.Name, h.Mode, h.Typeflag, h.Linkname, data})
	}
}

func packXZ(members []member, mtime time.Time) ([]byte, error) {
	var b bytes.Buffer
	if err := writeTar(&b, members, mtime); err != nil {
		return nil, err
	}
	return storeXZ(b.Bytes()), nil
}

func unpackXZ(data []byte) ([]member, error) {
	r, err := xz.ReaderConfig{DictCap: lzma.MinDictCap}.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return readTar(r)
}

func packGZ(members []member, mtime time.Time) ([]byte, error) {
	var b bytes.Buffer
	if err := writeTar(&b, members, mtime); err != nil {
		return nil, err
	}
	return storeGZ(b.Bytes()), nil
}

func unpackGZ(data []byte) ([]member, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return readTar(r)
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
