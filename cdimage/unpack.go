package cdimage

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
)

var errHTML = errors.New("a page of HTML stands in the log's place")

// unpack tells a gzip stream by its first two bytes, because neither the name
// of a log nor what the server says about it can be trusted.
func unpack(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(2)
	if len(head) == 0 {
		if err == io.EOF {
			return b, nil
		}
		return nil, err
	}
	if len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, truncated(err)
		}
		return &gzipReader{z: z, first: true}, nil
	}
	if isHTML(b) {
		return nil, errHTML
	}
	return b, nil
}

// isHTML reports whether what follows begins like a web page.
func isHTML(b *bufio.Reader) bool {
	head, _ := b.Peek(512)
	head = bytes.ToLower(bytes.TrimLeft(head, " \t\r\n\ufeff"))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// gzipReader says of a stream that ends early that it is incomplete.
type gzipReader struct {
	z     *gzip.Reader
	first bool
}

func (g *gzipReader) Read(p []byte) (int, error) {
	n, err := g.z.Read(p)
	if g.first && n > 0 {
		g.first = false
		if isHTML(bufio.NewReader(bytes.NewReader(p[:n]))) {
			return 0, errHTML
		}
	}
	if err != nil && err != io.EOF {
		err = truncated(err)
	}
	return n, err
}

var errShortGzip = errors.New("the gzip stream ends early")

func truncated(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errShortGzip
	}
	return err
}

// kindOf maps what reading a log can fail with to a sentinel.
func kindOf(err error) error {
	switch {
	case errors.Is(err, errShortGzip):
		return ErrIncomplete
	case errors.Is(err, errHTML), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return ErrFormat
	}
	return nil
}
