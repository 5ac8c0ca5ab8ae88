package phasing

// twister is the state of the generator MT19937, as CPython uses it. Seeding by array
// is a chain in which every word needs the one before it, twice around; nothing of it
// can be left out. What can be left out is the regeneration of all 624 words before
// the first output: output k needs three words only, and is made in place.
type twister [624]uint32

const (
	seedStart = 19650218   // state[0] before seeding
	mulStart  = 1812433253 // multiplier that fills the state before seeding
	mulKey    = 1664525    // multiplier of the first pass, which adds the key
	mulIndex  = 1566083941 // multiplier of the second pass, which subtracts the index
	topBit    = 0x80000000 // state[0] after seeding
)

// seed is init_by_array. The words that init_by_array starts from are made on the way:
// that chain does not depend on the other and runs beside it for free.
func (mt *twister) seed(key []uint32) {
	start, x := uint32(seedStart), uint32(seedStart)
	j := 0
	for i := 1; i < 624; i++ {
		start = mulStart*(start^start>>30) + uint32(i)
		x = (start ^ (x^x>>30)*mulKey) + key[j] + uint32(j)
		mt[i] = x
		if j++; j == len(key) {
			j = 0
		}
	}
	// One round more, and as many as the key is longer than the state.
	i := 1
	for range max(624, len(key)) - 623 {
		x = (mt[i] ^ (x^x>>30)*mulKey) + key[j] + uint32(j)
		mt[i] = x
		if i++; i == 624 {
			i = 1
		}
		if j++; j == len(key) {
			j = 0
		}
	}
	for range 623 {
		x = (mt[i] ^ (x^x>>30)*mulIndex) - uint32(i)
		mt[i] = x
		if i++; i == 624 {
			i = 1
		}
	}
	mt[0] = topBit
}

// below101 draws outputs until the top seven bits of one are below 101. Word k of the
// next state is made of words k, k+1 and k+397 of this one, all modulo 624; going on in
// place for ever is what the full generator does block by block.
func (mt *twister) below101() int {
	for k := 0; ; k = (k + 1) % 624 {
		mt[k] = twist(mt[k], mt[(k+1)%624], mt[(k+397)%624])
		if n := temper(mt[k]) >> 25; n < 101 {
			return int(n)
		}
	}
}

func twist(this, next, far uint32) uint32 {
	y := this&topBit | next&^uint32(topBit)
	return far ^ y>>1 ^ -(y&1)&0x9908b0df
}

func temper(y uint32) uint32 {
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// draw4 seeds four generators with keys of one length and draws from each. The four
// chains do not depend on each other, so that a processor works on them at once.
func draw4(keys *[lanes][keyRoom]uint32, words int) (numbers [lanes]int) {
	var mt [624][lanes]uint32
	var add [keyRoom][lanes]uint32 // key word + its index, side by side
	for j := range words {
		for l := range lanes {
			add[j][l] = keys[l][j] + uint32(j)
		}
	}
	start := uint32(seedStart)
	a, b, c, d := start, start, start, start
	j := 0
	for i := 1; i < 624; i++ {
		start = mulStart*(start^start>>30) + uint32(i)
		k := &add[j&(keyRoom-1)]
		a = (start ^ (a^a>>30)*mulKey) + k[0]
		b = (start ^ (b^b>>30)*mulKey) + k[1]
		c = (start ^ (c^c>>30)*mulKey) + k[2]
		d = (start ^ (d^d>>30)*mulKey) + k[3]
		mt[i] = [lanes]uint32{a, b, c, d}
		if j++; j == words {
			j = 0
		}
	}
	s, k := &mt[1], &add[j&(keyRoom-1)]
	a = (s[0] ^ (a^a>>30)*mulKey) + k[0]
	b = (s[1] ^ (b^b>>30)*mulKey) + k[1]
	c = (s[2] ^ (c^c>>30)*mulKey) + k[2]
	d = (s[3] ^ (d^d>>30)*mulKey) + k[3]
	mt[1] = [lanes]uint32{a, b, c, d}
	for i := 2; i < 624; i++ {
		s := &mt[i]
		a = (s[0] ^ (a^a>>30)*mulIndex) - uint32(i)
		b = (s[1] ^ (b^b>>30)*mulIndex) - uint32(i)
		c = (s[2] ^ (c^c>>30)*mulIndex) - uint32(i)
		d = (s[3] ^ (d^d>>30)*mulIndex) - uint32(i)
		mt[i] = [lanes]uint32{a, b, c, d}
	}
	s = &mt[1]
	a = (s[0] ^ (a^a>>30)*mulIndex) - 1
	b = (s[1] ^ (b^b>>30)*mulIndex) - 1
	c = (s[2] ^ (c^c>>30)*mulIndex) - 1
	d = (s[3] ^ (d^d>>30)*mulIndex) - 1
	mt[1] = [lanes]uint32{a, b, c, d}
	mt[0] = [lanes]uint32{topBit, topBit, topBit, topBit}

	for l := range lanes {
		for k := 0; ; k = (k + 1) % 624 {
			mt[k][l] = twist(mt[k][l], mt[(k+1)%624][l], mt[(k+397)%624][l])
			if n := temper(mt[k][l]) >> 25; n < 101 {
				numbers[l] = int(n)
				break
			}
		}
	}
	return numbers
}
