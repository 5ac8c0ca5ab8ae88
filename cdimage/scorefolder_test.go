package cdimage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/mail"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/buildmail"
	"github.com/landingteam/landing/cdimage/cause"
)

// A scoreCase is one entry of an expected.json: a file and what is to be said of it.
type scoreCase struct {
	File, Kind string
	Arches     map[string]struct {
		State, Link string
		LivefsLog   string `json:"livefs_log"`
		Published   bool
	}
	Project, Series string
	ImageType       string `json:"image_type"`
	BuildID         string `json:"build_id"`
	Causes          []cause.Cause
	Publish         string
	Finished        bool `json:"finished_marker"`
	ExitCode        *int `json:"exit_code"` // null: the run had not ended when the log was taken
	Remedy          string
	Entries         []string
}

// A score is what came out of comparing one case.
type score struct {
	scoreCase
	Misses []string // what differs; empty when all is as expected
	Got    any      // the diagnosis, livefs log, entries or mail that was compared
}

// Class is the word under which a case is counted: its first expected cause,
// or its kind when there is none.
func (s score) Class() string {
	if len(s.Causes) > 0 {
		return string(s.Causes[0].Class)
	}
	return "none (" + s.Kind + ")"
}

// scoreFolder compares what package cdimage says about a folder of logs with
// the folder's expected.json.
//
// Lines are equal when the expected one stands in the one that was found.
// Remedies are equal when they ask for the same actions, see [actionsOf]. A cause
// of class unknown that needs a livefs log is what is to be said before that
// log was read. An exit code says that the run has ended; a log without an end
// is that of a run at work only when the code is null. Logs may be compressed, with .gz
// behind their names.
func scoreFolder(folder fs.FS) ([]score, error) {
	b, err := fs.ReadFile(folder, "expected.json")
	if err != nil {
		return nil, err
	}
	var cases []scoreCase
	if err := json.Unmarshal(b, &cases); err != nil {
		return nil, fmt.Errorf("expected.json: %w", err)
	}
	var scores []score
	for _, c := range cases {
		s := score{scoreCase: c}
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

func (s *score) miss(format string, args ...any) {
	s.Misses = append(s.Misses, fmt.Sprintf(format, args...))
}

func (s *score) buildLog(folder fs.FS) error {
	f, err := open(folder, s.File)
	if err != nil {
		return err
	}
	defer f.Close()
	log, err := cdimage.ParseBuildLog(f)
	if err != nil && !damaged(err) {
		return err
	}
	e := cdimage.Evidence{Log: log, Now: log.End, Ended: s.ExitCode != nil}
	if err := s.name(&e); err != nil {
		return err
	}
	if e.Livefs, err = s.livefs(folder); err != nil {
		return err
	}
	d := cdimage.Diagnose(e)
	s.Got = d
	s.arches(d.Arches)
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

// name reads from the file's name which build it is about.
func (s *score) name(e *cdimage.Evidence) (err error) {
	if s.Kind != "cd-build-log" {
		return nil
	}
	if e.Build, err = cdimage.ParseBuild(s.File); err != nil {
		return err
	}
	e.Build.Subtree = ""
	want := fmt.Sprintf("%s %s %s %s", s.Project, s.Series, s.ImageType, s.BuildID)
	if got := fmt.Sprintf("%s %s %s %s", e.Build.Project, e.Build.Series, e.Build.Type, e.Build.ID); got != want {
		s.miss("build: %s, want %s", got, want)
	}
	return nil
}

// livefs reads the livefs logs of the case, but those of which the verdict is
// expected that was given before they were read: unknown.
func (s *score) livefs(folder fs.FS) (map[string]*cdimage.LivefsLog, error) {
	logs := map[string]*cdimage.LivefsLog{}
	for label, a := range s.Arches {
		unread := slices.ContainsFunc(s.Causes, func(c cause.Cause) bool {
			return c.Class == cause.Unknown && c.Needs != "" && c.Scope == label
		})
		if a.LivefsLog == "" || unread {
			continue
		}
		f, err := open(folder, a.LivefsLog)
		if err != nil {
			return nil, err
		}
		if logs[label], err = cdimage.ParseLivefsLog(f); err != nil && !damaged(err) {
			s.miss("%s: %v", a.LivefsLog, err)
		}
		f.Close()
	}
	return logs, nil
}

func (s *score) arches(got cdimage.Arches) {
	for label, want := range s.Arches {
		i := slices.IndexFunc(got, func(v cdimage.Arch) bool { return v.Label == label })
		if i < 0 {
			s.miss("%s: not found", label)
			continue
		}
		got := got[i]
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
	if len(got) > len(s.Arches) {
		s.miss("%d architectures, want %d", len(got), len(s.Arches))
	}
}

func (s *score) livefsLog(folder fs.FS) error {
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
func (s *score) causes(got []cause.Cause, weaker bool) {
	if weaker && len(s.Causes) > 0 && len(got) > len(s.Causes) {
		got = got[:len(s.Causes)]
	}
	left := slices.Clone(got)
	for _, want := range s.Causes {
		i := slices.IndexFunc(left, func(c cause.Cause) bool {
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

func (s *score) remedy(text string, actions []cause.Action) {
	first, rest := actionsOf(s.Remedy)
	if !agree(actions, first) && !(rest != nil && agree(actions, rest)) {
		s.miss("remedy %q %v, want %q %v", text, actions, s.Remedy, first)
	}
}

// index reads a directory index as a [cdimage.Client] does.
func (s *score) index(folder fs.FS) error {
	f, err := folder.Open(s.File)
	if err != nil {
		return err
	}
	defer f.Close()
	page, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	c := &cdimage.Client{BaseURL: "http://logs.test/", HTTP: &http.Client{Transport: answer(page)}}
	builds, err := c.Builds(context.Background(), cdimage.ImageSet{Project: "p", Series: "s"})
	if err != nil {
		return err
	}
	var names []string
	for _, b := range builds {
		names = append(names, path.Base(b.LogPath()))
	}
	folders, err := c.Projects(context.Background())
	if err != nil {
		return err
	}
	for _, f := range folders {
		names = append(names, f+"/")
	}
	s.Got = names
	slices.Sort(names)
	want := slices.Sorted(slices.Values(s.Entries))
	if !slices.Equal(names, want) {
		s.miss("entries %v, want %v", names, want)
	}
	return nil
}

// answer is a server that has one page.
type answer []byte

func (a answer) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(a))}, nil
}

func (s *score) mail(folder fs.FS) error {
	f, err := folder.Open(s.File)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := mail.ReadMessage(f)
	if err != nil {
		return err
	}
	s.Got, err = buildmail.ParseSubject(m.Header.Get("Subject"))
	return err
}
