package importlog

import (
	"fmt"
	"io"
	"iter"
	"math/bits"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/serverlog"
)

// A Run is one run of import-images, as its log tells it: what happened
// to every channel and device, and why.
//
// import-images exits with 0 whatever a source did, publishes nothing when a
// line of its configuration is malformed, and stops at the first exception, so
// that a broken channel keeps all after it from their turn, on every run.
type Run struct {
	Entries []Entry // in the order of the run

	// Level is the lowest level that the log has: DEBUG, INFO, WARNING, ERROR,
	// or empty without any record. Without INFO a log does not say what was
	// published: Entries is empty, and Problems is all there is.
	Level string

	Locked    bool   // something else held the global lock: nothing was done
	Complete  bool   // the last step, telling the mirrors, was reached
	Exception string // what the run died of, such as "Exception: Invalid generator: cdimage-ubunut"
	Cause     string // of what went wrong with the run as a whole
	Remedy    string

	Problems []string // errors and warnings that no entry has, such as those of the configuration
	Mirrors  []string // what ssh said when the mirrors were told; the program does not mind

	First, Last string // time of the first and the last record, local to the server
}

// An Outcome is what an import came to for a device, or a whole channel.
type Outcome string

const (
	Published  Outcome = "published"       // a new version
	NothingNew Outcome = "nothing new"     // the ordinary end
	Cancelled  Outcome = "cancelled"       // a generator gave no file, so no image was made
	Aborted    Outcome = "aborted"         // the whole run ended here
	Unreached  Outcome = "not reached"     // the run ended before: see Run.Expect
	Redirect   Outcome = "redirect"        // the device is held by another channel
	Skipped    Outcome = "not auto"        // the channel is not imported
	NotInTree  Outcome = "not in the tree" // the channel is configured, but was never created
)

// An Entry is what happened to one device of a channel.
type Entry struct {
	Channel string
	Device  string // empty when the outcome is that of the whole channel
	Outcome Outcome

	// Version is the number of a published image, with the number of its files.
	// An aborted entry has it when the image was published before the end.
	Version int
	Files   int
	Detail  string  // version_detail
	Deltas  []Delta // deltas published with it

	Generator string   // that cancelled the image, or was at work at the end
	Cause     string   // in words, when something went wrong
	Remedy    string   // what to do about it
	Warnings  []string // deltas that could not be made, and such
	Line      int      // where the entry begins in the log, from 1
}

// A Delta is a published delta: the version it leads from, and how many
// files it has.
type Delta struct{ Base, Files int }

// Bounds of what is kept of a log, which may hold anything.
const (
	maxImportEntries  = 20000
	maxImportProblems = 50
	maxImportDeltas   = 100
	maxImportNames    = 10000
)

// Parse reads a log of import-images and returns its last run. The log
// may be of any verbosity, of today's programs or those of 2016, with the
// standard error stream among it or without, cut anywhere. A log without any
// record gives an empty run. The only errors are those of r.
func Parse(r io.Reader) (*Run, error) {
	last := &Run{}
	for run, err := range Runs(r) {
		if err != nil {
			return nil, err
		}
		last = run
	}
	return last, nil
}

// Runs yields the runs of a log that a crontab line has appended to for
// months, one after the other, in constant memory. An error of r ends it.
func Runs(r io.Reader) iter.Seq2[*Run, error] {
	return func(yield func(*Run, error) bool) {
		p := importParser{lines: serverlog.NewReader(r), run: &Run{}, number: 1, names: map[string]string{}, turns: map[string]int{}}
		for {
			level, text, err := p.lines.Next()
			switch {
			case err == io.EOF:
				if p.records > 0 || p.exception != "" {
					yield(p.finish(), nil)
				}
				return
			case err != nil:
				yield(nil, &systemimage.Error{Op: "read import log", Line: p.lines.Line, Err: err})
				return
			case level == 0:
				p.other(text)
				continue
			case len(text) == 0:
				text = []byte{' '}
			}
			// Only these can begin another run.
			if (p.ended || p.exception != "" || text[0] == 'P' || text[0] == 'S') && p.over(text) && !yield(p.finish(), nil) {
				return
			}
			p.record(level, text)
		}
	}
}

// Published returns the entries that brought a new version.
func (r *Run) Published() []Entry {
	var list []Entry
	for _, e := range r.Entries {
		if e.Version > 0 {
			list = append(list, e)
		}
	}
	return list
}

// Expect adds what never got its turn: the channels in auto, which are those of
// type auto in the order of etc/config, and the devices that cs lists for them.
// After an exception they are Unreached. In a complete run a channel that
// should be there and is not counts as Skipped: its type is not exactly
// "auto". A log that does not say what it processed is left as it is.
func (r *Run) Expect(auto []string, cs systemimage.Channels) {
	if r.Locked || r.Level != "DEBUG" && r.Level != "INFO" && r.Exception == "" {
		return
	}
	for _, channel := range auto {
		var devices []string
		whole := false
		for _, e := range r.Entries {
			if e.Channel == channel {
				devices = append(devices, e.Device)
				whole = whole || e.Device == "" && e.Outcome != Aborted
			}
		}
		switch {
		case whole:
		case len(devices) == 0 && r.Complete:
			e := Entry{Channel: channel, Outcome: Skipped, Cause: r.Cause, Remedy: r.Remedy}
			if e.Cause == "" {
				e.Cause, e.Remedy = "the run did not process it", "its type in etc/config must be exactly the word auto, without a comment behind it"
			}
			r.Entries = append(r.Entries, e)
		case len(devices) == 0:
			r.Entries = append(r.Entries, Entry{Channel: channel, Outcome: Unreached, Cause: r.Cause, Remedy: r.Remedy})
		case !r.Complete:
			var missing []string
			for d := range cs[channel].Devices {
				if !slices.Contains(devices, d) {
					missing = append(missing, d)
				}
			}
			slices.Sort(missing)
			for _, d := range missing {
				r.Entries = append(r.Entries, Entry{Channel: channel, Device: d, Outcome: Unreached, Cause: r.Cause, Remedy: r.Remedy})
			}
		}
	}
}

// finish returns the run that was read and begins another.
func (p *importParser) finish() *Run {
	run := p.run
	if p.lastLevel == 'E' && p.exception != "" && strings.HasSuffix(p.exception, p.lastText) && p.lastText != "" {
		p.exception = ""
	}
	run.Exception = p.exception
	if p.records > 0 {
		run.Last = string(p.last[:])
		run.Level = [...]string{"DEBUG", "INFO", "WARNING", "ERROR"}[bits.TrailingZeros8(p.levels)]
	}
	p.judge(run)
	*p = importParser{lines: p.lines, names: p.names, turns: p.turns, number: p.number + 1,
		errors: p.errors[:0], generator: p.generator[:0],
		deltas: make([]Delta, 0, len(p.deltas)),
		run:    &Run{Entries: make([]Entry, 0, len(run.Entries))}} // the next is as long
	if len(run.Entries) == 0 {
		run.Entries = nil
	}
	return run
}

// judge says what the end of the log means for the run.
func (p *importParser) judge(run *Run) {
	malformed := slices.ContainsFunc(run.Problems, func(s string) bool { return strings.Contains(s, "using empty configuration") })
	told := run.Level == "DEBUG" || run.Level == "INFO"
	switch {
	case run.Locked:
		run.Cause, run.Remedy = "something else held the global lock: nothing was done", "run it again later"
	case malformed:
		run.Cause = "etc/config cannot be parsed, so an empty configuration was used: nothing was imported"
		run.Remedy = "mend the line that is named among the problems"
	case run.Exception != "":
		run.Cause, run.Remedy = ExceptionCause(run.Exception, p.tool)
		if quoted(p.generator) == "remote-system-image" && strings.Contains(run.Exception, "JSONDecodeError") {
			run.Remedy = "the other server answers with something that is no JSON: correct its address in etc/config; every channel after this one waits for it"
		}
	case !run.Complete && told:
		run.Cause = "the log ends before the run does: it was killed, died with its last words elsewhere, or is still running"
		run.Remedy = "look at the standard error stream, and for left-overs before the next run"
	}
	if n := len(run.Entries); n > 0 && !run.Complete && run.Entries[n-1].Outcome == Aborted {
		e := &run.Entries[n-1]
		e.Cause, e.Remedy, e.Generator = run.Cause, run.Remedy, quoted(p.generator)
		switch p.step {
		case atFull:
			e.Cause = fmt.Sprintf("%s; it was about to publish version %d", e.Cause, e.Version)
			e.Version, e.Files, e.Detail = 0, 0, ""
		case atDelta:
			if k := len(e.Deltas); k > 0 {
				e.Cause = fmt.Sprintf("%s; it was about to publish the delta from %d, and the percentage of the image is 100", e.Cause, e.Deltas[k-1].Base)
				e.Deltas = e.Deltas[:k-1]
			}
		case atExpiry:
			if e.Version > 0 {
				e.Outcome, e.Cause, e.Remedy, e.Generator = Published, "", "", ""
			}
		}
		if len(e.Deltas) == 0 {
			e.Deltas = nil
		}
	} else if p.step == atAliases && !run.Complete && run.Exception != "" {
		p.run = run
		p.add(Entry{Channel: p.channel, Outcome: Aborted, Cause: "while aliases were synchronized: " + run.Cause, Remedy: run.Remedy})
	}
}
