package runbook

import (
	"testing"
	"time"
)

func TestUntil(t *testing.T) {
	now := time.Date(2016, 9, 7, 11, 44, 0, 0, time.UTC)
	for _, tc := range []struct {
		due, now time.Time
		want     string
	}{
		{now.Add(47 * time.Minute), now, "12:31 UTC (in 47 min)"},
		{now.Add(46*time.Minute + time.Second), now, "12:31 UTC (in 47 min)"},
		{now.Add(47 * time.Minute).In(time.FixedZone("", 7200)), now, "12:31 UTC (in 47 min)"},
		{now.Add(2*time.Hour + 5*time.Minute), now, "13:49 UTC (in 2 h 5 min)"},
		{now.Add(26 * time.Hour), now, "2016-09-08 13:44 UTC (in 1 d 2 h)"},
		{now.Add(time.Minute), now.Add(20 * time.Second), "11:45 UTC (in 40 s)"},
		{now, now, "11:44 UTC (it is time)"},
		{now.Add(-time.Hour), now, "10:44 UTC (it is time)"},
		{now, time.Time{}, "2016-09-07 11:44 UTC"},
	} {
		if got := until(tc.due, tc.now); got != tc.want {
			t.Errorf("until(%v, %v) = %q, want %q", tc.due, tc.now, got, tc.want)
		}
	}
}
