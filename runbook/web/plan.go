package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/landingteam/landing/runbook"
)

// planEnd follows the name of a journal in that of its plan.
const planEnd = ".plan"

// Plan implements Planner: the records that -plan -json has printed, in a file beside the
// journal, with ".plan" behind its name.
func (f Folder) Plan(_ context.Context, name string) ([]runbook.Record, error) {
	path := filepath.Join(f.Dir, name+planEnd)
	if info, err := os.Lstat(path); !isName(name) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	plan, err := readPlan(io.LimitReader(file, maxPlan))
	if err != nil {
		return plan, fmt.Errorf("%s: %w", path, err)
	}
	return plan, nil
}

// readPlan reads records, one a line. What a program has printed besides is no record,
// and left out.
func readPlan(r io.Reader) (plan []runbook.Record, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxPlan)
	for n := 1; lines.Scan(); n++ {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		var rec runbook.Record
		if err := json.Unmarshal(text, &rec); err != nil {
			return plan, fmt.Errorf("line %d is no record: %w", n, err)
		}
		if rec.Verb != "" && rec.Kind != "" && len(plan) < maxSteps {
			plan = append(plan, rec)
		}
	}
	return plan, lines.Err()
}

// planned is one line of a plan, and what became of it.
type planned struct {
	Word string // of the step, or "not yet"
	Text string
}

// against holds a plan against what is done.
func against(plan []runbook.Record, s runbook.Status) (list []planned) {
	words := map[string]string{}
	for _, step := range s.Steps {
		words[step.Step] = wordOfStep(step)
	}
	for _, rec := range plan {
		if rec.Kind == runbook.Done && rec.Verb != runbook.VerbDo && rec.Verb != runbook.VerbWait {
			continue // it only looked
		}
		word, ok := words[rec.Step]
		if !ok {
			word = "not yet"
		}
		text := rec.Intent
		switch {
		case rec.Verb == runbook.VerbNote:
			word, text = "", rec.Reason
		case rec.Verb == runbook.VerbGate:
			text = "ask: " + text
		case text == "":
			text = rec.Step
		}
		list = append(list, planned{word, text})
	}
	return list
}
