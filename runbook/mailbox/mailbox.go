package mailbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook"
)

// What can go wrong besides, for errors.Is.
var (
	ErrAnswered = errors.New("it is answered already")
	ErrNotAsked = errors.New("nobody asks this here any more")
)

// Box is a folder of questions and answers.
type Box struct {
	Dir string
	// Every, if set, lets Ask wait: it looks for the answer that often, until its
	// context ends. Zero looks once.
	Every time.Duration
}

const (
	questionEnd = ".question.json"
	answerEnd   = ".answer.json"
)

// letter is what stands in a question file.
type letter struct {
	runbook.Question
	AnswerFile string         `json:"answer_file"`
	Template   runbook.Answer `json:"answer_template"`
}

// name is the path of a question's files, without their endings.
func (b *Box) name(q runbook.Question) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %s", q.Step, q.Digest))
	return filepath.Join(b.Dir, fmt.Sprintf("%s.%x", filepath.Base(q.Run), sum[:8]))
}

// Ask implements runbook.Human: it posts the question and looks for the answer.
// Without one the question is pending, and a later start looks again.
func (b *Box) Ask(ctx context.Context, q runbook.Question) (runbook.Answer, error) {
	if err := b.post(q); err != nil {
		return runbook.Answer{}, fmt.Errorf("the question cannot be posted: %w", err)
	}
	for {
		a, err := b.Given(q)
		if !errors.Is(err, fs.ErrNotExist) {
			return a, err
		}
		if b.Every == 0 {
			return a, fmt.Errorf("no answer in %s yet: %w", b.name(q)+answerEnd, runbook.ErrPending)
		}
		select {
		case <-time.After(b.Every):
		case <-ctx.Done():
			return a, context.Cause(ctx)
		}
	}
}

// post writes the question, once, and takes away what the step asked before.
func (b *Box) post(q runbook.Question) error {
	if err := os.MkdirAll(b.Dir, 0o700); err != nil {
		return err
	}
	text, err := json.MarshalIndent(letter{q, filepath.Base(b.name(q)) + answerEnd, runbook.Answer{Digest: q.Digest}}, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	path := b.name(q) + questionEnd
	if old, err := os.ReadFile(path); err != nil || !bytes.Equal(old, text) {
		if err := b.write(path, text, os.Rename); err != nil {
			return err
		}
	}
	letters, err := b.letters()
	for _, old := range letters {
		if old.Run == q.Run && old.Step == q.Step && old.Digest != q.Digest {
			err = errors.Join(err, b.Withdraw(old.Question))
		}
	}
	return err
}

// Withdraw takes a question away. One that is not there is no error.
func (b *Box) Withdraw(q runbook.Question) error {
	if err := os.Remove(b.name(q) + questionEnd); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Open lists the questions that have no answer that counts, the oldest first. Files
// that are no questions are passed over. A folder that is missing has none.
func (b *Box) Open() ([]runbook.Question, error) {
	letters, err := b.letters()
	var open []runbook.Question
	for _, l := range letters {
		if a, err := b.Given(l.Question); err != nil || l.Check(a) != nil {
			open = append(open, l.Question)
		}
	}
	slices.SortStableFunc(open, func(a, b runbook.Question) int { return a.Asked.Compare(b.Asked) })
	return open, err
}

func (b *Box) letters() ([]letter, error) {
	entries, err := os.ReadDir(b.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var letters []letter
	for _, e := range entries {
		var l letter
		path := filepath.Join(b.Dir, e.Name())
		if !strings.HasSuffix(path, questionEnd) {
			continue
		}
		text, _, err := readSmall(path)
		if err != nil || json.Unmarshal(text, &l) != nil || b.name(l.Question)+questionEnd != path {
			continue
		}
		letters = append(letters, l)
	}
	return letters, err
}

// Given is the answer that stands in the folder, whether it counts or not:
// fs.ErrNotExist without one, ErrPending if it cannot be read as one.
func (b *Box) Given(q runbook.Question) (runbook.Answer, error) {
	var a runbook.Answer
	path := b.name(q) + answerEnd
	text, info, err := readSmall(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	bad := func(text string, err error, hint string) (runbook.Answer, error) {
		return runbook.Answer{}, &runbook.Error{Kind: runbook.ErrPending, Step: q.Step, Text: text, Err: err, Hint: hint}
	}
	if err != nil {
		return bad("the answer cannot be read", err, "mend it and start again")
	}
	if err := decode(text, &a); err != nil {
		return bad(path+" is not an answer", err, "mend or delete it, and start again")
	}
	if a.Digest != q.Digest {
		return bad(path+" does not carry the digest of the question", nil, "copy it from the question, if the answer is about that")
	}
	a.Time = info.ModTime()
	if a.Account == "" {
		a.Account = owner(info)
	}
	return a, nil
}

// Answer writes an answer to a question of [Box.Open]. It counts from then on, also
// when the run looks later. "Later" leaves the question open as it is.
func (b *Box) Answer(q runbook.Question, a runbook.Answer) error {
	if a.Digest == "" {
		a.Digest = q.Digest
	}
	a.Time = time.Now()
	if err := q.Check(a); err != nil || a.Verdict == runbook.Later {
		return err
	}
	if _, err := os.Stat(b.name(q) + questionEnd); errors.Is(err, fs.ErrNotExist) {
		return ErrNotAsked
	}
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	path := b.name(q) + answerEnd
	err = b.write(path, append(text, '\n'), os.Link)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	first, err := b.Given(q)
	if err == nil {
		err = q.Check(first)
	}
	if err != nil {
		return fmt.Errorf("%w, but by what is none: %w; remove %s first", ErrAnswered, err, path)
	}
	return fmt.Errorf("%w: %s said %s at %s", ErrAnswered, first.By, first.Verdict, first.Time.UTC().Format("15:04:05 UTC"))
}
