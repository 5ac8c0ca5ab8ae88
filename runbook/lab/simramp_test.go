package lab_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ramp looks whether a percentage was published earlier than the schedule says,
// counted from the begin of the run. An image that a killed program left is open to
// everybody until it is mended. And what is well is never taken from anybody.
func (v *verdict) ramp() string {
	if !v.passing() || v.w.has("another operator does something else") {
		return ""
	}
	last := map[string]seenPercentage{}
	for _, p := range v.w.ramp {
		if v.s.waits != nil && p.version > 1 && p.at.Sub(v.w.begun) < v.s.waits[p.percentage] {
			return fmt.Sprintf("image %d of %s is at %d %% after %v", p.version, strings.TrimPrefix(p.index, v.w.server.Root()), p.percentage, p.at.Sub(v.w.begun))
		}
		if was := last[p.index]; v.s.taken == nil && was.version == p.version && p.percentage < was.percentage && was.percentage < 100 {
			return fmt.Sprintf("image %d of %s fell from %d to %d %%, and nobody said that it is faulty", p.version, p.index, was.percentage, p.percentage)
		}
		last[p.index] = p
	}
	return ""
}

// steps looks whether each percentage of the schedule was published before the next, and
// held: a run that comes late makes up for less than an hour.
func (v *verdict) steps() string {
	if len(v.s.waits) == 0 || !v.passing() || v.w.has("another operator does something else") {
		return ""
	}
	first := map[int]time.Time{}
	for _, p := range v.w.ramp {
		if _, ok := first[p.percentage]; !ok && p.version > 1 {
			first[p.percentage] = p.at
		}
	}
	before := 1 // the first step, which is due at once
	for _, percentage := range slices.Sorted(maps.Keys(v.s.waits)) {
		at, ok := first[percentage]
		if !ok {
			break
		}
		since, ok := first[before]
		switch held := v.s.waits[percentage] - v.s.waits[before]; {
		case !ok:
			return fmt.Sprintf("%d %% was published, and %d %% never", percentage, before)
		case at.Sub(since) <= held-time.Hour:
			return fmt.Sprintf("%d %% was published %v after %d %%, which is held for %v", percentage, at.Sub(since), before, held)
		}
		before = percentage
	}
	return ""
}
