package procedure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage/importlog"
)

// judge writes into the report what the log tells.
func (x *importLog) judge(r *ImportReport) {
	switch {
	case x.runs == 0:
		r.Looked = append(r.Looked, "a log without any record")
		r.Verdict = ImportNotKnown
		r.notice("without -vv the importer says neither that all went well, nor that it met the global lock: run it with -vv (failedimport -run), or give it -vv in the crontab")
		return
	case x.runs == 1:
		r.Looked = append(r.Looked, fmt.Sprintf("the log of one run%s", span(x.newest())))
	default:
		r.Looked = append(r.Looked, fmt.Sprintf("the last of %d runs in the log%s", x.runs, span(x.newest())))
	}
	if x.locked > 0 {
		x.judgeLock(r)
	}
	if x.run == nil {
		return
	}
	run := x.run
	if told(run) && r.Channel != "" {
		run.Expect([]string{r.Channel}, nil)
	}
	x.judgeRun(r)
	for i, e := range run.Entries {
		x.judgeEntry(r, i, e)
	}
	x.judgeQuiet(r)
	if r.Device != "" && r.Channel != "" && told(run) {
		x.judgeDevice(r)
	}
	if len(run.Mirrors) > 0 {
		f := ImportFinding{About: "run", Cause: "a mirror was not told, and the importer does not mind: " + run.Mirrors[0],
			Remedy: "mend the mirror's address, key or host: see mirrors in [global] and [mirror_default] of etc/config; the next import tells it again"}
		for _, m := range run.Mirrors {
			f.Quotes = append(f.Quotes, x.lines.lastWith(m)...)
		}
		r.add(f)
	}
}

// newest is the run that the report is about.
func (x *importLog) newest() *importlog.Run {
	if x.run != nil {
		return x.run
	}
	return x.lock
}

func span(run *importlog.Run) string {
	if run.First == "" {
		return ""
	}
	return fmt.Sprintf(" (%s to %s, the server's time, level %s)", run.First, run.Last, run.Level)
}

// told reports whether the log says what was processed.
func told(run *importlog.Run) bool { return run.Level == "INFO" || run.Level == "DEBUG" }

func (x *importLog) judgeLock(r *ImportReport) {
	f := ImportFinding{About: "lock", Cause: "something else held the global lock: nothing was done, with exit status 0",
		Quotes:   x.lines.lastWith("Something else holds the global lock"),
		Remedy:   "find out what holds it; when it has ended, run the importer again",
		Commands: []string{"fuser -v state/global.lock", "bin/import-images -vv"},
	}
	if x.locked > 1 {
		f.Cause = fmt.Sprintf("something else has held the global lock since %s, in %d runs one after the other: nothing was done, with exit status 0", x.lock.First, x.locked)
	}
	r.add(f)
}

// judgeRun says what went wrong with the run as a whole.
func (x *importLog) judgeRun(r *ImportReport) {
	run := x.run
	if run.Cause == "" || run.Locked {
		return
	}
	// the entry that it died in, or -1
	failed := slices.IndexFunc(run.Entries, func(e importlog.Entry) bool { return e.Outcome == importlog.Aborted })
	f := ImportFinding{About: "run", Cause: run.Cause, Remedy: run.Remedy}
	switch {
	case run.Exception != "":
		f.Cause = "the run died: " + run.Cause
		f.Quotes = x.lines.lastWith(run.Exception)
		f.Remedy, f.Commands = exceptionRemedy(run.Exception, run.Remedy, x.newFile(failed))
		if aboutConfig(run.Exception) {
			f.About = "configuration"
		}
	case strings.Contains(run.Cause, "empty configuration"):
		f.About = "configuration"
		f.Quotes = x.lines.configuration()
		f.Remedy = "mend the line of etc/config that is named"
		if n := faultyLines(f.Quotes); n != "" {
			f.Remedy = fmt.Sprintf("mend line %s of etc/config: each line must be a [section], key = value or a comment, and no section or key may stand twice", n)
		}
		f.Commands = []string{"bin/import-images -vv"}
	default:
		f.Quotes = x.lines.lastWith("") // the end of the log speaks for itself
	}
	if failed >= 0 {
		e := run.Entries[failed]
		f.Places = []ImportPlace{{e.Channel, e.Device}}
		if strings.HasPrefix(e.Cause, "while aliases") || e.Cause != run.Cause {
			f.Cause = "the run died: " + e.Cause
		}
		if !slices.ContainsFunc(f.Quotes, func(q ImportQuote) bool { return q.Line < e.Line }) {
			f.Quotes = append(x.lastCall(failed), f.Quotes...)
		}
	}
	for _, e := range run.Entries {
		if e.Outcome == importlog.Unreached && r.asked(ImportPlace{e.Channel, e.Device}) {
			f.Waiting = append(f.Waiting, ImportPlace{e.Channel, e.Device})
		}
	}
	r.add(f)
}

// entryLines are the kept lines of an entry.
func (x *importLog) entryLines(i int) []ImportQuote {
	e := x.run.Entries[i]
	if e.Line == 0 {
		return nil
	}
	next := 0
	for _, o := range x.run.Entries[i+1:] {
		if o.Line > e.Line {
			next = o.Line
			break
		}
	}
	return x.lines.between(e.Line, next)
}

// lastCall is the last call of a generator, and the file that it brought.
func (x *importLog) lastCall(i int) []ImportQuote {
	var quotes []ImportQuote
	for _, q := range x.entryLines(i) {
		_, text := recordOf([]byte(q.Text))
		switch t := string(text); {
		case strings.HasPrefix(t, "Calling '"):
			quotes = []ImportQuote{q}
		case strings.HasPrefix(t, "New file from '"), strings.HasPrefix(t, "Publishing new image"):
			if len(quotes) < 3 {
				quotes = append(quotes, q)
			}
		}
	}
	return quotes
}

// newFile is the last new file of an entry, as a path below www.
func (x *importLog) newFile(i int) string {
	file := ""
	if i < 0 {
		return ""
	}
	for _, q := range x.entryLines(i) {
		_, text := recordOf([]byte(q.Text))
		if rest, ok := strings.CutPrefix(string(text), "New file from '"); ok {
			_, file, _ = strings.Cut(rest, "': ")
		} else if strings.HasPrefix(string(text), "Calling '") {
			file = ""
		}
	}
	return file
}

func (x *importLog) judgeEntry(r *ImportReport, i int, e importlog.Entry) {
	place := ImportPlace{e.Channel, e.Device}
	if !r.asked(place) {
		if e.Outcome == importlog.Cancelled || e.Outcome == importlog.NotInTree {
			r.notice("%s has a fault too: %s", place, oneLine(e.Cause))
		}
		return
	}
	r.Outcomes = append(r.Outcomes, ImportTurn{Channel: e.Channel, Device: e.Device, Outcome: e.Outcome, Version: e.Version,
		Detail: e.Detail, Deltas: len(e.Deltas), Generator: e.Generator, Line: e.Line})
	for _, w := range e.Warnings {
		r.notice("%s: %s: that delta is not made; see deltabase of the channel in etc/config", place, w)
	}
	f := ImportFinding{About: "source", Places: []ImportPlace{place}, Cause: oneLine(e.Cause), Remedy: e.Remedy}
	switch e.Outcome {
	case importlog.Cancelled:
		f.Cause = fmt.Sprintf("the generator %s gave no file, so that no image was made, with exit status 0: %s", e.Generator, f.Cause)
		if e.Generator == "keyring" || e.Generator == "version" {
			f.About = "configuration"
		}
		f.Quotes = x.failure(i)
		f.Commands = askAgain(f.Quotes)
		if len(f.Commands) == 0 {
			f.Commands = []string{showSection(e.Channel), "bin/import-images -vv"}
		}
	case importlog.NotInTree:
		f.About = "tree"
		f.Quotes = x.lines.lastWith("Invalid channel name: " + e.Channel)
		f.Commands = []string{fmt.Sprintf("echo %s | bin/si-shell", shellWord(fmt.Sprintf("pub.create_channel(%q)", e.Channel)))}
	case importlog.Skipped:
		if r.Channel == "" {
			return // most channels are made by hand
		}
		f.About = "configuration"
		f.Cause = "the importer does not process this channel, with exit status 0: it is not in channels of [global], or its type is not exactly the word auto (a comment behind it counts as part of it)"
		f.Quotes = x.lines.lastWith("Skipping non-auto channel: " + e.Channel)
		if len(f.Quotes) > 0 {
			f.Cause = "the channel's type is not exactly the word auto (misspelt, another case, or with a comment behind it), so that the importer leaves it out, with exit status 0"
		}
		f.Remedy = fmt.Sprintf("in etc/config, section [channel_%s], write: type = auto; if its images are copied by hand, use copy-image instead", e.Channel)
		f.Commands = []string{"grep -n ^channels etc/config", showSection(e.Channel), "bin/import-images -vv"}
	case importlog.Redirect:
		if r.Device == e.Device && r.Device != "" {
			r.notice("%s is held by another channel: look there", place)
		}
		return
	case importlog.Published:
		if e.Version > 0 && strings.ContainsAny(e.Detail, "<>") {
			f.About = "image"
			f.Cause = fmt.Sprintf("version %d was published with a page in the place of a version: a monitor answered HTML: %s", e.Version, oneLine(e.Detail))
			f.Quotes = x.published(i)
			f.Remedy = "correct the monitor's address or its server, and take the image back (examples/backout): what was downloaded with it is as doubtful"
			break
		}
		return
	default:
		return
	}
	r.add(f)
}

// published is the line that announced an image.
func (x *importLog) published(i int) []ImportQuote {
	for _, q := range x.entryLines(i) {
		if strings.Contains(q.Text, " Publishing new image '") {
			return []ImportQuote{q}
		}
	}
	return nil
}

// failure are the lines that say why a device got no image: errors since the
// generator was called, and its None.
func (x *importLog) failure(i int) []ImportQuote {
	var quotes []ImportQuote
	for _, q := range x.entryLines(i) {
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

// judgeQuiet judges a log of errors and warnings only, which does not say which
// device they are about.
func (x *importLog) judgeQuiet(r *ImportReport) {
	run := x.run
	if strings.Contains(run.Cause, "empty configuration") || len(run.Problems) == 0 {
		if !told(run) && run.Cause == "" {
			r.Verdict = ImportNotKnown
			r.notice("the log has level %s only: it does not say what was published", run.Level)
		}
		return
	}
	if !told(run) {
		r.Verdict = ImportNotKnown
		r.notice("the log has level %s only: it does not say what was published", run.Level)
	}
	if run.Level == "WARNING" {
		for _, p := range run.Problems {
			r.notice("%s", p)
		}
	}
	for _, p := range problems(run.Problems) {
		cause, remedy, ok := importlog.Problem(p)
		if !ok && run.Level == "WARNING" {
			continue // what is left of a device's warnings
		}
		f := ImportFinding{About: "source", Cause: cause, Remedy: remedy}
		if c, ok := strings.CutPrefix(p, "Invalid channel name: "); ok {
			f.About, f.Places = "tree", []ImportPlace{{Channel: c}}
			if !r.asked(f.Places[0]) {
				continue
			}
		}
		for _, part := range strings.Split(p, "; ") {
			f.Quotes = append(f.Quotes, x.lines.lastWith(part)...)
		}
		f.Commands = askAgain(f.Quotes)
		if r.Channel != "" && len(f.Places) == 0 {
			f.Remedy += "; whether it concerns " + r.Channel + " is not in a log of this level"
		}
		r.add(f)
	}
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

// judgeDevice says why a device of a channel that had its turn is not there.
func (x *importLog) judgeDevice(r *ImportReport) {
	if slices.ContainsFunc(r.Outcomes, func(t ImportTurn) bool {
		return t.Device == r.Device || t.Device == "" && t.Outcome != importlog.NothingNew
	}) {
		return
	}
	var others []string
	for _, e := range x.run.Entries {
		if e.Channel == r.Channel && e.Device != "" {
			others = append(others, e.Device)
		}
	}
	if !x.run.Complete {
		for i := range r.Findings {
			if r.Findings[i].About == "run" {
				r.Findings[i].Waiting = append(r.Findings[i].Waiting, ImportPlace{r.Channel, r.Device})
			}
		}
		return
	}
	f := ImportFinding{About: "tree", Places: []ImportPlace{{r.Channel, r.Device}}, Cause: "the channel has no such device",
		Remedy:   "create the device in the channel, or correct its name",
		Commands: []string{fmt.Sprintf("echo %s | bin/si-shell", shellWord(fmt.Sprintf("pub.create_device(%q, %q)", r.Channel, r.Device)))}}
	if len(others) > 0 {
		f.Cause += "; those that had their turn are " + strings.Join(others, ", ")
	}
	r.add(f)
}

// configuration is what the log says about a configuration that cannot be parsed.
func (l *logLines) configuration() []ImportQuote {
	end := len(l.kept)
	for end > 0 && !strings.Contains(l.kept[end-1].Text, "using empty configuration") {
		end--
	}
	begin := end
	for begin > 0 && end-begin < 12 {
		begin--
		if level, text := recordOf([]byte(l.kept[begin].Text)); level == "ERROR" && !strings.HasPrefix(string(text), "Failed to parse") {
			break
		}
	}
	var quotes []ImportQuote
	seen := map[string]bool{}
	for _, q := range l.kept[begin:end] {
		level, _ := recordOf([]byte(q.Text))
		if level == "" && !strings.HasPrefix(q.Text, "\t[line ") || level != "" && level != "ERROR" || seen[q.Text] {
			continue // the traceback says it twice
		}
		seen[q.Text] = true
		quotes = append(quotes, q)
	}
	return quotes
}
