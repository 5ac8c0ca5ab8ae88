package operate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
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

// landing-read FILE: its content. Of several files each: a line "index BYTES FILE", its
// content and a line end, or "unreadable FILE".
const (
	readScriptName = "landing-read"
	readScript     = `
[ $# -gt 1 ] || exec cat -- "$1"
for f in "$@"; do
	if [ -r "$f" ] && size=$(stat -L -c %s -- "$f"); then
		printf 'index %s %s\n' "$size" "$f"
		head -c "$size" -- "$f"
		echo
	else
		printf 'unreadable %s\n' "$f"
	fi
done
`
)

// maxReadAtOnce bounds what one command reads, in bytes and in files.
const maxReadAtOnce, maxFilesAtOnce = 4 << 20, 500

// readIndexes reads the indexes that the host has and that were not read before, by
// their sums: no network but the one to the host is needed, many are read with one
// command, and no index is read twice.
func (s *Server) readIndexes(ctx context.Context, op string, t *treeState, look inspection) error {
	t.newest, t.bad = map[string]int{}, map[string]string{}
	var unread []string
	h := s.learned()
	h.mu.Lock()
	for _, p := range look.allIndexes() {
		if newest, known := h.read[t.sum[p]]; known {
			t.newest[p] = newest
		} else if t.size[p] > 0 { // else a rule of its own
			unread = append(unread, p)
		}
	}
	h.mu.Unlock()
	for len(unread) > 0 {
		n, size := 0, int64(0)
		for n < min(len(unread), maxFilesAtOnce) && (n == 0 || size+t.size[unread[n]] <= maxReadAtOnce) {
			size += t.size[unread[n]]
			n++
		}
		if err := s.readSome(ctx, op, t, unread[:n]); err != nil {
			return err
		}
		unread = unread[n:]
	}
	return nil
}

// readSome reads some indexes with one command. Those of an answer that a commit has
// cut in pieces are read one by one.
func (s *Server) readSome(ctx context.Context, op string, t *treeState, paths []string) error {
	var files []string
	for _, p := range paths {
		files = append(files, s.root()+"/www/"+p)
	}
	place := files[0]
	out, err := s.Runner.Run(ctx, command.Script(readScriptName, readScript, files...))
	if err != nil {
		return &systemimage.Error{Op: op, Place: place, Err: err}
	}
	if out.Truncated && len(paths) == 1 {
		return &systemimage.Error{Op: op, Place: place, Kind: systemimage.ErrMalformed, Err: errors.New("is longer than the runner's limit: it cannot be looked at")}
	}
	texts := [][]byte{out.Stdout}
	if len(paths) > 1 {
		var whole bool
		if texts, whole = splitIndexes(out.Stdout, files); !whole || out.Exit != 0 || out.Truncated {
			for _, p := range paths {
				if err := s.readSome(ctx, op, t, []string{p}); err != nil {
					return err
				}
			}
			return nil
		}
	}
	for n, p := range paths {
		if out.Exit != 0 || texts[n] == nil {
			t.bad[p] = "it may not be read"
		} else {
			s.noteIndex(t, p, texts[n])
		}
	}
	return nil
}

// noteIndex notes what an index says.
func (s *Server) noteIndex(t *treeState, p string, text []byte) {
	x, err := systemimage.ParseIndex(text)
	if err != nil {
		t.bad[p] = err.Error()
		return
	}
	t.newest[p], _ = x.Newest()
	sum := sha256.Sum256(text)
	h := s.learned()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.read == nil {
		h.read = map[string]int{}
	}
	h.read[hex.EncodeToString(sum[:])] = t.newest[p]
}

// splitIndexes takes the answer of landing-read apart: the text of each file, nil of
// one that may not be read. It is whole when it has all of them in their order, and
// nothing else.
func splitIndexes(answer []byte, files []string) (texts [][]byte, whole bool) {
	for _, f := range files {
		line, rest, ok := bytes.Cut(answer, []byte("\n"))
		if string(line) == "unreadable "+f && ok {
			texts, answer = append(texts, nil), rest
			continue
		}
		word, named := strings.CutSuffix(string(line), " "+f)
		size, err := strconv.Atoi(strings.TrimPrefix(word, "index "))
		if !ok || !named || err != nil || size < 0 || size >= len(rest) || rest[size] != '\n' {
			return texts, false
		}
		texts, answer = append(texts, rest[:size:size]), rest[size+1:]
	}
	return texts, len(answer) == 0
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
