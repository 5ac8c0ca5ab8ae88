package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/landingteam/landing/phasing"
)

// The plot, in SVG units.
const (
	width, height            = 800, 420
	left, right, top, bottom = 60, 20, 40, 50
)

// draw plots a schedule: the nominal percentage and, above it, the true share of
// the devices.
func draw(s phasing.Schedule, start time.Time) []byte {
	type point struct {
		at time.Duration
		p  phasing.Percent
	}
	var points []point
	for at, step := range s.Timeline(start) {
		points = append(points, point{at.Sub(start), step.Percent})
	}
	end := points[len(points)-1].at
	end = max(end+end/10, time.Hour) // shows that it stays there
	x := func(d time.Duration) float64 { return left + (width-left-right)*float64(d)/float64(end) }
	y := func(percent float64) float64 { return top + (height-top-bottom)*(1-percent/100) }
	path := func(value func(phasing.Percent) float64) string {
		var b bytes.Buffer
		last := 0.0
		fmt.Fprintf(&b, "M%.1f %.1f", x(0), y(0))
		for _, q := range points {
			fmt.Fprintf(&b, " L%.1f %.1f", x(q.at), y(last))
			last = value(q.p)
			fmt.Fprintf(&b, " L%.1f %.1f", x(q.at), y(last))
		}
		fmt.Fprintf(&b, " L%.1f %.1f", x(end), y(last))
		return b.String()
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	for percent := 0; percent <= 100; percent += 20 {
		fmt.Fprintf(&b, `<path d="M%d %.1f H%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%d %%</text>`+"\n",
			left, y(float64(percent)), width-right, left-8, y(float64(percent))+4, percent)
	}
	tick := ticks(end)
	for d := time.Duration(0); d <= end; d += tick {
		fmt.Fprintf(&b, `<path d="M%.1f %d v5" stroke="#888"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			x(d), height-bottom, x(d), height-bottom+20, short(d))
	}
	fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="#999" stroke-width="2" stroke-dasharray="5 4"/>`+"\n",
		path(func(p phasing.Percent) float64 { return float64(p) }))
	fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="#c40" stroke-width="2"/>`+"\n",
		path(func(p phasing.Percent) float64 { return 100 * p.Share() }))
	fmt.Fprintf(&b, `<text x="%d" y="24"><tspan fill="#c40">true share of the devices</tspan><tspan dx="20" fill="#777">nominal percentage (dashed)</tspan></text>`+"\n", left)
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">time since the start</text>`+"\n</svg>\n", width-right, height-8)
	return b.Bytes()
}

// ticks is the distance between two labels of the time axis, so that there are
// about ten.
func ticks(end time.Duration) time.Duration {
	for _, d := range []time.Duration{5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 12 * time.Hour, 24 * time.Hour} {
		if end/d <= 12 {
			return d
		}
	}
	return (end / 10).Round(24 * time.Hour)
}
