package web

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/landingteam/landing/runbook"
)

// A picture is a time line, with the ramp below it, as its template has it. Lengths are
// in its units, of which it is 900 wide.
type picture struct {
	Procedure, Word, From, To string
	Rows                      []pictureRow
	More, MoreY               int
	BarsFrom, BarsWide        int
	Ramp                      *ramp
	RampY, Height             int
}

type pictureRow struct {
	Name, Class, Note string
	Y                 int
	X, W              string
}

const (
	rowTop, rowHigh    = 56, 20
	barsFrom, barsWide = 390, 380
	nameLength         = 56 // in characters
)

// ReportSVG writes a picture of a run: when each part of it was at work, and how it was
// phased in.
func ReportSVG(w io.Writer, s runbook.Status) error {
	p := picture{Procedure: s.Procedure, Word: wordOf(s, nil), From: clock(s.Began), To: clock(s.Last), BarsFrom: barsFrom, BarsWide: barsWide}
	y := rowTop
	if line := timelineOf(s); line != nil {
		for _, b := range line.Bars {
			scale := float64(barsWide) / lineWidth
			p.Rows = append(p.Rows, pictureRow{Name: shortened(b.Name), Class: b.Class, Note: strings.TrimSpace(took(b.Took) + " " + b.Who), Y: y,
				X: fmt.Sprintf("%.1f", barsFrom+b.X*scale), W: fmt.Sprintf("%.1f", b.W*scale)})
			y += rowHigh
		}
		if p.More = line.Left; p.More > 0 {
			p.MoreY = y
			y += rowHigh
		}
	}
	if p.Ramp = rampOf(s); p.Ramp != nil {
		p.RampY = y + 40
		y = p.RampY + 260
	}
	p.Height = y + 10
	return draw(w, "report.svg", p)
}

// shortened is a name that fits, without its middle.
func shortened(name string) string {
	if r := []rune(name); len(r) > nameLength {
		return string(r[:nameLength/3]) + "…" + string(r[len(r)-2*nameLength/3+1:])
	}
	return name
}

// PlanSVG writes a picture of the plan of a procedure, in the words of its records.
func PlanSVG(w io.Writer, procedure string, plan []runbook.Record) error {
	type line struct {
		Word, Text, Class string
		Y                 int
	}
	p := struct {
		Procedure string
		Lines     []line
		Height    int
	}{Procedure: procedure}
	classes := map[string]string{"ask": "waits-for-a-person", "do": "done", "hold": "approved", "give back": "approved"}
	y := rowTop + 6
	for _, rec := range plan {
		if rec.Kind == runbook.Done && rec.Verb != runbook.VerbDo && rec.Verb != runbook.VerbWait {
			continue // it was only looked at
		}
		word, text, _ := strings.Cut(rec.String(), "  ")
		p.Lines = append(p.Lines, line{word, strings.TrimSpace(text), classes[word], y})
		y += rowHigh
	}
	p.Height = y
	return draw(w, "plan.svg", p)
}

// draw fills a template of this package.
func draw(w io.Writer, name string, p any) error {
	var b bytes.Buffer
	if err := pages().ExecuteTemplate(&b, name, p); err != nil {
		return err
	}
	_, err := b.WriteTo(w)
	return err
}
