package phasing

import (
	"crypto/sha512"
	"encoding/binary"
	"iter"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// NoAlias stands in the seed of an ordinary channel: the client formats a missing
// value, and Python writes that as None. See [SeedChannel].
const NoAlias = "None"

// SeedChannel is what a device puts into the seed for its channel: the alias that
// channels.json gives for its channel, else the channel target that the device got
// from its installed image, else [NoAlias]. It is not the name of the channel; on
// channels without an alias all devices use None, also across channels.
// An empty string means "none".
func SeedChannel(alias, channelTarget string) string {
	switch {
	case alias != "":
		return alias
	case channelTarget != "":
		return channelTarget
	}
	return NoAlias
}

// Draw is the number from 0 to 100 that a device computes for itself at each check.
//
// The channel is what [SeedChannel] gives. The target is the highest version among
// the paths that the device could take, which is normally the newest version of the
// channel. The machine id is the text that [MachineID] makes of the file's contents.
//
// The client seeds CPython's random.Random with the text "channel.target.machineid"
// and asks for randint(0, 100); Draw gives the same for every input, and has been the
// same in CPython 3.2 to 3.13. Strings are used byte by byte and should be UTF-8: a
// device cannot have others.
func Draw(channel string, target int, machineID string) int {
	var room [seedRoom]byte
	return draw(appendSeed(room[:0], channel, target, machineID))
}

// Draws numbers devices: it yields each machine id with its number, in the order
// given. It is several times faster than Draw in a loop and holds four devices at a
// time, whatever the length of the list.
func Draws(channel string, target int, machineIDs iter.Seq[string]) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		var (
			ids   [lanes]string
			keys  [lanes][keyRoom]uint32
			words [lanes]int
			n     int
			room  [seedRoom]byte
		)
		flush := func() bool {
			numbers := [lanes]int{}
			same := n == lanes && words[0] > 0
			for i := 1; i < n; i++ {
				same = same && words[i] == words[0]
			}
			if same {
				numbers = draw4(&keys, words[0])
			} else {
				for i := range n {
					numbers[i] = Draw(channel, target, ids[i])
				}
			}
			count := n
			n = 0
			for i := range count {
				if !yield(ids[i], numbers[i]) {
					return false
				}
			}
			return true
		}
		for id := range machineIDs {
			ids[n] = id
			words[n] = 0 // a seed too long for a lane
			if b := appendSeed(room[:0], channel, target, id); len(b) <= keyRoom*4-sha512.Size {
				words[n] = seedKey(b, keys[n][:])
			}
			if n++; n == lanes && !flush() {
				return
			}
		}
		flush()
	}
}

// MachineID reads the contents of a machine-id file as the client does: UTF-8, line
// ends normalised, white space stripped at both ends in the Unicode sense. Case and
// everything inside are kept; an empty result is possible and is used as it is. The
// client reads the first that exists of /var/lib/dbus/machine-id and /etc/machine-id.
// Contents that are not UTF-8 are ErrMachineID: the device's check fails there too.
func MachineID(contents []byte) (string, error) {
	for i := 0; i < len(contents); {
		r, size := utf8.DecodeRune(contents[i:])
		if r == utf8.RuneError && size == 1 {
			return "", errorf(ErrMachineID, "machine-id file is not UTF-8: byte %#x at offset %d", contents[i], i)
		}
		i += size
	}
	s := strings.ReplaceAll(string(contents), "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	return strings.TrimFunc(s, func(r rune) bool {
		// Python counts the four separators U+001C..U+001F as space, Go does not.
		return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
	}), nil
}

const (
	seedRoom = 512 // longer seed texts are moved to the heap
	keyRoom  = 64  // words of a seed with its digest that Draws takes four at a time
	lanes    = 4
)

func appendSeed(b []byte, channel string, target int, machineID string) []byte {
	b = append(b, channel...)
	b = append(b, '.')
	b = strconv.AppendInt(b, int64(target), 10)
	b = append(b, '.')
	return append(b, machineID...)
}

// seedKey turns a seed into the generator's key: the text and its SHA-512 digest, read
// as one big-endian number, in words of 32 bits, least significant first. A number has
// no leading zeros, so a text that starts with NUL loses them. key must have room.
func seedKey(text []byte, key []uint32) int {
	digest := sha512.Sum512(text)
	for j := range sha512.Size / 4 {
		key[j] = binary.BigEndian.Uint32(digest[sha512.Size-4-4*j:])
	}
	n := sha512.Size / 4
	for len(text) >= 4 {
		key[n] = binary.BigEndian.Uint32(text[len(text)-4:])
		text = text[:len(text)-4]
		n++
	}
	if len(text) > 0 {
		key[n] = 0
		for _, c := range text {
			key[n] = key[n]<<8 | uint32(c)
		}
		n++
	}
	for n > 1 && key[n-1] == 0 {
		n--
	}
	return n
}

func draw(seed []byte) int {
	var room [(seedRoom + sha512.Size) / 4]uint32
	key := room[:]
	if len(seed) > seedRoom {
		key = make([]uint32, (len(seed)+sha512.Size+3)/4)
	}
	var mt twister
	mt.seed(key[:seedKey(seed, key)])
	return mt.below101()
}
