package runbook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// MailboxHuman asks through a folder: it writes a question file and looks once
// for the answer file that is named in it. Without one the question is pending,
// and a later start looks again. Who may write to the folder may answer, so its
// permissions are the authentication. An answer is as old as its file.
//
// An answer is {"verdict":"yes","by":"…","reason":"…","digest":"…"}, with the
// digest copied from the question: it is about that evidence and no other.
type MailboxHuman struct {
	Dir string
}

// maxAnswer bounds an answer file.
const maxAnswer = 1 << 20

// letter is what stands in a question file.
type letter struct {
	Question
	AnswerFile string `json:"answer_file"`
	Template   Answer `json:"answer_template"`
}

// Ask implements Human.
func (h *MailboxHuman) Ask(_ context.Context, q Question) (Answer, error) {
	name := fmt.Sprintf("%s.%.16s", q.Run, digestOf(q.Step, []byte(q.Digest)))
	answer := filepath.Join(h.Dir, name+".answer.json")
	if err := h.write(filepath.Join(h.Dir, name+".question.json"), letter{q, filepath.Base(answer), Answer{Digest: q.Digest}}); err != nil {
		return Answer{}, fmt.Errorf("the question cannot be posted: %w", err)
	}
	text, written, err := readSmall(answer)
	if errors.Is(err, fs.ErrNotExist) {
		return Answer{}, fmt.Errorf("no answer in %s yet: %w", answer, ErrPending)
	}
	if err != nil {
		return Answer{}, &Error{Kind: ErrPending, Step: q.Step, Text: "the answer cannot be read", Err: err, Hint: "mend it and start again"}
	}
	var a Answer
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&a); err != nil {
		return Answer{}, &Error{Kind: ErrPending, Step: q.Step, Text: answer + " is not an answer", Err: err, Hint: "mend it and start again"}
	}
	if _, err := dec.Token(); err != io.EOF {
		return Answer{}, &Error{Kind: ErrPending, Step: q.Step, Text: answer + " holds more than one answer", Hint: "leave the one that counts and start again"}
	}
	if a.Digest != q.Digest {
		return Answer{}, &Error{Kind: ErrPending, Step: q.Step, Text: answer + " does not carry the digest of the question", Hint: "copy it from the question, if the answer is about that"}
	}
	a.Time = written
	return a, nil
}

// readSmall reads an answer file and when it was written.
func readSmall(path string) (text []byte, written time.Time, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, written, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, written, err
	}
	text, err = io.ReadAll(io.LimitReader(f, maxAnswer+1))
	if err == nil && len(text) > maxAnswer {
		err = fmt.Errorf("%s is longer than %d bytes", path, maxAnswer)
	}
	return text, info.ModTime(), err
}

// write posts the question whole or not at all, once.
func (h *MailboxHuman) write(path string, l letter) error {
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	f, err := os.CreateTemp(h.Dir, ".question-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(h.Dir)
}

// ApproveEverythingInALab says yes to every gate, under a name that is not
// excluded. It is for laboratories where nothing real is at stake, never for a
// server with phones behind it. What is in doubt it leaves to a person.
type ApproveEverythingInALab struct{}

// Ask implements Human.
func (ApproveEverythingInALab) Ask(_ context.Context, q Question) (Answer, error) {
	if q.Doubt {
		return Answer{}, fmt.Errorf("a doubt is for a person to resolve: %w", ErrPending)
	}
	by := "lab"
	for n := 2; excluded(by, q.Not); n++ {
		by = fmt.Sprintf("lab-%d", n)
	}
	return Answer{Verdict: Yes, By: by, Reason: "everything is approved in a lab", Digest: q.Digest}, nil
}
