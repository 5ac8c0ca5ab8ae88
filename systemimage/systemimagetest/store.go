package systemimagetest

import (
	"encoding/binary"
	"hash/crc32"
)

// Tarballs are .gz and .xz files whose data is stored as it is. Any program can read
// them. Compressing would be most of the work of making a server, and decompressing
// most of that of reading its keyrings.

func storeGZ(data []byte) []byte {
	const maxBlock = 1<<16 - 1
	out := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
	for rest, last := data, byte(0); last == 0; {
		n := min(len(rest), maxBlock)
		if n == len(rest) {
			last = 1
		}
		out = binary.LittleEndian.AppendUint16(append(out, last), uint16(n))
		out = append(binary.LittleEndian.AppendUint16(out, ^uint16(n)), rest[:n]...)
		rest = rest[n:]
	}
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(data))
	return binary.LittleEndian.AppendUint32(out, uint32(len(data)))
}

// storeXZ makes one block with the smallest dictionary.
func storeXZ(data []byte) []byte {
	const maxChunk = 1 << 16
	flags := []byte{0, 1} // the check of the data is its CRC32

	// The only filter is LZMA2.
	block := sum32([]byte{2, 0, 0x21, 1, 0, 0, 0, 0})
	for rest, control := data, byte(1); len(rest) > 0; control = 2 {
		n := min(len(rest), maxChunk)
		block = binary.BigEndian.AppendUint16(append(block, control), uint16(n-1))
		block = append(block, rest[:n]...)
		rest = rest[n:]
	}
	block = append(block, 0)
	size := len(block) + crc32.Size // without the padding
	block = binary.LittleEndian.AppendUint32(pad4(block), crc32.ChecksumIEEE(data))

	index := binary.AppendUvarint([]byte{0, 1}, uint64(size))
	index = sum32(pad4(binary.AppendUvarint(index, uint64(len(data)))))

	footer := append(binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1)), flags...)
	out := append([]byte("\xfd7zXZ\x00"), sum32(flags)...)
	out = append(append(out, block...), index...)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(footer))
	return append(append(out, footer...), "YZ"...)
}

func sum32(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b[:len(b):len(b)], crc32.ChecksumIEEE(b))
}

func pad4(b []byte) []byte { return append(b, make([]byte, -len(b)&3)...) }
