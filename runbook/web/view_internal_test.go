package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
)

// at is a moment of the day on which the runs of these tests go on.
func at(minute int) time.Time { return time.Date(2026, 3, 2, 9, minute, 0, 0, time.UTC) }

func step(name string, verb runbook.Verb, kind runbook.Kind, from, to int, result string) runbook.StepStatus {
	return runbook.StepStatus{Began: at(from), Record: runbook.Record{Step: name, Verb: verb, Kind: kind, Time: at(to), Result: json.RawMessage(result)}}
}

// Groups are those of pairs, whose names have slashes, and of rounds with all below.
func TestGroups(t *testing.T) {
	var got []string
	for _, g := range groupsOf([]runbook.StepStatus{
		step("candidates", runbook.VerbRead, runbook.Done, 0, 0, "1"),
		step("ubuntu-touch/rc/meizu.en:arale/copy", runbook.VerbDo, runbook.Done, 1, 2, "1"),
		step("ubuntu-touch/rc/bq.en:krillin/copy", runbook.VerbDo, runbook.Failed, 2, 4, ""),
		step("ubuntu-touch/rc/meizu.en:arale/verify", runbook.VerbVerify, runbook.Done, 5, 5, "1"),
		step("round 1/what is due", runbook.VerbWait, runbook.Done, 5, 6, "1"),
		step("round 1/ubuntu-touch/rc/meizu.en:arale/set 1%", runbook.VerbDo, runbook.Started, 6, 6, ""),
		step("go", runbook.VerbGate, runbook.Asked, 7, 7, ""),
	}) {
		text := fmt.Sprintf("%s [%s, %v, open %t]", g.Name, g.Word, g.Took(), g.Open)
		for _, s := range g.Steps {
			text += " " + g.Below(s.Step)
		}
		got = append(got, text)
	}
	want := []string{
		" [waits for a person, 7m0s, open true] candidates go",
		"ubuntu-touch/rc/meizu.en:arale [done, 4m0s, open false] copy verify",
		"ubuntu-touch/rc/bq.en:krillin [failed, 2m0s, open true] copy",
		"round 1 [under way, 1m0s, open true] what is due ubuntu-touch/rc/meizu.en:arale/set 1%",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The ramp is drawn from what steps set, of the image that lies lowest, and with the
// true share; what only looks like a result of that kind is left out.
func TestRamp(t *testing.T) {
	set := func(device string, from, to, minute int) runbook.StepStatus {
		return step(fmt.Sprintf("%s/set %d%%", device, to), runbook.VerbDo, runbook.Done, minute, minute,
			fmt.Sprintf(`{"channel":"stable","device":%q,"version":2,"percentage":%d,"before":%d}`, device, to, from))
	}
	s := runbook.Status{Began: at(0), Last: at(30), Steps: []runbook.StepStatus{
		set("arale", 0, 1, 0), set("krillin", 0, 1, 1), set("arale", 1, 100, 10),
		step("odd", runbook.VerbDo, runbook.Done, 11, 11, `{"channel":"stable","device":"x","version":2,"percentage":101,"before":0}`),
		step("copy", runbook.VerbDo, runbook.Done, 11, 11, `{"channel":"stable","device":"x","version":2,"percentage":0}`),
		step("text", runbook.VerbDo, runbook.Done, 11, 11, `"percentage"`),
		step("failed", runbook.VerbDo, runbook.Failed, 11, 11, `{"channel":"stable","device":"x","version":2,"percentage":0,"before":1}`),
		set("krillin", 1, 100, 20),
	}}
	r := rampOf(s)
	if r == nil {
		t.Fatal("there is none")
	}
	var points []string
	for _, p := range r.Points {
		points = append(points, fmt.Sprintf("%s %s %d>%d %.2f", p.Time.Format("15:04"), p.Image, p.From, p.To, p.Share))
	}
	if diff := cmp.Diff([]string{"09:00 stable:arale:2 0>1 1.98", "09:01 stable:krillin:2 0>1 1.98", "09:10 stable:arale:2 1>100 100.00",
		"09:20 stable:krillin:2 1>100 100.00"}, points); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Both paths rise twice: when the second image follows the first.
	for name, path := range map[string]string{"nominal": r.Nominal, "share": r.Share} {
		if n := strings.Count(path, "V"); n != 2 || !strings.HasPrefix(path, "M46 228.0H") || !strings.Contains(path, "V12.0") {
			t.Errorf("%s: %q", name, path)
		}
	}
	if strings.Contains(r.Share, "V225.8") || !strings.Contains(r.Nominal, "V225.8") || !strings.Contains(r.Share, "V223.7") {
		t.Errorf("1 %% is 1.98 %% of the devices: %q and %q", r.Nominal, r.Share)
	}
	if rampOf(runbook.Status{Steps: s.Steps[3:7]}) != nil {
		t.Error("a ramp of nothing")
	}
}

// Bars lie within the line, however short the run and however many there are.
func TestTimeline(t *testing.T) {
	var steps []runbook.StepStatus
	for i := range maxBars + 5 {
		steps = append(steps, step(fmt.Sprintf("step %d", i), runbook.VerbDo, runbook.Done, i/2, i/2+1, "1"))
	}
	for name, s := range map[string]runbook.Status{
		"long":       {Began: at(0), Last: at(59), Steps: steps},
		"no time":    {Began: at(0), Last: at(0), Steps: steps[:1]},
		"odd clocks": {Began: at(30), Last: at(10), Steps: steps},
	} {
		line := timelineOf(s)
		for _, b := range line.Bars {
			if b.X < 0 || b.W <= 0 || b.X > lineWidth {
				t.Errorf("%s: %s from %.1f, wide %.1f", name, b.Name, b.X, b.W)
			}
		}
		if len(line.Bars)+line.Left != len(s.Steps) {
			t.Errorf("%s: %d bars and %d left of %d", name, len(line.Bars), line.Left, len(s.Steps))
		}
	}
	if timelineOf(runbook.Status{}) != nil {
		t.Error("a line of nothing")
	}
}

// A program gets JSON when it asks for it before any page.
func TestWantsJSON(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json": true, "application/json;q=0.9": true, "text/html,application/json": false,
		"text/plain, application/json": true, "text/html,application/xhtml+xml,*/*;q=0.8": false,
	} {
		if got := wantsJSON(request(accept)); got != want {
			t.Errorf("%q: %t", accept, got)
		}
	}
}

// Markdown of others means nothing.
func TestMark(t *testing.T) {
	for text, want := range map[string]string{
		"plain, 1%":                    "plain, 1%",
		"[a](javascript:b) ![c](d)":    `\[a\](javascript:b) \!\[c\](d)`,
		"<script>`x`</script>":         "\\<script\\>\\`x\\`\\</script\\>",
		"**bold** _low_ # one | two ~": `\*\*bold\*\* \_low\_ \# one \| two \~`,
		"two\nlines\u202e":             "two lines\uFFFD",
	} {
		if got := mark(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if got := fenced("a\n```\nb"); !strings.HasPrefix(got, "````\n") || !strings.HasSuffix(got, "\n````\n") {
		t.Errorf("the text ends the fence: %q", got)
	}
}

func request(accept string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept", accept)
	return r
}
