package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/mailbox"
)

// A Folder is the source of the journals in one folder, without those below it.
// Whoever may write there is trusted, as for a run on this machine.
type Folder struct {
	Dir string
}

// beginning is that of the first line of each journal.
const beginning = `{"format":`

// Runs implements Source. Files that are no journals are left out.
func (f Folder) Runs(ctx context.Context) ([]Entry, error) {
	files, err := os.ReadDir(f.Dir)
	if err != nil {
		return nil, err
	}
	var list []Entry
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, err := f.Run(ctx, file.Name())
		if errors.Is(err, fs.ErrNotExist) {
			continue // or it is gone
		}
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// Run implements Source.
func (f Folder) Run(_ context.Context, name string) (Entry, error) {
	none := fmt.Errorf("run %q: %w", name, fs.ErrNotExist)
	if !isName(name) {
		return Entry{}, none
	}
	path := filepath.Join(f.Dir, name)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return Entry{}, none
	}
	if ok, err := isJournal(path); err != nil || !ok {
		return Entry{}, errors.Join(err, none)
	}
	j, err := runbook.OpenFile(path)
	if err != nil {
		return Entry{}, err
	}
	version := fmt.Sprintf("%x-%x", info.Size(), info.ModTime().UnixNano())
	return Entry{Name: name, Version: version, Running: j.Running()}, nil
}

// isName reports whether name is one of a file in a folder, on every system, and
// not hidden.
func isName(name string) bool {
	return name != "" && name[0] != '.' && len(name) <= 255 && !strings.ContainsAny(name, "/\\\x00") && filepath.IsLocal(name)
}

// isJournal looks at the first bytes of a file.
func isJournal(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	var first [len(beginning)]byte
	if _, err := io.ReadFull(file, first[:]); err != nil {
		return false, nil // too short for one
	}
	return string(first[:]) == beginning, nil
}

// Lines implements Source. It needs no lock, and follows a journal that grows.
func (f Folder) Lines(ctx context.Context, name string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if _, err := f.Run(ctx, name); err != nil {
			yield(nil, err)
			return
		}
		j, err := runbook.OpenFile(filepath.Join(f.Dir, name))
		if err != nil {
			yield(nil, err)
			return
		}
		for line, err := range j.Lines(ctx) {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// box is where questions and answers lie.
func (f Folder) box() *mailbox.Box { return &mailbox.Box{Dir: filepath.Join(f.Dir, mailbox.Folder)} }

// Deliver implements Source: the answer is put into the mailbox beside the journals,
// where the run has put its question.
func (f Folder) Deliver(_ context.Context, _ string, q runbook.Question, a runbook.Answer) error {
	return f.box().Answer(q, a)
}

// Delivered implements Source.
func (f Folder) Delivered(_ context.Context, _ string, q runbook.Question) (*runbook.Answer, error) {
	a, err := f.box().Given(q)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, runbook.ErrPending) {
		return nil, nil // none, or none that can be read: the run says so
	}
	if err != nil {
		return nil, err
	}
	return &a, nil
}
