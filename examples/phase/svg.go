package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/landingteam/landing/phasing"
)

// The plot, in SVG units: the ramp above, how far the share is off below.
const (
	width, height = 800, 480
	left, right   = 80, 780 // of both
)

// A panel is one of the two, from 0 at its bottom to most at its top.
type panel struct {
	top, bottom float64
	most, step  float64
	unit, label string
}

var (
	ramps  = panel{40, 310, 100, 20, " %", "part of the devices"}
	excess = panel{340, 420, 1, 0.5, "", "difference, points"}
)

func (p panel) y(value float64) float64 { return p.bottom - (p.bottom-p.top)*value/p.most }

// draw plots a schedule: the nominal percentage and the true share of the
// devices, and, as the two are close, the difference of the one to the other.
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
	end = max(end+end/10, time.Minute) // shows that it stays there
	x := func(d time.Duration) float64 { return left + (right-left)*float64(d)/float64(end) }

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, "<title>Nominal percentage and true share of the devices: %s</title>\n", s)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	for _, p := range []panel{ramps, excess} {
		for value := 0.0; value <= p.most; value += p.step {
			fmt.Fprintf(&b, `<path d="M%d %.1f H%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g%s</text>`+"\n",
				left, p.y(value), right, left-8, p.y(value)+4, value, p.unit)
		}
		fmt.Fprintf(&b, `<text transform="translate(16 %.1f) rotate(-90)" text-anchor="middle" font-size="11">%s</text>`+"\n", (p.top+p.bottom)/2, p.label)
	}
	tick := ticks(end)
	for d := time.Duration(0); d <= end; d += tick {
		fmt.Fprintf(&b, `<path d="M%.1f %.1f v5" stroke="#888"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`+"\n",
			x(d), excess.bottom, x(d), excess.bottom+20, short(d))
	}
	curve := func(p panel, style string, value func(phasing.Percent) float64) {
		fmt.Fprintf(&b, `<path fill="none" %s d="M%.1f %.1f`, style, x(0), p.y(0))
		last := 0.0
		for _, q := range points {
			fmt.Fprintf(&b, " L%.1f %.1f", x(q.at), p.y(last))
			last = value(q.p)
			fmt.Fprintf(&b, " L%.1f %.1f", x(q.at), p.y(last))
		}
		fmt.Fprintf(&b, ` L%.1f %.1f"/>`+"\n", x(end), p.y(last))
	}
	share := func(p phasing.Percent) float64 { return 100 * p.Share() }
	curve(ramps, `stroke="#06c" stroke-width="2"`, share)
	curve(ramps, `stroke="#c40" stroke-width="1.5" stroke-dasharray="5 4"`, func(p phasing.Percent) float64 { return float64(p) })
	curve(excess, `stroke="#06c" stroke-width="2"`, func(p phasing.Percent) float64 { return share(p) - float64(p) })
	fmt.Fprintf(&b, `<text x="%d" y="24"><tspan fill="#06c">true share of the devices</tspan><tspan dx="20" fill="#c40">nominal percentage (dashed)</tspan></text>`+"\n", left)
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">time since the start, %s</text>`+"\n</svg>\n", right, height-12, start.Format(stamp))
	return b.Bytes()
}

// ticks is the distance between two labels of the time axis, so that there are
// about ten.
func ticks(end time.Duration) time.Duration {
	for _, d := range []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 4 * time.Hour, 12 * time.Hour, 24 * time.Hour} {
		if end/d <= 12 {
			return d
		}
	}
	return (end/10/(24*time.Hour) + 1) * 24 * time.Hour
}
