package importlog

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// Options narrow a diagnosis, and say what is known besides the log.
type Options struct {
	Channel string // that misses an image; empty is all
	Device  string // that misses it; empty is all

	// Auto are the channels of type auto in the order of etc/config, and Channels
	// the devices of each: what a run should have come to. See [Run.Expect].
	Auto     []string
	Channels systemimage.Channels
}

// Diagnose reports on a log of import-images: that of one run, or what a crontab
// line appended for months, at any verbosity, with the standard error stream in it
// or without. The last run counts that got the global lock. The only errors are
// those of log.
func Diagnose(log io.Reader, o Options) (Report, error) {
	r := Report{Channel: o.Channel, Device: o.Device}
	d, err := readRuns(log)
	if err != nil {
		return r, err
	}
	d.Report = &r
	if d.run != nil {
		d.run.Expect(o.Auto, o.Channels)
	}
	d.judge()
	r.Conclude()
	return r, nil
}

// A diagnosis is a report in the making, and what was kept of the log.
type diagnosis struct {
	*Report
	run    *Run // the last that did something; nil without any
	lines  *logLines
	runs   int
	others int  // runs of other programs
	built  bool // a log of the image builder, or of Launchpad's, stands in this one's place
	locked int  // runs at the end that met the lock
	lock   *Run // the first of them
}

func readRuns(log io.Reader) (*diagnosis, error) {
	d := &diagnosis{lines: &logLines{}}
	for run, err := range Runs(io.TeeReader(log, d.lines)) {
		if err != nil {
			return nil, err
		}
		switch {
		case run.foreign:
			d.others++
			continue
		case run.builder && run.Level == "": // without a record
			d.built = true
			continue
		}
		d.runs++
		if run.Locked {
			if d.locked++; d.locked == 1 {
				d.lock = run
			}
			continue
		}
		d.run, d.locked, d.lock = run, 0, nil
	}
	d.lines.end()
	return d, nil
}

// judge writes into the report what the log tells.
func (d *diagnosis) judge() {
	if d.others > 0 {
		d.Looked = append(d.Looked, fmt.Sprintf("the same log has runs of other programs, such as copy-image: %d", d.others))
	}
	switch {
	case d.runs == 0 && d.built:
		d.Looked = append(d.Looked, "a log of the image builder or of Launchpad, not of import-images")
		d.Verdict = CannotTell
		d.Notice("such a log is read by examples/failedbuild")
		return
	case d.runs == 0:
		d.Looked = append(d.Looked, "a log without any record")
		d.Verdict = CannotTell
		d.Notice("without -vv the importer says neither that all went well, nor that it met the global lock: run it with -vv (failedimport -run), or give it -vv in the crontab")
		return
	case d.runs == 1:
		d.Looked = append(d.Looked, fmt.Sprintf("the log of one run%s", span(d.newest())))
	default:
		d.Looked = append(d.Looked, fmt.Sprintf("the last of %d runs in the log%s", d.runs, span(d.newest())))
	}
	if d.locked > 0 {
		d.judgeLock()
	}
	if d.run == nil {
		return
	}
	if d.run.told() && d.Channel != "" {
		d.run.Expect([]string{d.Channel}, nil)
	}
	d.judgeRun()
	for i, e := range d.run.Entries {
		d.judgeEntry(i, e)
	}
	d.judgeOtherDamage()
	d.judgeQuiet()
	if d.Device != "" && d.Channel != "" && d.run.told() {
		d.judgeDevice()
	}
	if len(d.run.Mirrors) > 0 {
		f := *evidence{event: untold, text: d.run.Mirrors[0]}.explain()
		for _, m := range d.run.Mirrors {
			f.Quotes = append(f.Quotes, d.lines.lastWith(m)...)
		}
		d.Add(f)
	}
}

// newest is the run that the report is about.
func (d *diagnosis) newest() *Run {
	if d.run != nil {
		return d.run
	}
	return d.lock
}

func span(run *Run) string {
	if run.First == "" {
		return ""
	}
	return fmt.Sprintf(" (%s to %s, the server's time, level %s)", run.First, run.Last, run.Level)
}

func (d *diagnosis) judgeLock() {
	f := *d.lock.Cause
	f.Quotes = d.lines.lastWith("Something else holds the global lock")
	if d.locked > 1 {
		f.Problem = fmt.Sprintf("something else has held the global lock since %s, in %d runs one after the other: nothing was done, with exit status 0", d.lock.First, d.locked)
	}
	d.Add(f)
}

// judgeRun says what went wrong with the run as a whole.
func (d *diagnosis) judgeRun() {
	run := d.run
	if run.Cause == nil {
		return
	}
	f := *run.Cause
	switch {
	case f.Class == "not-begun":
		f.Quotes = d.lines.lastWith(run.Exception)
	case run.Exception != "":
		f.Problem = "the run died: " + f.Problem
		f.Quotes = d.lines.lastWith(run.Exception)
	case f.Class == EmptyConfig:
		f.Quotes = d.lines.configuration()
	}
	// the entry that it died in, or -1
	failed := slices.IndexFunc(run.Entries, func(e Entry) bool { return e.Outcome == Aborted })
	if failed >= 0 {
		e := run.Entries[failed]
		f.add(Place{e.Channel, e.Device})
		if e.Cause != run.Cause {
			f.Problem = "the run died: " + e.Cause.Problem
		}
		if !slices.ContainsFunc(f.Quotes, func(q Quote) bool { return q.Line < e.Line }) {
			f.Quotes = append(d.lastCall(failed), f.Quotes...)
		}
	}
	for _, e := range run.Entries {
		if e.Outcome == Unreached && d.Asked(Place{e.Channel, e.Device}) {
			f.Waiting = append(f.Waiting, Place{e.Channel, e.Device})
		}
	}
	d.Add(f)
}

// judgeDevice says why a device of a channel that had its turn is not there.
func (d *diagnosis) judgeDevice() {
	if slices.ContainsFunc(d.Outcomes, func(t Turn) bool {
		return t.Device == d.Device || t.Device == "" && t.Outcome != NothingNew
	}) {
		return
	}
	if !d.run.Complete {
		for i := range d.Findings {
			if d.Findings[i].About == AboutRun {
				d.Findings[i].Waiting = append(d.Findings[i].Waiting, Place{d.Channel, d.Device})
			}
		}
		return
	}
	var others []string
	for _, e := range d.run.Entries {
		if e.Channel == d.Channel && e.Device != "" {
			others = append(others, e.Device)
		}
	}
	f := *evidence{event: noDevice, channel: d.Channel, device: d.Device}.explain()
	if len(others) > 0 {
		f.Problem += "; those that had their turn are " + strings.Join(others, ", ")
	}
	d.Add(f)
}

// judgeQuiet judges a log of errors and warnings only, which does not say which
// device they are about.
func (d *diagnosis) judgeQuiet() {
	run := d.run
	misread := run.Cause != nil && run.Cause.Class == EmptyConfig
	if !run.told() && (len(run.Problems) > 0 && !misread || run.Cause == nil) {
		d.Verdict = CannotTell
		d.Notice("the log has level %s only: it does not say what was published", run.Level)
	}
	if misread {
		return // its problems say why
	}
	if run.Level == "WARNING" {
		for _, p := range run.Problems {
			d.Notice("%s", p)
		}
	}
	for _, p := range problems(run.Problems) {
		d.judgeProblem(p)
	}
}

// judgeProblem judges an error of which the log does not say which device it is
// about.
func (d *diagnosis) judgeProblem(text string) {
	f := *explainProblem(text)
	if f.Class == sourceUnknown && d.run.Level == "WARNING" {
		return // what is left of a device's warnings
	}
	if f.Channel != "" && !d.Asked(Place{Channel: f.Channel}) {
		return
	}
	for part := range strings.SplitSeq(text, "; ") {
		f.Quotes = append(f.Quotes, d.lines.lastWith(part)...)
	}
	if d.Channel != "" && f.Channel == "" {
		f.Remedy += "; whether it concerns " + d.Channel + " is not in a log of this level"
	}
	d.Add(f)
}

// explainProblem says what an error of Run.Problems means.
func explainProblem(text string) *Finding {
	if channel, ok := strings.CutPrefix(text, "Invalid channel name: "); ok {
		return evidence{event: notInTree, channel: channel}.explain()
	}
	return evidence{event: noFile, text: text}.explain()
}

// problems joins an exception with the record that follows it and names the URL.
func problems(list []string) []string {
	var joined []string
	for i := 0; i < len(list); i++ {
		if i+1 < len(list) && strings.HasPrefix(list[i+1], "Failed to ") {
			joined = append(joined, list[i]+"; "+list[i+1])
			i++
			continue
		}
		joined = append(joined, list[i])
	}
	return joined
}
