package importlog

import (
	"io"
	"iter"
	"maps"
	"slices"

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

	// Cause is what went wrong with the run as a whole; nil when nothing did.
	Cause *Finding

	// Damage is what xz failed at, where no entry can have it. The programs do not
	// mind, and publish what it could not write whole.
	Damage []Finding

	Problems []string // errors and warnings that no entry has, such as those of the configuration
	Mirrors  []string // what ssh said when the mirrors were told; the program does not mind

	First, Last string // time of the first and the last record, local to the server

	foreign bool // of another program than import-images
	builder bool // it has lines of the image builder, or of Launchpad's
}

// An Outcome is what an import came to for a device, or a whole channel.
type Outcome string

// The outcomes.
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
	Cause     *Finding // why there is no image; nil when nothing went wrong
	Damage    *Finding // what was published, or left in the pool, cut; nil when nothing was
	Warnings  []string // deltas that could not be made, and such
	Line      int      // where the entry begins in the log, from 1
}

// A Delta is a published delta: the version it leads from, and how many
// files it has.
type Delta struct{ Base, Files int }

// Bounds of what is kept of a log, which may hold anything.
const (
	maxEntries  = 20000
	maxProblems = 50
	maxDeltas   = 100
	maxNames    = 10000
	maxName     = 400 // bytes of a file's name
)

// Parse reads a log of import-images and returns its last run, of those that have
// records if any has. The log
// may be of any verbosity, of today's programs or those of 2016, with the
// standard error stream among it or without, cut anywhere. A log without any
// record gives an empty run. The only errors are those of r.
func Parse(r io.Reader) (*Run, error) {
	last := &Run{}
	for run, err := range Runs(r) {
		if err != nil {
			return nil, err
		}
		if run.Level != "" || last.Level == "" {
			last = run
		}
	}
	return last, nil
}

// Runs yields the runs of a log that a crontab line has appended to for
// months, one after the other, in constant memory. An error of r ends it.
func Runs(r io.Reader) iter.Seq2[*Run, error] {
	return func(yield func(*Run, error) bool) {
		p := parser{lines: serverlog.NewReader(r), run: &Run{}, number: 1, names: map[string]string{}, turns: map[string]int{}}
		for {
			level, text, err := p.lines.Next()
			switch {
			case err == io.EOF:
				if p.said() {
					yield(p.finish(), nil)
				}
				return
			case err != nil:
				yield(nil, &systemimage.Error{Op: "read import log", Line: p.lines.Line, Err: err})
				return
			case level == 0:
				if before := p.unstamped(text); before != nil && !yield(before, nil) {
					return
				}
				continue
			case len(text) == 0:
				text = []byte{' '}
			}
			if p.mayBegin(level, text) && p.over(level, text) && !yield(p.finish(), nil) {
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
	if r.Locked || !r.told() && r.Exception == "" {
		return
	}
	for _, channel := range auto {
		devices, told := r.turns(channel)
		switch {
		case told:
		case len(devices) == 0 && r.Complete:
			cause := r.Cause
			if cause == nil {
				cause = evidence{event: leftOut, channel: channel}.explain()
			}
			r.Entries = append(r.Entries, Entry{Channel: channel, Outcome: Skipped, Cause: cause})
		case len(devices) == 0:
			r.Entries = append(r.Entries, Entry{Channel: channel, Outcome: Unreached, Cause: r.Cause})
		case !r.Complete:
			for _, d := range slices.Sorted(maps.Keys(cs[channel].Devices)) {
				if !slices.Contains(devices, d) {
					r.Entries = append(r.Entries, Entry{Channel: channel, Device: d, Outcome: Unreached, Cause: r.Cause})
				}
			}
		}
	}
}

// told reports whether the log says what was processed.
func (r *Run) told() bool { return r.Level == "INFO" || r.Level == "DEBUG" }

// turns are the devices of a channel that had their turn, and whether the outcome
// of the channel as a whole is known.
func (r *Run) turns(channel string) (devices []string, whole bool) {
	for _, e := range r.Entries {
		if e.Channel == channel {
			devices = append(devices, e.Device)
			whole = whole || e.Device == "" && e.Outcome != Aborted
		}
	}
	return devices, whole
}
