package cdimage

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
)

var (
	errHTML   = errors.New("a page of HTML stands in the log's place")
	errLivefs = errors.New("a livefs log stands in the log's place")
)

// unpack gives the text of a log and refuses a web page in its place.
func unpack(r io.Reader) (io.Reader, error) {
	text, packed, err := gunzip(r)
	if err != nil {
		return nil, err
	}
	if isHTML(text) {
		return nil, errHTML
	}
	if packed {
		return readAhead(text), nil
	}
	return text, nil
}

// maxWrapped is how often a log may be compressed: a server may compress once
// more what is stored compressed.
const maxWrapped = 2

// gunzip tells a gzip stream by its first two bytes, because neither the name
// of a log nor what the server says about it can be trusted. packed reports
// whether it was one.
func gunzip(r io.Reader) (text *bufio.Reader, packed bool, err error) {
	b := bufio.NewReaderSize(r, 16<<10)
	for range maxWrapped {
		head, err := b.Peek(2)
		if err != nil && err != io.EOF {
			return nil, packed, err
		}
		if len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
			break
		}
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, true, truncated(err)
		}
		b, packed = bufio.NewReaderSize(shortGzip{z}, 16<<10), true
	}
	return b, packed, nil
}

// isHTML reports whether what follows begins like a web page.
func isHTML(b *bufio.Reader) bool {
	head, _ := b.Peek(512)
	head = bytes.ToLower(bytes.TrimLeft(head, " \t\r\n\ufeff"))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// shortGzip says of a stream that ends early that it is incomplete.
type shortGzip struct{ z *gzip.Reader }

func (g shortGzip) Read(p []byte) (int, error) {
	n, err := g.z.Read(p)
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
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, errShortGzip):
		return ErrIncomplete
	case errors.As(err, &corrupt), errors.Is(err, errHTML), errors.Is(err, errLivefs), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return ErrFormat
	}
	return nil
}
