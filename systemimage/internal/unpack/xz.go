package unpack

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// A header of a few bytes may ask for a dictionary of 4 GiB, and gets it.
const (
	maxDictionary   = 64 << 20  // what xz -9 asks for
	maxDictionaries = 512 << 20 // of all blocks, one after the other, beyond what is unpacked
)

// XZ returns what an .xz file holds. Reading fails when that is more than most
// bytes, when unpacking takes a dictionary of more than 64 MiB, and when the file
// is no .xz, is cut or damaged.
func XZ(file io.Reader, most int64) (io.Reader, error) {
	// Without a number here it takes 8 MiB for a dictionary, also where the file asks
	// for less; what the file asks for it takes in any case, so the guard looks first.
	return xz.ReaderConfig{DictCap: lzma.MinDictCap}.NewReader(&guard{file: bufio.NewReader(file), part: (*guard).stream, most: most})
}

// A guard hands an .xz file on, part by part, after looking at what each part
// asks for: the chunks of LZMA2 say beforehand how large they are unpacked. What
// is wrong otherwise is left to the decompressor.
type guard struct {
	file *bufio.Reader
	most int64

	part func(*guard) error // looks at the next part, and says how long it is
	pass int64              // bytes that may be handed on
	err  error

	streams                int
	checksum, packed       int   // bytes of the block's checksum, and of its data so far
	records                int64 // of the index, still to come
	indexed                int   // bytes of the index so far
	unpacked, dictionaries int64
}

// Read implements io.Reader.
func (g *guard) Read(b []byte) (int, error) {
	for g.pass == 0 && g.err == nil {
		g.err = g.part(g)
	}
	if g.pass == 0 {
		return 0, g.err
	}
	n, err := g.file.Read(b[:min(int64(len(b)), g.pass)])
	if g.pass -= int64(n); err != nil {
		g.pass, g.err = 0, tooEarly(err)
	}
	return n, g.err
}

var errTooEarly = errors.New("it ends too early")

// tooEarly puts the end of a file within its parts into words.
func tooEarly(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errTooEarly
	}
	return err
}

// head returns the next n bytes without taking them.
func (g *guard) head(n int) ([]byte, error) {
	b, err := g.file.Peek(n)
	return b, tooEarly(err)
}

// stream looks at the header of a stream, or the zeros between two.
func (g *guard) stream() error {
	if zeros, err := g.file.Peek(4); err == nil && g.streams > 0 && binary.LittleEndian.Uint32(zeros) == 0 {
		g.pass = 4
		return nil
	}
	magic, err := g.file.Peek(6)
	switch {
	case err == io.EOF && len(magic) == 0 && g.streams > 0:
		return io.EOF
	case err != nil && err != io.EOF:
		return err
	case string(magic) != "\xfd7zXZ\x00":
		return errors.New("no xz stream")
	}
	header, err := g.head(12)
	if err != nil {
		return err
	}
	g.streams++
	g.checksum = [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[header[7]&15]
	g.pass, g.part = 12, (*guard).block
	return nil
}

// block looks at the header of a block, which names the dictionary. Behind the last
// block comes the index, which begins with a zero.
func (g *guard) block() error {
	first, err := g.head(1)
	if err != nil {
		return err
	}
	if first[0] == 0 {
		g.pass, g.indexed, g.part = 1, 1, (*guard).index
		return nil
	}
	header, err := g.head(4 * (int(first[0]) + 1))
	if err != nil {
		return err
	}
	dictionary, err := dictionarySize(header)
	if err != nil {
		return err
	}
	g.dictionaries += dictionary
	if dictionary > maxDictionary || g.dictionaries > maxDictionaries+g.unpacked {
		return errors.New("it asks for a dictionary of more than 64 MiB")
	}
	g.pass, g.packed, g.part = int64(len(header)), 0, (*guard).chunk
	return nil
}

// dictionarySize reads the header of a block.
func dictionarySize(header []byte) (int64, error) {
	if len(header) < 8 {
		return 0, errors.New("broken block header")
	}
	flags, fields := header[1], header[2:len(header)-4]
	for _, bit := range []byte{0x40, 0x80} { // packed and unpacked size, if given
		if flags&bit != 0 {
			_, n := binary.Uvarint(fields)
			if n <= 0 {
				return 0, errors.New("broken block header")
			}
			fields = fields[n:]
		}
	}
	// One filter, LZMA2, with one byte of properties.
	if flags&0x3f != 0 || len(fields) < 3 || fields[0] != 0x21 || fields[1] != 1 || fields[2] > 40 {
		return 0, errors.New("filters other than LZMA2 are not supported")
	}
	bits := fields[2]
	return int64(2|bits&1) << (bits/2 + 11), nil
}

// chunk looks at a chunk of a block. Behind the last comes the block's checksum.
func (g *guard) chunk() error {
	control, err := g.head(1)
	if err != nil {
		return err
	}
	header, length, size := 1, 0, 0
	switch c := control[0]; {
	case c == 0:
		padding := -(g.packed + 1) & 3
		g.pass, g.part = int64(1+padding+g.checksum), (*guard).block
		return nil
	case c <= 2: // stored
		header = 3
	case c >= 0xc0: // with new properties
		header = 6
	case c >= 0x80:
		header = 5
	default:
		return errors.New("broken LZMA2 chunk")
	}
	b, err := g.head(header)
	if err != nil {
		return err
	}
	size = int(binary.BigEndian.Uint16(b[1:])) + 1
	length = size
	if header > 3 {
		size += int(b[0]&0x1f) << 16
		length = int(binary.BigEndian.Uint16(b[3:])) + 1
	}
	if g.unpacked += int64(size); g.unpacked > g.most {
		return fmt.Errorf("it is too large when unpacked: more than %d bytes", g.most)
	}
	g.packed += header + length
	g.pass = int64(header + length)
	return nil
}

// index looks at the number of records that follow.
func (g *guard) index() error {
	records, err := g.number()
	g.records, g.part = 2*int64(min(records, 1<<60)), (*guard).record
	return err
}

// record looks at one number of the index, of two for each block. Behind the last
// comes the end of the stream.
func (g *guard) record() error {
	if g.records > 0 {
		g.records--
		_, err := g.number()
		return err
	}
	padding := -g.indexed & 3
	g.pass, g.part = int64(padding+4+12), (*guard).stream
	return nil
}

// number looks at a number of variable length.
func (g *guard) number() (uint64, error) {
	b, err := g.head(binary.MaxVarintLen64)
	v, n := binary.Uvarint(b)
	if n < 0 || n == 0 && err == nil {
		return 0, errors.New("broken index")
	}
	if n == 0 {
		return 0, err
	}
	g.pass += int64(n)
	g.indexed += n
	return v, nil
}
