package keyring

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Tags of the OpenPGP packets that matter here.
const (
	tagSignature    = 2
	tagSecretKey    = 5
	tagPublicKey    = 6
	tagSecretSubkey = 7
	tagMarker       = 10
	tagTrust        = 12
	tagUserID       = 13
	tagPublicSubkey = 14
	tagAttribute    = 17
)

// rawPacket is one packet: its tag, its body, and all of it.
type rawPacket struct {
	tag  int
	body []byte
	all  []byte
}

// splitPackets cuts a file into packets, old and new format. Lengths that are only
// known at the end do not occur in keys and signatures and are refused.
func splitPackets(data []byte) (packets []rawPacket, err error) {
	for offset := 0; offset < len(data); {
		p, err := cutPacket(data[offset:])
		if err != nil {
			return nil, fmt.Errorf("%w at byte %d", err, offset)
		}
		packets = append(packets, p)
		offset += len(p.all)
	}
	return packets, nil
}

func cutPacket(data []byte) (p rawPacket, err error) {
	first := data[0]
	if first&0x80 == 0 {
		return p, errors.New("no OpenPGP packet")
	}
	length, head := uint64(0), 0
	take := func(n int) error { // a length of n bytes
		if len(data) < 1+n {
			return errors.New("truncated packet")
		}
		for _, b := range data[1 : 1+n] {
			length = length<<8 | uint64(b)
		}
		head = 1 + n
		return nil
	}
	if first&0x40 == 0 {
		p.tag = int(first >> 2 & 15)
		switch first & 3 {
		case 3:
			return p, errors.New("packet without a length")
		default:
			err = take(1 << (first & 3))
		}
	} else {
		p.tag = int(first & 63)
		if err = take(1); err == nil && length >= 192 {
			switch {
			case length < 224:
				if err = take(2); err == nil {
					length = uint64(data[1]-192)<<8 + uint64(data[2]) + 192
				}
			case length == 255:
				if len(data) < 6 {
					return p, errors.New("truncated packet")
				}
				length, head = uint64(binary.BigEndian.Uint32(data[2:])), 6
			default:
				return p, errors.New("packet in parts")
			}
		}
	}
	if err != nil {
		return p, err
	}
	if length > uint64(len(data)-head) {
		return p, errors.New("truncated packet")
	}
	end := head + int(length)
	p.body, p.all = data[head:end], data[:end]
	return p, nil
}

// isKeybox recognises the first record of a keybox file.
func isKeybox(data []byte) bool {
	return len(data) >= 12 && data[4] == 1 && string(data[8:12]) == "KBXf"
}

// keyboxPackets takes the OpenPGP keys out of a keybox, which is what newer versions of
// gpg keep their keys in: records with a length and a type; one of type 2 says where in
// it the packets of a key are.
func keyboxPackets(data []byte) ([]byte, error) {
	var keys []byte
	for offset := 0; offset < len(data); {
		record := data[offset:]
		if len(record) < 5 {
			return nil, fmt.Errorf("keybox ends within a record at byte %d", offset)
		}
		length := uint64(binary.BigEndian.Uint32(record))
		if length < 5 || length > uint64(len(record)) {
			return nil, fmt.Errorf("broken keybox record at byte %d", offset)
		}
		record = record[:length]
		if record[4] == 2 {
			if len(record) < 16 {
				return nil, fmt.Errorf("short keybox record at byte %d", offset)
			}
			start := uint64(binary.BigEndian.Uint32(record[8:]))
			size := uint64(binary.BigEndian.Uint32(record[12:]))
			if start+size > length {
				return nil, fmt.Errorf("keybox record at byte %d points outside of itself", offset)
			}
			keys = append(keys, record[start:start+size]...)
		}
		offset += int(length)
	}
	return keys, nil
}
