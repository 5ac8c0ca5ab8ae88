package phasing

import (
	"strconv"
	"strings"
)

// Percent is a phased-percentage as a server publishes it for the newest image of a
// device. An image without one counts as 100. Servers accept 0..100; clients do not
// check the range, so values outside of it are treated as a client treats them:
// below 0 like 0, above 100 like 100.
type Percent int

// ParsePercent reads a percentage from 0 to 100, with or without the sign: "10%", "10".
func ParsePercent(s string) (Percent, error) {
	digits := strings.TrimSuffix(s, "%")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, &Error{Kind: ErrSyntax, Text: "want a whole percentage such as 10%", Source: s}
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n > 100 {
		return 0, &Error{Kind: ErrRange, Text: "want a percentage from 0 to 100", Source: s}
	}
	return Percent(n), nil
}

// String writes the percentage with its sign: "10%".
func (p Percent) String() string { return strconv.Itoa(int(p)) + "%" }

// Valid reports whether a server takes p: 0..100.
func (p Percent) Valid() bool { return p >= 0 && p <= 100 }

// Share is the part of all devices that p admits, from 0 to 1. Devices draw one of 101
// numbers and the comparison is "less or equal", so it is (p+1)/101 above 0: 1 %
// admits 1.98 % of the devices, 50 % admits 50.5 %. At 0 it is nobody.
func (p Percent) Share() float64 {
	switch {
	case p <= 0:
		return 0
	case p >= 100:
		return 1
	}
	return float64(p+1) / 101
}

// Admits reports whether a device with the given number (see [Draw]) is offered the
// image: p must be above 0 and the number not above p. At 0 even number 0 is refused.
func (p Percent) Admits(number int) bool { return p > 0 && number <= int(p) }

// EntersAt is the lowest percentage that admits a device with the given number. Number
// 0 enters at 1 %, together with number 1.
func EntersAt(number int) Percent { return Percent(min(max(number, 1), 100)) }

// Raise returns next if it does not lie below current, and [ErrLowers] if it does:
// raising only adds devices, lowering takes an offer away and must be asked for: see
// [Course.Halt]. Both must be 0..100.
func Raise(current, next Percent) (Percent, error) {
	for _, p := range []Percent{current, next} {
		if !p.Valid() {
			return 0, errorf(ErrRange, "percentage %d is outside 0..100", int(p))
		}
	}
	if next < current {
		return 0, errorf(ErrLowers, "%v is published and %v would lower it: devices lose the offer; halt the rollout if that is meant", current, next)
	}
	return next, nil
}
