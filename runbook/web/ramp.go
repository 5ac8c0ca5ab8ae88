package web

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
)

// A ramp is how the images of a run were phased in: the nominal percentage and the
// true share of the devices, over time, of the image that lies lowest.
type ramp struct {
	Nominal, Share string // paths
	Points         []rampPoint
	XTicks, YTicks []tick
	Images         int
	Left           int // points that are not in the table
}

type rampPoint struct {
	Time  time.Time
	Image string
	From  int
	To    int
	Share float64 // of To, in percent
}

type tick struct {
	At   float64
	Text string
}

// The plot in units of its picture.
const (
	rampLeft, rampRight = 46, 740
	rampTop, rampBottom = 12, 228
	maxPoints           = 200 // in the table
)

// percentageSet is the result of a step that set the percentage of an image.
type percentageSet struct {
	Channel    string `json:"channel"`
	Device     string `json:"device"`
	Version    int    `json:"version"`
	Percentage *int   `json:"percentage"`
	Before     *int   `json:"before"`
}

// rampOf draws what a run set; nil when it set nothing.
func rampOf(s runbook.Status) *ramp {
	var points []rampPoint
	for _, step := range s.Steps {
		if step.Verb != runbook.VerbDo || step.Kind != runbook.Done && step.Kind != runbook.Adopted {
			continue
		}
		var p percentageSet
		if json.Unmarshal(step.Result, &p) != nil || p.Percentage == nil || p.Before == nil || p.Channel == "" || p.Device == "" ||
			!phasing.Percent(*p.Percentage).Valid() || !phasing.Percent(*p.Before).Valid() {
			continue
		}
		points = append(points, rampPoint{step.Time, fmt.Sprintf("%s:%s:%d", p.Channel, p.Device, p.Version), *p.Before, *p.Percentage,
			100 * phasing.Percent(*p.Percentage).Share()})
	}
	if len(points) == 0 {
		return nil
	}
	slices.SortStableFunc(points, func(a, b rampPoint) int { return a.Time.Compare(b.Time) })
	r := &ramp{Points: points}
	r.draw(s.Last)
	if r.Left = len(points) - maxPoints; r.Left > 0 {
		r.Points = points[:maxPoints]
	}
	return r
}

func (r *ramp) draw(end time.Time) {
	begin := r.Points[0].Time
	span := max(end.Sub(begin), time.Second)
	span += span / 12 // shows where it is
	begin = begin.Add(-span / 30)
	span += span / 30
	x := func(t time.Time) float64 {
		return rampLeft + (rampRight-rampLeft)*float64(t.Sub(begin))/float64(span)
	}
	y := func(percent float64) float64 { return rampBottom - (rampBottom-rampTop)*percent/100 }
	share := func(n int) float64 { return 100 * phasing.Percent(n).Share() }

	at := map[string]int{}
	for _, p := range slices.Backward(r.Points) {
		at[p.Image] = p.From // in the end, that of the first change
	}
	r.Images = len(at)
	low := lowest(at)
	var nominal, true_ strings.Builder
	fmt.Fprintf(&nominal, "M%d %.1f", rampLeft, y(float64(low)))
	fmt.Fprintf(&true_, "M%d %.1f", rampLeft, y(share(low)))
	for _, p := range r.Points {
		at[p.Image] = p.To
		if now := lowest(at); now != low {
			fmt.Fprintf(&nominal, "H%.1fV%.1f", x(p.Time), y(float64(now)))
			fmt.Fprintf(&true_, "H%.1fV%.1f", x(p.Time), y(share(now)))
			low = now
		}
	}
	fmt.Fprintf(&nominal, "H%d", rampRight)
	fmt.Fprintf(&true_, "H%d", rampRight)
	r.Nominal, r.Share = nominal.String(), true_.String()
	for _, n := range []int{0, 25, 50, 75, 100} {
		r.YTicks = append(r.YTicks, tick{y(float64(n)), fmt.Sprintf("%d %%", n)})
	}
	r.XTicks = timeTicks(begin, begin.Add(span), x)
}

func lowest(at map[string]int) int {
	low := 100
	for _, n := range at {
		low = min(low, n)
	}
	return low
}

// timeTicks are the labels of a time axis, from three to seven of them.
func timeTicks(from, to time.Time, x func(time.Time) float64) (list []tick) {
	steps := []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour,
		3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour}
	step := steps[len(steps)-1] * max(1, to.Sub(from)/(6*24*time.Hour))
	for _, d := range steps {
		if to.Sub(from)/d <= 6 {
			step = d
			break
		}
	}
	format := "15:04:05"
	switch {
	case step >= 12*time.Hour:
		format = "2 Jan 15:04"
	case step >= time.Minute:
		format = "15:04"
	}
	for t := from.UTC().Truncate(step).Add(step); t.Before(to); t = t.Add(step) {
		list = append(list, tick{x(t), t.Format(format)})
	}
	return list
}
