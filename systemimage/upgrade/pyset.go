package upgrade

// pythonSet imitates the set of CPython for numbers that are their own hash:
// a device lists its candidate paths in the order in which a set of images
// happens to iterate, and that order decides between equal scores.
//
// Facts from setobject.c: a table of 8 slots at first; a hash is looked for at
// its low bits, then in the nine slots behind where the table has them, then
// at places computed from the higher bits.
type pythonSet struct {
	table []pythonEntry
	used  int
	grow  func(fill, mask int) bool
}

type pythonEntry struct {
	hash uint64
	item int32 // counted from 1; 0 is a free slot
}

// The table grew at two thirds up to CPython 3.6 and grows at three fifths since.
func python36(fill, mask int) bool { return fill*3 >= mask*2 }
func python37(fill, mask int) bool { return fill*5 >= mask*3 }

func newPythonSet(grow func(fill, mask int) bool) *pythonSet {
	return &pythonSet{table: make([]pythonEntry, 8), grow: grow}
}

// add inserts an item, counted from 0, unless its hash is there already.
func (s *pythonSet) add(hash uint64, item int32) {
	if !s.insert(pythonEntry{hash, item + 1}) {
		return
	}
	s.used++
	if !s.grow(s.used, len(s.table)-1) {
		return
	}
	room := 4 * s.used
	if s.used > 50000 {
		room = 2 * s.used
	}
	size := 8
	for size <= room {
		size *= 2
	}
	old := s.table
	s.table = make([]pythonEntry, size)
	for _, e := range old {
		if e.item != 0 {
			s.insert(e)
		}
	}
}

func (s *pythonSet) insert(e pythonEntry) bool {
	const probes, shift = 9, 5
	mask := uint64(len(s.table) - 1)
	perturb, i := e.hash, e.hash&mask
	for {
		run := s.table[i : i+1]
		if i+probes <= mask {
			run = s.table[i : i+1+probes]
		}
		for j := range run {
			switch {
			case run[j].item == 0:
				run[j] = e
				return true
			case run[j].hash == e.hash:
				return false
			}
		}
		perturb >>= shift
		i = (i*5 + 1 + perturb) & mask
	}
}

// items returns the items in the order of iteration.
func (s *pythonSet) items() []int32 {
	list := make([]int32, 0, s.used)
	for _, e := range s.table {
		if e.item != 0 {
			list = append(list, e.item-1)
		}
	}
	return list
}
