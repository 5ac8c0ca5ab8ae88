package procedure

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage/channelconfig"
)

// EditConfig changes the channel configuration of an image server, etc/config:
//
//  1. read it and make the edits, each of which must be read by the server as it
//     was meant;
//  2. ask a person, who sees the difference of the two texts, what it means, and
//     what is wrong with the new text;
//  3. write it if it still is what was shown, with the old text beside it;
//  4. read it back.
//
// A configuration that says so already is left alone, without a question. One
// that somebody else changes in between stays as that person left it.
type EditConfig struct {
	File   *channelconfig.HostFile
	Linter *channelconfig.Linter // looks at the new text; nil is one that looks at the text alone
	Input  EditConfigInput
}

// EditConfigInput is what one run of [EditConfig] is asked to do.
type EditConfigInput struct {
	Edits []channelconfig.Edit `json:"edits"`
	Not   []string             `json:"not,omitempty"` // who may not answer the question
}

// A configEdit is the evidence of the question, and what the run is pinned to.
type configEdit struct {
	File    string   `json:"file"`
	Changes []string `json:"changes,omitempty"` // in words
	Diff    []string `json:"diff,omitempty"`    // of the texts, line by line
	Lint    []string `json:"lint,omitempty"`    // mistakes that the old text does not have
	Before  string   `json:"before"`            // SHA-256 of the texts
	After   string   `json:"after"`
}

// shown has the difference of the texts shown as it is, with what it means before it
// and what is wrong with it behind.
func (e configEdit) shown() shown {
	lines := []string{e.File}
	for _, text := range e.Changes {
		lines = append(lines, "- "+text)
	}
	lines = append(append(lines, ""), e.Diff...)
	for n, text := range e.Lint {
		if n == 0 {
			lines = append(lines, "", "Mistakes that it would bring:")
		}
		lines = append(lines, "- "+text)
	}
	return shown{e, lines}
}

// A writtenConfig is the result of the write.
type writtenConfig struct {
	Backup string `json:"backup,omitempty"` // file with the old text
	After  string `json:"after"`            // SHA-256 of the new one
}

// password is what must not be in a URL here: edits stand in the journal.
var password = regexp.MustCompile(`//[^/@\s]*:[^/@\s]*@`)

// Run is the procedure. See [runbook.Procedure].
func (c *EditConfig) Run(ctx context.Context, r *runbook.Run) error {
	if len(c.Input.Edits) == 0 {
		return errors.New("there is nothing to edit: say which channel and key, and the new value")
	}
	for _, e := range c.Input.Edits {
		if password.MatchString(e.String()) {
			return errors.New("a URL with a password would stand in the journal: edit such a line by hand, on the server")
		}
	}
	edit, err := runbook.Read(ctx, r, "make the edits", c.look)
	if err != nil {
		return err
	}
	if edit.Before == edit.After {
		return r.Note(edit.File + " says so already: nothing is changed")
	}
	if err := r.Gate(ctx, runbook.Gate{
		Name:     "approve",
		Question: "Write this change to " + edit.File + "?",
		Evidence: edit.shown(), Not: c.Input.Not,
	}); err != nil {
		return err
	}
	done, err := runbook.Do(ctx, r, runbook.Step[writtenConfig]{
		Name:    "write",
		Intent:  fmt.Sprintf("write %s: %s", edit.File, strings.Join(edit.Changes, "; ")),
		Predict: writtenConfig{After: edit.After},
		Probe: func(ctx context.Context) (writtenConfig, bool, error) {
			now, err := c.File.Read(ctx)
			if now == nil {
				return writtenConfig{}, false, err
			}
			return writtenConfig{After: edit.After}, now.Checksum() == edit.After, nil
		},
		Do: func(ctx context.Context) (writtenConfig, error) { return c.write(ctx, edit) },
	})
	if err != nil {
		return err
	}
	err = r.Verify(ctx, "read back", func(ctx context.Context) error {
		now, err := c.File.Read(ctx)
		switch {
		case err != nil:
			return err
		case now.Checksum() != edit.After:
			return fmt.Errorf("%s is not what was written: somebody changed it since", edit.File)
		}
		return nil
	})
	if err != nil || r.Planning() {
		return err
	}
	text := fmt.Sprintf("%s is changed: %s", edit.File, strings.Join(edit.Changes, "; "))
	if done.Backup != "" {
		text += "; the old text is " + done.Backup
	}
	return r.Note(text)
}

// putBack gives back what the edits changed for a while. Nobody is asked: that was
// part of the change.
func (c *EditConfig) putBack(ctx context.Context, r *runbook.Run, p *pointing) error {
	back := &EditConfig{File: c.File, Linter: c.Linter, Input: EditConfigInput{Edits: p.back}}
	edit, err := runbook.Read(ctx, r, "make the edits", back.look)
	if err != nil {
		return err
	}
	_, err = runbook.Do(ctx, r, runbook.Step[writtenConfig]{
		Name:    "write",
		Intent:  fmt.Sprintf("write %s: %s", edit.File, strings.Join(edit.Changes, "; ")),
		Predict: writtenConfig{After: edit.After},
		Probe: func(ctx context.Context) (writtenConfig, bool, error) {
			now, err := c.File.Read(ctx)
			if now == nil {
				return writtenConfig{}, false, err
			}
			left, err := p.left(now)
			return writtenConfig{After: edit.After}, len(left) == 0, err
		},
		Do: func(ctx context.Context) (writtenConfig, error) {
			backup, err := p.giveBack(ctx)
			return writtenConfig{Backup: backup, After: edit.After}, err
		},
	})
	if err != nil {
		return err
	}
	return r.Note(fmt.Sprintf("%s is as it was: %s", edit.File, strings.Join(edit.Changes, "; ")))
}

func (c *EditConfig) look(ctx context.Context) (configEdit, error) {
	now, next, err := edited(ctx, c.File, c.Input.Edits)
	if err != nil {
		return configEdit{}, err
	}
	e := configEdit{File: c.File.Path, Diff: strings.Split(strings.TrimSuffix(now.Diff(next, c.File.Path), "\n"), "\n"), Before: now.Checksum(), After: next.Checksum()}
	for _, change := range now.Changes(next) {
		e.Changes = append(e.Changes, change.String())
	}
	if len(e.Changes) == 0 {
		e.Changes = []string{"nothing that the server reads changes"}
	}
	e.Lint, err = c.worse(ctx, now, next)
	return e, err
}

// worse are the findings of the new text that the old one does not have.
func (c *EditConfig) worse(ctx context.Context, now, next *channelconfig.Config) ([]string, error) {
	l := c.Linter
	if l == nil {
		l = &channelconfig.Linter{}
	}
	before, err := l.Lint(ctx, now)
	if err != nil {
		return nil, err
	}
	after, err := l.Lint(ctx, next)
	if err != nil {
		return nil, err
	}
	type key struct{ class, section, key, problem string }
	old := map[key]int{}
	for _, f := range before {
		old[key{f.Class, f.Section, f.Key, f.Problem}]++
	}
	var list []string
	for _, f := range after {
		k := key{f.Class, f.Section, f.Key, f.Problem}
		if old[k]--; old[k] < 0 {
			list = append(list, fmt.Sprintf("line %d: %s: %s: %s", f.Line, f.Severity, f.Problem, f.Why))
		}
	}
	return list, nil
}

// write writes what was shown, or nothing.
func (c *EditConfig) write(ctx context.Context, edit configEdit) (writtenConfig, error) {
	now, next, err := edited(ctx, c.File, c.Input.Edits)
	switch {
	case err != nil:
		return writtenConfig{}, err
	case now.Checksum() != edit.Before || next.Checksum() != edit.After:
		return writtenConfig{}, fmt.Errorf("%s is not what the approved change was made from: somebody changed it since; begin a new run", edit.File)
	}
	backup, err := c.File.Replace(ctx, now, next)
	return writtenConfig{Backup: backup, After: edit.After}, err
}
