package phasing

import (
	"crypto/sha512"
	"math/big"
)

// slowDraw is the same number, computed the long way: a big integer is split into
// words, the state is filled, passed over twice and regenerated as a whole.
func slowDraw(seed string) int {
	digest := sha512.Sum512([]byte(seed))
	n := new(big.Int).SetBytes(append([]byte(seed), digest[:]...))
	var key []uint32
	mask := big.NewInt(1<<32 - 1)
	for n.Sign() > 0 {
		key = append(key, uint32(new(big.Int).And(n, mask).Uint64()))
		n.Rsh(n, 32)
	}
	var s [624]uint32
	s[0] = 19650218
	for i := 1; i < 624; i++ {
		s[i] = 1812433253*(s[i-1]^s[i-1]>>30) + uint32(i)
	}
	i, j := 1, 0
	next := func() {
		if i++; i >= 624 {
			s[0] = s[623]
			i = 1
		}
	}
	for range max(624, len(key)) {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1664525) + key[j] + uint32(j)
		next()
		if j++; j >= len(key) {
			j = 0
		}
	}
	for range 623 {
		s[i] = (s[i] ^ (s[i-1]^s[i-1]>>30)*1566083941) - uint32(i)
		next()
	}
	s[0] = 0x80000000
	for {
		for k := range s {
			y := s[k]&0x80000000 | s[(k+1)%624]&0x7fffffff
			v := s[(k+397)%624] ^ y>>1
			if y&1 == 1 {
				v ^= 0x9908b0df
			}
			s[k] = v
		}
		for _, y := range s {
			y ^= y >> 11
			y ^= y << 7 & 0x9d2c5680
			y ^= y << 15 & 0xefc60000
			y ^= y >> 18
			if y >>= 25; y <= 100 {
				return int(y)
			}
		}
	}
}
