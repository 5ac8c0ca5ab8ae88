package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/web"
)

// A FoundRun is a run in a folder of journals.
type FoundRun struct {
	Path string `json:"path"`
	runbook.Status
	Bad string `json:"bad,omitempty"` // the journal is damaged
}

// MarshalJSON implements json.Marshaler.
func (r FoundRun) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(r.Status)
	if err != nil {
		return nil, err
	}
	head, err := json.Marshal(map[string]string{"path": r.Path, "bad": r.Bad})
	return bytes.Join([][]byte{head[:len(head)-1], text[1:]}, []byte(",")), err
}

// FindRuns lists the runs of a folder, the one that moved last first.
func FindRuns(ctx context.Context, dir string) ([]FoundRun, error) {
	entries, err := web.Folder{Dir: dir}.Runs(ctx)
	if err != nil {
		return nil, err
	}
	var runs []FoundRun
	for _, e := range entries {
		r := FoundRun{Path: filepath.Join(dir, e.Name)}
		if r.Status, err = runbook.ReadStatus(r.Path); err != nil {
			r.Bad = err.Error()
		}
		runs = append(runs, r)
	}
	slices.SortFunc(runs, func(a, b FoundRun) int {
		return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Path, b.Path))
	})
	return runs, nil
}

// journalIn is the journal for a run in the folder of -runs: that of the newest run of
// the same procedure, input and world that has not come to its end, or a new one.
func journalIn(ctx context.Context, dir, name string, input any, where place) (path string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	runs, err := FindRuns(ctx, dir)
	if err != nil {
		return "", err
	}
	for _, r := range runs {
		if ended := r.Ending == "done" || r.Ending == "rejected"; ended || r.Bad != "" || r.Procedure != name {
			continue
		}
		if same(r.Input, input) && same(r.World, where) {
			return r.Path, nil
		}
	}
	stem := fmt.Sprintf("%s-%s", name, time.Now().UTC().Format("20060102-150405"))
	for n := 1; ; n++ {
		path := filepath.Join(dir, stem+".journal")
		if n > 1 {
			path = filepath.Join(dir, fmt.Sprintf("%s-%d.journal", stem, n))
		}
		if _, err := os.Lstat(path); os.IsNotExist(err) {
			return path, nil
		}
	}
}

// same reports whether a value is what is recorded.
func same(recorded json.RawMessage, v any) bool {
	now, err := json.Marshal(v)
	var a, b any
	if err != nil || json.Unmarshal(now, &b) != nil || len(recorded) > 0 && json.Unmarshal(recorded, &a) != nil {
		return false
	}
	was, _ := json.Marshal(a) // with its members in one order
	is, _ := json.Marshal(b)
	return bytes.Equal(was, is)
}

// journal is where a run is written down.
type journal struct {
	*runbook.FileJournal
	close func()
}

// openJournal opens the journal that the flags name. On the lab a run without
// one is written to a temporary file, so that its report can be read back.
func (p Program) openJournal(o options) (journal, error) {
	if o.journal != "" {
		j, err := runbook.OpenFile(o.journal)
		return journal{j, func() {}}, err
	}
	dir, err := os.MkdirTemp("", "landing-journal-")
	if err != nil {
		return journal{}, err
	}
	j, err := runbook.OpenFile(filepath.Join(dir, p.Name+".journal"))
	return journal{j, func() { _ = os.RemoveAll(dir) }}, err
}
