package importlog

import (
	"fmt"
	"strings"
)

// judgeEntry says what happened to a channel or device, and what is wrong with it.
func (d *diagnosis) judgeEntry(i int, e Entry) {
	place := Place{e.Channel, e.Device}
	d.judgeDamage(i, e)
	if !d.Asked(place) {
		if e.Outcome == Cancelled || e.Outcome == NotInTree {
			d.Notice("%s has a fault too: %s", place, oneLine(e.Cause.Problem))
		}
		return
	}
	d.Outcomes = append(d.Outcomes, Turn{Channel: e.Channel, Device: e.Device, Outcome: e.Outcome, Version: e.Version,
		Detail: e.Detail, Deltas: len(e.Deltas), Generator: e.Generator, Line: e.Line})
	for _, w := range e.Warnings {
		d.Notice("%s: %s: that delta is not made; see deltabase of the channel in etc/config", place, w)
	}
	switch e.Outcome {
	case Cancelled:
		f := *e.Cause
		f.Problem = fmt.Sprintf("the generator %s gave no file, so that no image was made, with exit status 0: %s", e.Generator, oneLine(f.Problem))
		f.Quotes = d.failure(i)
		d.Add(f)
	case NotInTree:
		f := *e.Cause
		f.Quotes = d.lines.lastWith("Invalid channel name: " + e.Channel)
		d.Add(f)
	case Skipped:
		d.judgeSkipped(e)
	case Redirect:
		if d.Device == e.Device && d.Device != "" {
			d.Notice("%s is held by another channel: look there", place)
		}
	case Published:
		if e.Version > 0 && strings.ContainsAny(e.Detail, "<>") {
			f := *evidence{event: pageShown, text: oneLine(e.Detail), version: e.Version, channel: e.Channel, device: e.Device}.explain()
			f.Quotes = d.published(i)
			d.Add(f)
		}
	}
}

// judgeSkipped says why a channel that was asked about was left out. Most channels
// are made by hand.
func (d *diagnosis) judgeSkipped(e Entry) {
	if d.Channel == "" || e.Cause != nil && e.Cause == d.run.Cause {
		return
	}
	quotes := d.lines.lastWith("Skipping non-auto channel: " + e.Channel)
	known := evidence{event: leftOut, channel: e.Channel}
	if len(quotes) > 0 {
		known.text = quotes[0].Text
	}
	f := *known.explain()
	f.Quotes = quotes
	d.Add(f)
}

// entryLines are the kept lines of an entry.
func (d *diagnosis) entryLines(i int) []Quote {
	e := d.run.Entries[i]
	if e.Line == 0 {
		return nil
	}
	next := 0
	for _, o := range d.run.Entries[i+1:] {
		if o.Line > e.Line {
			next = o.Line
			break
		}
	}
	return d.lines.between(e.Line, next)
}

// lastCall is the last call of a generator, and the file that it brought.
func (d *diagnosis) lastCall(i int) []Quote {
	var quotes []Quote
	for _, q := range d.entryLines(i) {
		_, text := recordOf([]byte(q.Text))
		switch t := string(text); {
		case strings.HasPrefix(t, "Calling '"):
			quotes = []Quote{q}
		case strings.HasPrefix(t, "New file from '"), strings.HasPrefix(t, "Publishing new image"):
			if len(quotes) < 3 {
				quotes = append(quotes, q)
			}
		}
	}
	return quotes
}

// published is the line that announced an image.
func (d *diagnosis) published(i int) []Quote {
	for _, q := range d.entryLines(i) {
		if strings.Contains(q.Text, " Publishing new image '") {
			return []Quote{q}
		}
	}
	return nil
}

// failure are the lines that say why a device got no image: errors since the
// generator was called, and its None.
func (d *diagnosis) failure(i int) []Quote {
	var quotes []Quote
	for _, q := range d.entryLines(i) {
		level, text := recordOf([]byte(q.Text))
		switch {
		case strings.HasPrefix(string(text), "Calling '"):
			quotes = nil
		case level == "", level == "WARNING", strings.HasPrefix(string(text), "New file from '"), strings.HasPrefix(string(text), "Publishing"),
			strings.HasPrefix(string(text), "Skipping"):
		default:
			quotes = append(quotes, q)
			if strings.HasPrefix(string(text), "No image") {
				return quotes
			}
		}
	}
	return quotes
}
