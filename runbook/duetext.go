package runbook

import (
	"fmt"
	"strings"
	"time"
)

// until is a moment that something waits for, seen from now: "12:31 UTC (in 47 min)".
// Whole minutes are enough, and it is never said too early. Without now it is the
// moment alone.
func until(due, now time.Time) string {
	due = due.UTC()
	if up := due.Truncate(time.Minute); up.Before(due) {
		due = up.Add(time.Minute)
	}
	const day, hour = "2006-01-02", "15:04 UTC"
	if now.IsZero() {
		return due.Format(day + " " + hour)
	}
	text := due.Format(hour)
	if due.Format(day) != now.UTC().Format(day) {
		text = due.Format(day + " " + hour)
	}
	if left := due.Sub(now); left > 0 {
		return text + " (in " + span(left) + ")"
	}
	return text + " (it is time)"
}

// span is a time in its two largest units.
func span(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d s", int(d.Round(time.Second)/time.Second))
	}
	d = d.Round(time.Minute)
	var parts []string
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}} {
		if n := d / u.unit; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, u.name))
			d -= n * u.unit
		}
	}
	return strings.Join(parts[:min(len(parts), 2)], " ")
}
