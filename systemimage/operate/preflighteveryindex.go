package operate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// Every program of the server but set-phased-percentage ends by deleting all files
// that no index names, takes a missing or empty index for that of a new device, and
// dies of one that it cannot read, after it has published. So every index of the
// tree is looked at before any of them runs. set-phased-percentage commits the index
// of one device and brings its aliases up to date; a percentage that offers an image
// to fewer devices is therefore not kept back by what is wrong elsewhere.

// allIndexes are the paths of the indexes of a tree. Those of aliases are left out:
// they are made anew from their targets.
func allIndexes(l *systemimage.Listing) []string {
	var list []string
	for channel, device := range l.Pairs() {
		if a := l.Channels[channel].Alias; a == "" || a == channel {
			list = append(list, strings.TrimPrefix(l.Channels[channel].Devices[device].Index, "/"))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// folders are the folders of indexes.
func folders(indexes []string) []string {
	var list []string
	for _, p := range indexes {
		list = append(list, path.Dir(p))
	}
	return list
}

// landing-read FILE: its content.
const readScriptName = "landing-read"

// readIndexes reads the indexes that the host has and that were not read before, by
// their sums: no network but the one to the host is needed, and no index is read twice.
func (s *Server) readIndexes(ctx context.Context, op string, t *treeState, look inspection) error {
	t.newest, t.bad = map[string]int{}, map[string]string{}
	for _, p := range look.allIndexes() {
		if t.size[p] == 0 { // a rule of its own
			continue
		}
		s.mu.Lock()
		newest, known := s.read[t.sum[p]]
		s.mu.Unlock()
		if known {
			t.newest[p] = newest
			continue
		}
		file := s.root() + "/www/" + p
		out, err := s.Runner.Run(ctx, command.Script(readScriptName, `exec cat -- "$1"`, file))
		switch {
		case err != nil:
			return &systemimage.Error{Op: op, Place: file, Err: err}
		case out.Truncated:
			return &systemimage.Error{Op: op, Place: file, Kind: systemimage.ErrMalformed, Err: errors.New("is longer than the runner's limit: it cannot be looked at")}
		case out.Exit != 0:
			t.bad[p] = "it may not be read"
			continue
		}
		x, err := systemimage.ParseIndex(out.Stdout)
		if err != nil {
			t.bad[p] = err.Error()
			continue
		}
		t.newest[p], _ = x.Newest()
		sum := sha256.Sum256(out.Stdout)
		s.mu.Lock()
		if s.read == nil {
			s.read = map[string]int{}
		}
		s.read[hex.EncodeToString(sum[:])] = t.newest[p]
		s.mu.Unlock()
	}
	return nil
}

// PreflightImport looks for broken states of the whole tree, as [Server.Import] does
// before it runs anything: at every index, and at what killed programs left. It changes
// nothing. A finding that Blocks keeps an import back.
func (s *Server) PreflightImport(ctx context.Context) ([]systemimage.Finding, error) {
	if err := s.usable(importOp, false); err != nil {
		return nil, err
	}
	findings, _, err := s.lookAtAll(ctx)
	return findings, err
}

// beforeImport looks at every index, and returns the newest version of each.
func (s *Server) beforeImport(ctx context.Context) (newest map[string]int, err error) {
	findings, t, err := s.lookAtAll(ctx)
	if err != nil {
		return nil, err
	}
	return t.newest, blocked(importOp, "", "", findings)
}

func (s *Server) lookAtAll(ctx context.Context) ([]systemimage.Finding, treeState, error) {
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return nil, treeState{}, err
	}
	return s.inspectTree(ctx, importOp, inspection{dirs: folders(allIndexes(l)), temp: s.TempDir(ctx)})
}

// unreadable says what an index does that is no index.
func unreadable(p, why string) (problem, remedy string) {
	return fmt.Sprintf("cannot be read (%s): programs die of it, some after they have published", why),
		putBack + " before anything else runs; a truncated file has a whole successor at times: look at " + p + ".new"
}
