package phasing

import "iter"

// Admitted keeps the machine ids that p admits:
//
//	for id := range phasing.Admitted(phasing.Draws("None", 42, ids), 10) { … }
func Admitted(draws iter.Seq2[string, int], p Percent) iter.Seq[string] {
	return func(yield func(string) bool) {
		for id, number := range draws {
			if p.Admits(number) && !yield(id) {
				return
			}
		}
	}
}

// Census counts devices by their number. It takes the same memory for any fleet.
type Census [101]int

// Add counts one device. Numbers outside 0..100, which no device has, are not counted.
func (c *Census) Add(number int) {
	if number >= 0 && number < len(c) {
		c[number]++
	}
}

// Admitted is how many of the counted devices p admits.
func (c *Census) Admitted(p Percent) (n int) {
	for number, devices := range c {
		if p.Admits(number) {
			n += devices
		}
	}
	return n
}

// Total is how many devices were counted.
func (c *Census) Total() int { return c.Admitted(100) }
