package keyring

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// A header of a few bytes may ask for a dictionary of 4 GiB, and gets it.
const (
	maxDictionary   = 64 << 20  // what xz -9 asks for
	maxDictionaries = 512 << 20 // of all blocks, one after the other
)

// checkXZ walks over an .xz file without decompressing it and refuses what would take
// more memory than the caller wants to give: the chunks of LZMA2 say beforehand how
// large they are unpacked. What is wrong otherwise is left to the decompressor.
func checkXZ(data []byte, maxSize int64) error {
	dictionaries, size := int64(0), int64(0)
	for len(data) > 0 {
		if !bytes.HasPrefix(data, []byte("\xfd7zXZ\x00")) || len(data) < 12 {
			return errors.New("no xz stream")
		}
		check := [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[data[7]&15]
		data = data[12:]
		for len(data) > 0 && data[0] != 0 { // blocks; the index begins with 0
			dictionary, unpacked, rest, err := skipBlock(data, check)
			if err != nil {
				return err
			}
			dictionaries += dictionary
			size += unpacked
			if dictionary > maxDictionary || dictionaries > maxDictionaries {
				return errors.New("it asks for a dictionary of more than 64 MiB")
			}
			if size > maxSize {
				return errors.New("it is too large when unpacked")
			}
			data = rest
		}
		var err error
		if data, err = skipIndex(data); err != nil {
			return err
		}
		for len(data) >= 4 && binary.LittleEndian.Uint32(data) == 0 {
			data = data[4:] // padding between streams
		}
	}
	return nil
}

var errTruncated = errors.New("it ends too early")

// skipBlock returns what a block asks for and what comes after it.
func skipBlock(block []byte, check int) (dictionary, unpacked int64, rest []byte, err error) {
	headerSize := 4 * (int(block[0]) + 1)
	if len(block) < headerSize || headerSize < 8 {
		return 0, 0, nil, errTruncated
	}
	header, data := block[2:headerSize-4], block[headerSize:]
	flags := block[1]
	for _, bit := range []byte{0x40, 0x80} { // packed and unpacked size, if given
		if flags&bit != 0 {
			_, n := binary.Uvarint(header)
			if n <= 0 {
				return 0, 0, nil, errors.New("broken block header")
			}
			header = header[n:]
		}
	}
	// One filter, LZMA2, with one byte of properties.
	if flags&0x3f != 0 || len(header) < 3 || header[0] != 0x21 || header[1] != 1 || header[2] > 40 {
		return 0, 0, nil, errors.New("filters other than LZMA2 are not supported")
	}
	bits := header[2]
	dictionary = int64(2|bits&1) << (bits/2 + 11)

	packed := len(data)
	for {
		if len(data) == 0 {
			return 0, 0, nil, errTruncated
		}
		control := data[0]
		var skip, size int
		switch {
		case control == 0:
			data = data[1:]
			padding := -(packed - len(data)) & 3
			if len(data) < padding+check {
				return 0, 0, nil, errTruncated
			}
			return dictionary, unpacked, data[padding+check:], nil
		case len(data) < 6:
			return 0, 0, nil, errTruncated
		case control <= 2: // stored
			size = int(binary.BigEndian.Uint16(data[1:])) + 1
			skip = 3 + size
		case control >= 0x80:
			size = int(control&0x1f)<<16 + int(binary.BigEndian.Uint16(data[1:])) + 1
			skip = 5 + int(binary.BigEndian.Uint16(data[3:])) + 1
			if control >= 0xc0 {
				skip++ // new properties
			}
		default:
			return 0, 0, nil, errors.New("broken LZMA2 chunk")
		}
		if len(data) < skip {
			return 0, 0, nil, errTruncated
		}
		unpacked += int64(size)
		data = data[skip:]
	}
}

// skipIndex skips the index of a stream and its footer.
func skipIndex(data []byte) ([]byte, error) {
	length := len(data)
	if length == 0 {
		return nil, errTruncated
	}
	data = data[1:]
	records, n := binary.Uvarint(data)
	if n <= 0 {
		return nil, errTruncated
	}
	data = data[n:]
	for ; records > 0; records-- {
		for range 2 {
			_, n := binary.Uvarint(data)
			if n <= 0 {
				return nil, errTruncated
			}
			data = data[n:]
		}
	}
	end := -(length-len(data))&3 + 4 + 12
	if len(data) < end {
		return nil, errTruncated
	}
	return data[end:], nil
}
