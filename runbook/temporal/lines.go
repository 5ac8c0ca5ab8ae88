package temporal

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
)

// maxUnpacked bounds what a page or a snapshot of lines unpacks to.
const maxUnpacked = 256 << 20

// pack makes one blob of lines, which end with a newline and have none within.
func pack(lines [][]byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for _, l := range lines {
		if _, err := z.Write(append(l[:len(l):len(l)], '\n')); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}

// unpack takes a blob of pack apart.
func unpack(b []byte) ([][]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxUnpacked:
		return nil, errors.New("more lines than a journal has")
	case len(text) == 0:
		return nil, nil
	case text[len(text)-1] != '\n':
		return nil, errors.New("the last line has no end")
	}
	return bytes.Split(text[:len(text)-1], []byte{'\n'}), nil
}
