// Package metrics counts what runs do, for whoever watches a service: as OpenMetrics
// text for a scraper, and as a variable for expvar.
//
//	var c metrics.Counters
//	runner := &runbook.Runner{Observe: c.Observe}            // or beside an observer of one's own
//	http.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
//		w.Header().Set("Content-Type", metrics.ContentType)
//		c.WriteTo(w)
//	})
//	expvar.Publish("landing", &c)
//
// The nouns, in reading order:
//
//   - [Counters] are fed by the Observe function of any number of runners. They hold
//     numbers only: no step's name, no text, nothing that could be secret.
//   - What is counted: records by what happened, starts of runs by how they ended,
//     and as gauges the starts under way, the holds that are owed, the questions that
//     are open, and the time of the last record.
//
// A gauge knows what was observed by this process: what a killed process left owed
// stands in its journal, see runbook.ReadStatus.
//
// # Errors
//
//	situation                      error
//	the writer fails               its error, as it is
package metrics

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/runbook"
)

// ContentType is that of what [Counters.WriteTo] writes.
const ContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

// Counters count what runs do. The zero value is ready, and safe for use by several
// goroutines; it must not be copied after its first use.
type Counters struct {
	mu      sync.Mutex
	records map[runbook.Kind]int64
	endings map[string]int64
	runs    map[string]*open // that are under way, or owe something
	last    time.Time
}

// open is what is open of a run.
type open struct {
	underWay    bool
	owed, asked map[string]bool // steps
}

// Observe counts a record: give it to a runner as its Observe, or call it from there.
func (c *Counters) Observe(rec runbook.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if rec.Kind == runbook.Progress || rec.Kind == runbook.Planned {
		return // no record of a journal
	}
	if c.records == nil {
		c.records, c.endings, c.runs = map[runbook.Kind]int64{}, map[string]int64{}, map[string]*open{}
	}
	c.records[rec.Kind]++
	if rec.Time.After(c.last) {
		c.last = rec.Time
	}
	r := c.runs[rec.Run]
	if r == nil {
		r = &open{owed: map[string]bool{}, asked: map[string]bool{}}
		c.runs[rec.Run] = r
	}
	switch rec.Kind {
	case runbook.Opened, runbook.Resumed, runbook.Settling:
		r.underWay = true
	case runbook.Ended:
		r.underWay = false
		c.endings[rec.Reason]++
	case runbook.Armed, runbook.Owed:
		r.owed[rec.Step] = true
	case runbook.Released:
		delete(r.owed, rec.Step)
	case runbook.Asked:
		r.asked[rec.Step] = true
	default:
		delete(r.asked, rec.Step)
	}
	if !r.underWay && len(r.owed) == 0 && len(r.asked) == 0 {
		delete(c.runs, rec.Run)
	}
}

// A snapshot is what the counters say at one moment.
type snapshot struct {
	Records  map[runbook.Kind]int64 `json:"records"`
	Starts   map[string]int64       `json:"starts"` // by how they ended
	UnderWay int                    `json:"under_way"`
	Owed     int                    `json:"owed"`
	Asked    int                    `json:"questions"`
	Last     time.Time              `json:"last,omitzero"`
}

func (c *Counters) snapshot() snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := snapshot{Records: maps.Clone(c.records), Starts: maps.Clone(c.endings), Last: c.last}
	for _, r := range c.runs {
		if r.underWay {
			s.UnderWay++
		}
		s.Owed += len(r.owed)
		s.Asked += len(r.asked)
	}
	return s
}

// String is what the counters say as JSON, which makes them a variable for expvar.
func (c *Counters) String() string {
	text, err := json.Marshal(c.snapshot())
	if err != nil {
		return "{}"
	}
	return string(text)
}

// WriteTo writes the counters as OpenMetrics text, see [ContentType].
func (c *Counters) WriteTo(w io.Writer) (int64, error) {
	s := c.snapshot()
	var b strings.Builder
	family := func(name, kind, help string) {
		fmt.Fprintf(&b, "# TYPE landing_%s %s\n# HELP landing_%[1]s %[3]s\n", name, kind, help)
	}
	family("records", "counter", "Records of runs by what happened.")
	for _, k := range slices.Sorted(maps.Keys(s.Records)) {
		fmt.Fprintf(&b, "landing_records_total{kind=%q} %d\n", k, s.Records[k])
	}
	family("starts", "counter", "Starts of runs by how they ended.")
	for _, e := range slices.Sorted(maps.Keys(s.Starts)) {
		fmt.Fprintf(&b, "landing_starts_total{ending=%q} %d\n", e, s.Starts[e])
	}
	for _, g := range []struct {
		name, help string
		value      int
	}{
		{"under_way", "Starts of runs that are under way.", s.UnderWay},
		{"owed", "Holds that were taken and not given back.", s.Owed},
		{"questions", "Questions that wait for a person.", s.Asked},
	} {
		family(g.name, "gauge", g.help)
		fmt.Fprintf(&b, "landing_%s %d\n", g.name, g.value)
	}
	if !s.Last.IsZero() {
		family("last_record_timestamp_seconds", "gauge", "Time of the last record.")
		fmt.Fprintf(&b, "landing_last_record_timestamp_seconds %.3f\n", float64(s.Last.UnixMilli())/1000)
	}
	b.WriteString("# EOF\n")
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}
