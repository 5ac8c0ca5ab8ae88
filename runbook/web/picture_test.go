package web_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/web"
)

// Whatever names others gave, a picture is XML, has them as text, and no script.
func TestPictures(t *testing.T) {
	t.Parallel()
	const name = `<script>alert("&")</script>` + "\x1b[2J\u202e"
	begun := time.Date(2016, 9, 7, 11, 0, 0, 0, time.UTC)
	s := runbook.Status{Procedure: name, Starts: 1, Ending: "done", Began: begun, Last: begun.Add(time.Hour)}
	for i := range 70 { // more than are shown
		step := runbook.StepStatus{Began: begun.Add(time.Duration(i) * time.Minute)}
		step.Step, step.Verb, step.Kind, step.By = strings.Repeat(name, i%3+1), runbook.VerbGate, runbook.Approved, name
		step.Time = step.Began.Add(time.Minute)
		s.Steps = append(s.Steps, step)
	}
	plan := []runbook.Record{{Verb: runbook.VerbDo, Kind: runbook.Planned, Intent: name}, {Verb: runbook.VerbRead, Kind: runbook.Done, Step: "looked at"}}
	for what, draw := range map[string]func(io.Writer) error{
		"run":  func(w io.Writer) error { return web.ReportSVG(w, s) },
		"plan": func(w io.Writer) error { return web.PlanSVG(w, name, plan) },
		"none": func(w io.Writer) error { return web.ReportSVG(w, runbook.Status{}) },
	} {
		var b bytes.Buffer
		if err := draw(&b); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		for d := xml.NewDecoder(&b); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v\n%s", what, err, text)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "script" {
				t.Errorf("%s has a script:\n%s", what, text)
			}
		}
		if strings.ContainsAny(text, "\x1b\u202e") || strings.Contains(text, "looked at") {
			t.Errorf("%s:\n%s", what, text)
		}
	}
}
