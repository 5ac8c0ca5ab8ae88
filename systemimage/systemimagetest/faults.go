package systemimagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// Faults say what goes wrong on the server. They lie in a file of the
// server's folder, so that a program started in another process meets them
// too. The zero value is a healthy server. See [Server.SetFaults].
type Faults struct {
	// Kill ends the next program that reaches this point of a commit, as
	// signal 9 would: nothing is cleaned up. It happens once.
	Kill KillPoint `json:",omitempty"`

	// KillCommit says at which commit of that program (or payload, of Unsigned and EmptyMetadata), counted from 1; 0
	// means the first. A copy commits the full image, then each delta, then
	// the percentage if it is below 100.
	KillCommit int `json:",omitempty"`

	// Slow is how long a program waits before each commit, as it does with
	// real payloads. The window in which a copy is open to every device is as long.
	Slow time.Duration `json:",omitempty"`

	// Offline makes the push host (copy-image -q) and the mirrors unreachable.
	// Without it both accept everything.
	Offline bool `json:",omitempty"`

	// DiskFull lets nothing be compressed into the pool: what is written is
	// cut to a few bytes, and its signature is empty.
	DiskFull bool `json:",omitempty"`

	// TempFull leaves no room for an uncompressed root file system.
	TempFull bool `json:",omitempty"`
}

// A KillPoint is a moment at which a program can be killed: before a payload is
// signed, or inside the commit of channels.json or an index.json. The server writes .new, signs it to .new.asc, removes the old
// .asc, moves the new one, removes the old index and moves the new one.
type KillPoint string

// The moments at which a program can be killed.
const (
	// Signed: .new and .new.asc are written, nothing is moved. With
	// KillCommit 2 a copy has its full image published at 100 % and no delta.
	Signed KillPoint = "signed"
	// BeforeSignatureMoved: the index has no signature.
	BeforeSignatureMoved KillPoint = "before-signature-moved"
	// Unsigned: a payload is written, and has no signature yet. Whatever comes to a
	// file of that name later takes it as it is.
	Unsigned KillPoint = "unsigned"
	// EmptyMetadata: a payload is written and signed, and its .json is still empty.
	EmptyMetadata KillPoint = "empty-metadata"
	// BeforeIndexMoved: there is no index; its successor lies in .new.
	BeforeIndexMoved KillPoint = "before-index-moved"
)

const faultsFile = "faults.json"

// SetFaults replaces the faults of the server.
func (s *Server) SetFaults(f Faults) error {
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return createFile(filepath.Join(s.root, faultsFile), b, 0o644)
}

// Faults returns what goes wrong now; a kill that has happened is gone.
func (s *Server) Faults() (Faults, error) { return readFaults(s.root) }

func readFaults(root string) (f Faults, err error) {
	b, err := readFile(filepath.Join(root, faultsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil {
		return f, fmt.Errorf("systemimagetest: faults: %w", err)
	}
	return f, nil
}

// dawdle waits as a slow server does. A program whose caller has gone is killed.
func (p *process) dawdle() error {
	if p.fault.Slow <= 0 {
		return nil
	}
	timer := time.NewTimer(p.fault.Slow)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.ctx.Done():
		return errKilled
	}
}

// reach ends the program when it is to be killed here.
func (p *process) reach(at KillPoint) error {
	count := p.commits
	switch at {
	case Unsigned:
		count = p.payloads
	case EmptyMetadata:
		count = p.metadata
	}
	if p.fault.Kill != at || count != max(p.fault.KillCommit, 1) {
		return nil
	}
	p.fault.Kill, p.fault.KillCommit = "", 0
	if err := (&Server{root: p.home}).SetFaults(p.fault); err != nil {
		return err
	}
	return errKilled
}
