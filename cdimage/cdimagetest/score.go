package cdimagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage"
)

// A Case is one entry of an expected.json: a file and what is to be said of it.
type Case struct {
	File, Kind string
	Arches     map[string]struct {
		State, Link string
		LivefsLog   string `json:"livefs_log"`
		Published   bool
	}
	Project, Series string
	ImageType       string `json:"image_type"`
	BuildID         string `json:"build_id"`
	Causes          []cdimage.Cause
	Publish         string
	Finished        bool `json:"finished_marker"`
	ExitCode        *int `json:"exit_code"` // null: the run had not ended when the log was taken
	Remedy          string
	Entries         []string
}

// A Score is what came out of comparing one case.
type Score struct {
	Case
	Misses []string // what differs; empty when all is as expected
	Got    any      // the diagnosis, livefs log, entries or mail that was compared
}

// Class is the word under which a case is counted: its first expected cause,
// or its kind when there is none.
func (s Score) Class() string {
	if len(s.Causes) > 0 {
		return string(s.Causes[0].Class)
	}
	return "none (" + s.Kind + ")"
}

// ScoreFolder compares what package cdimage says about a folder of logs with
// the folder's expected.json.
//
// Lines are equal when the expected one stands in the one that was found.
// Remedies are equal when they ask for the same actions, see [Actions]. A cause
// of class unknown that needs a livefs log is what is to be said before that
// log was read. An exit code says that the run has ended; a log without an end
// is that of a run at work only when the code is null. Logs may be compressed, with .gz
// behind their names.
func ScoreFolder(folder fs.FS) ([]Score, error) {
	b, err := fs.ReadFile(folder, "expected.json")
	if err != nil {
		return nil, err
	}
	var cases []Case
	if err := json.Unmarshal(b, &cases); err != nil {
		return nil, fmt.Errorf("expected.json: %w", err)
	}
	var scores []Score
	for _, c := range cases {
		s := Score{Case: c}
		var err error
		switch c.Kind {
		case "cd-build-log", "command output":
			err = s.buildLog(folder)
		case "livefs-log":
			err = s.livefsLog(folder)
		case "directory index":
			err = s.index(folder)
		case "mail":
			err = s.mail(folder)
		default:
			err = fmt.Errorf("unknown kind %q", c.Kind)
		}
		if err != nil {
			s.miss("error: %v", err)
		}
		scores = append(scores, s)
	}
	return scores, nil
}

// open opens a file, or the compressed one in its place.
func open(folder fs.FS, name string) (fs.File, error) {
	f, err := folder.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		if z, err := folder.Open(name + ".gz"); err == nil {
			return z, nil
		}
	}
	return f, err
}

// damaged reports whether a log is what it is: what can be said of it counts.
func damaged(err error) bool {
	return errors.Is(err, cdimage.ErrIncomplete) || errors.Is(err, cdimage.ErrFormat)
}

func (s *Score) miss(format string, args ...any) {
	s.Misses = append(s.Misses, fmt.Sprintf(format, args...))
}

func (s *Score) buildLog(folder fs.FS) error {
	f, err := open(folder, s.File)
	if err != nil {
		return err
	}
	defer f.Close()
	log, err := cdimage.ParseBuildLog(f)
	if err != nil && !damaged(err) {
		return err
	}
	e := cdimage.Evidence{Log: log, Now: log.End}
	if s.Kind == "cd-build-log" {
		if e.Build, err = cdimage.ParseLogPath(s.File); err != nil {
			return err
		}
		e.Build.Subtree = ""
		want := fmt.Sprintf("%s %s %s %s", s.Project, s.Series, s.ImageType, s.BuildID)
		if got := fmt.Sprintf("%s %s %s %s", e.Build.Project, e.Build.Series, e.Build.Type, e.Build.ID); got != want {
			s.miss("build: %s, want %s", got, want)
		}
	}
	e.Ended = s.ExitCode != nil
	e.Livefs = map[string]*cdimage.LivefsLog{}
	for label, a := range s.Arches {
		if a.LivefsLog == "" {
			continue
		}
		f, err := open(folder, a.LivefsLog)
		if err != nil {
			return err
		}
		if e.Livefs[label], err = cdimage.ParseLivefsLog(f); err != nil && !damaged(err) {
			s.miss("%s: %v", a.LivefsLog, err)
		}
		f.Close()
	}
	d := cdimage.Diagnose(e)
	// What is unknown is what was said before that livefs log was read.
	read := map[string]*cdimage.LivefsLog{}
	for label, log := range e.Livefs {
		if !slices.ContainsFunc(s.Causes, func(c cdimage.Cause) bool {
			return c.Class == cdimage.Unknown && c.Needs != "" && c.Scope == label
		}) {
			read[label] = log
		}
	}
	if len(read) < len(e.Livefs) {
		e.Livefs = read
		d = cdimage.Diagnose(e)
	}
	s.Got = d
	for label, want := range s.Arches {
		i := slices.IndexFunc(d.Arches, func(v cdimage.Verdict) bool { return v.Label == label })
		if i < 0 {
			s.miss("%s: not found", label)
			continue
		}
		got := d.Arches[i]
		if got.State != want.State {
			s.miss("%s: state %q, want %q", label, got.State, want.State)
		}
		if got.Link != want.Link {
			s.miss("%s: link %q, want %q", label, got.Link, want.Link)
		}
		if got.Published != want.Published {
			s.miss("%s: published %v, want %v", label, got.Published, want.Published)
		}
	}
	if len(d.Arches) > len(s.Arches) {
		s.miss("%d architectures, want %d", len(d.Arches), len(s.Arches))
	}
	if string(d.Publish) != s.Publish {
		s.miss("publish %q, want %q", d.Publish, s.Publish)
	}
	if d.Finished != s.Finished {
		s.miss("finished marker %v, want %v", d.Finished, s.Finished)
	}
	s.causes(d.Causes, false)
	s.remedy(d.Remedy, d.Actions)
	return nil
}

func (s *Score) livefsLog(folder fs.FS) error {
	f, err := open(folder, s.File)
	if err != nil {
		return err
	}
	defer f.Close()
	log, err := cdimage.ParseLivefsLog(f)
	if err != nil && !damaged(err) {
		return err
	}
	s.Got = log
	s.causes(log.Causes, true)
	r := log.Remedy()
	s.remedy(r.Text, r.Actions)
	return nil
}

// causes compares causes in any order; of a livefs log a weaker second one is
// welcome.
func (s *Score) causes(got []cdimage.Cause, weaker bool) {
	if weaker && len(s.Causes) > 0 && len(got) > len(s.Causes) {
		got = got[:len(s.Causes)]
	}
	left := slices.Clone(got)
	for _, want := range s.Causes {
		i := slices.IndexFunc(left, func(c cdimage.Cause) bool {
			return c.Class == want.Class && c.Scope == want.Scope && c.Severity == want.Severity &&
				(want.Underlying == "" || c.Underlying == want.Underlying) &&
				strings.Contains(c.Line, strings.TrimSpace(want.Line))
		})
		if i < 0 {
			s.miss("cause %s %s %q: found %v", want.Scope, want.Class, want.Line, got)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 && len(left) > len(got)-len(s.Causes) || len(got) > len(s.Causes) {
		s.miss("causes not expected: %v", left)
	}
}

func (s *Score) remedy(text string, actions []cdimage.Action) {
	first, rest := Actions(s.Remedy)
	if !agree(actions, first) && !(rest != nil && agree(actions, rest)) {
		s.miss("remedy %q %v, want %q %v", text, actions, s.Remedy, first)
	}
}

func (s *Score) index(folder fs.FS) error {
	f, err := folder.Open(s.File)
	if err != nil {
		return err
	}
	defer f.Close()
	entries, err := cdimage.ParseIndex(f)
	if err != nil {
		return err
	}
	s.Got = entries
	var names []string
	for _, e := range entries {
		if _, _, ok := cdimage.ParseLogName(e.Name); ok {
			names = append(names, e.Name)
		} else if e.Dir {
			names = append(names, e.Name+"/")
		}
	}
	want := slices.Clone(s.Entries)
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		s.miss("entries %v, want %v", names, want)
	}
	return nil
}

func (s *Score) mail(folder fs.FS) error {
	f, err := folder.Open(s.File)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := mail.ReadMessage(f)
	if err != nil {
		return err
	}
	s.Got, err = cdimage.ParseSubject(m.Header.Get("Subject"))
	return err
}

// Actions reads which actions a remedy in English asks for. What follows the
// first semicolon is an explanation; where the remedy is to do nothing, rest
// has the actions of that part.
func Actions(text string) (first, rest []cdimage.Action) {
	head, tail, _ := strings.Cut(strings.ToLower(withoutBrackets(text)), ";")
	first = actions(head)
	if slices.Equal(first, []cdimage.Action{cdimage.Nothing}) && tail != "" {
		rest = actions(tail)
	}
	return first, rest
}

// withoutBrackets drops what stands in brackets: hints and examples.
func withoutBrackets(s string) string {
	for {
		from := strings.IndexByte(s, '(')
		to := strings.IndexByte(s, ')')
		if from < 0 || to < from {
			return s
		}
		s = s[:from] + s[to+1:]
	}
}

func actions(text string) []cdimage.Action {
	var out []cdimage.Action
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	text, _, _ = strings.Cut(text, " or publish-only") // an alternative
	fix := has("fix", "correct", "update", "teach", "change")
	switch {
	case fix && has("seed"):
		out = append(out, cdimage.FixSeed)
	case fix && has("configuration") || has("to the cdimage configuration"):
		out = append(out, cdimage.FixConfiguration)
	case fix && has("livecd-rootfs") || has("livecd-rootfs the project"):
		out = append(out, cdimage.FixLivecdRootfs)
	case fix && has("package", "dependency", "maintainer script"):
		out = append(out, cdimage.FixPackage)
	case fix && has("command"), has("use --live"), has("unset date", "without date"):
		out = append(out, cdimage.CorrectCommand)
	}
	if has("free space") {
		out = append(out, cdimage.FreeSpace)
	}
	if has("livefs log") && has("read") || has("fetch") && has("again") && !has("rebuild") {
		out = append(out, cdimage.ReadLivefsLog)
	}
	if has("trigger") && has("mirror") {
		out = append(out, cdimage.TriggerMirrors)
	}
	if has("publish-only", "reuse_build", "reuse build") {
		out = append(out, cdimage.PublishOnly)
	}
	if has("rebuild", "retry", "other builder") {
		out = append(out, cdimage.FullRebuild)
	}
	if has("repeat the same command") {
		out = append(out, cdimage.RepeatCommand)
	}
	if len(out) == 0 && has("wait") {
		out = append(out, cdimage.Wait)
	}
	if len(out) == 0 {
		out = append(out, cdimage.Nothing)
	}
	return out
}

// agree reports whether actions are those that are expected. What to mend or to
// wait for is enough where the expected remedy does not say how to run again.
func agree(got, want []cdimage.Action) bool {
	runs := func(a cdimage.Action) bool {
		return a == cdimage.FullRebuild || a == cdimage.PublishOnly || a == cdimage.RepeatCommand
	}
	if same(got, want) {
		return true
	}
	if slices.ContainsFunc(want, runs) || slices.Contains(want, cdimage.Nothing) {
		return false
	}
	return same(slices.DeleteFunc(slices.Clone(got), runs), want)
}

// same compares actions as sets. Waiting, and telling the operators, go along
// with others without being said.
func same(x, y []cdimage.Action) bool {
	bare := func(in []cdimage.Action) []cdimage.Action {
		out := slices.Clone(in)
		if len(out) > 1 {
			out = slices.DeleteFunc(out, func(a cdimage.Action) bool { return a == cdimage.Wait || a == cdimage.AskLaunchpad })
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(bare(x), bare(y))
}
