package launchpad

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/landingteam/landing/launchpad/value"
)

// ledger notes requests in a file, so that a killed copy knows on its next
// start what it asked for. A nil ledger notes nothing.
type ledger struct {
	mu   sync.Mutex
	file *os.File
	plan ledgerKey
	seen map[version]ledgerLine
}

// ledgerKey tells plans apart that share a file.
type ledgerKey struct {
	To    value.Link `json:"to"`
	Taken value.Time `json:"taken"`
}

type ledgerLine struct {
	Format int `json:"format"`
	ledgerKey
	Name     string     `json:"name"`
	Version  string     `json:"version"`
	Time     value.Time `json:"time"`
	Answer   string     `json:"answer,omitempty"` // "" before the request; then accepted, refused or unknown
	Sentence string     `json:"sentence,omitempty"`
}

const (
	ledgerFormat = 1
	accepted     = "accepted"
	refused      = "refused"
	unsent       = "unsent" // it never left
	unknown      = "unknown"
)

func openLedger(path string, p *Plan) (*ledger, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the ledger: %w", err)
	}
	if err := f.Chmod(0o600); err != nil { // one made before may be open to all
		f.Close()
		return nil, fmt.Errorf("cannot make the ledger private: %w", err)
	}
	l := &ledger{file: f, plan: ledgerKey{p.To, p.Taken}, seen: map[version]ledgerLine{}}
	if err := l.read(path); err != nil {
		f.Close()
		return nil, err
	}
	return l, nil
}

// read takes over what stands in the file. A last line that was cut off by a
// kill is removed: its request was not sent, as the line comes first.
func (l *ledger) read(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot read the ledger: %w", err)
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	if whole < len(b) {
		if err := l.file.Truncate(int64(whole)); err != nil {
			return fmt.Errorf("cannot mend the ledger: %w", err)
		}
	}
	for n, line := range bytes.Split(b[:whole], []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var v ledgerLine
		if err := json.Unmarshal(line, &v); err != nil || v.Format != ledgerFormat || v.Name == "" {
			return fmt.Errorf("cannot read the ledger: %s line %d is no entry of format %d", path, n+1, ledgerFormat)
		}
		if v.ledgerKey.To == l.plan.To && v.Taken.Equal(l.plan.Taken.Time) {
			l.seen[version{v.Name, v.Version}] = v
		}
	}
	return nil
}

// note appends a line and makes sure it is on disk.
func (l *ledger) note(v version, now time.Time, answer, sentence string) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, err := json.Marshal(ledgerLine{Format: ledgerFormat, ledgerKey: l.plan, Name: v.name, Version: v.version, Time: value.Time{Time: now.UTC().Truncate(time.Microsecond)}, Answer: answer, Sentence: sentence})
	if err == nil {
		if _, err = l.file.Write(append(b, '\n')); err == nil {
			err = l.file.Sync()
		}
	}
	if err != nil {
		return fmt.Errorf("cannot note the request for %s: %w", v.name, err)
	}
	return nil
}

func (l *ledger) close() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
