package operate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// Every program of the server but set-phased-percentage ends by deleting all files
// that no index names, takes a missing or empty index for that of a new device, and
// dies of one that it cannot read, after it has published. So every index of the
// tree is looked at before any of them runs, with its signature: what devices refuse
// somebody has to look at first, before more is published beside it. set-phased-percentage commits the index
// of one device and brings its aliases up to date; a percentage that offers an image
// to fewer devices is therefore not kept back by what is wrong elsewhere.

// A listedIndex is an index that the tree lists, by its path below the tree.
type listedIndex struct {
	path, device string
	keyring      *systemimage.DeviceKeyring
	alias        bool // of an alias, and of no other channel
}

// allIndexes are the indexes of a tree. Those of aliases are made anew from their
// targets where they are missing, so that it only matters whether they can be read, and
// what is left over there: see [aliasFolders].
func allIndexes(l *systemimage.Listing) []listedIndex {
	var list []listedIndex
	for channel, device := range l.Pairs() {
		a, d := l.Channels[channel].Alias, l.Channels[channel].Devices[device]
		list = append(list, listedIndex{strings.TrimPrefix(d.Index, "/"), device, d.Keyring, a != "" && a != channel})
	}
	slices.SortStableFunc(list, func(a, b listedIndex) int {
		byPath := strings.Compare(a.path, b.path)
		switch {
		case byPath != 0 || a.alias == b.alias:
			return byPath
		case b.alias:
			return -1
		}
		return 1
	})
	return slices.CompactFunc(list, func(a, b listedIndex) bool { return a.path == b.path })
}

// folders are the folders of indexes, without those of aliases.
func folders(indexes []listedIndex) []string {
	var list []string
	for _, x := range indexes {
		if !x.alias {
			list = append(list, path.Dir(x.path))
		}
	}
	return list
}

// maxReadAtOnce bounds what one command reads, in bytes and in files.
const maxReadAtOnce, maxFilesAtOnce = 4 << 20, 500

// readIndexes reads the indexes that the host has, with the signatures that count, if
// they were not read before, by their sums: no network but the one to the host is needed,
// many are read with one command, and no index is read twice.
func (s *Server) readIndexes(ctx context.Context, op string, t *treeState, look inspection) error {
	t.newest, t.bad, t.refused = map[string]int{}, map[string]string{}, map[string]string{}
	signed := s.signedIndexes(t, look)
	var unread [][]string // each with its signature, if that counts
	h := s.learned()
	h.mu.Lock()
	for _, p := range look.allIndexes() {
		newest, known := h.read[t.sum[p]]
		if known {
			t.newest[p] = newest
		}
		_, counts := signed[p]
		switch {
		case t.size[p] == 0: // a rule of its own
		case counts && !h.fits[t.sum[p]+t.sum[p+".asc"]]:
			unread = append(unread, []string{p, p + ".asc"})
		case !known:
			unread = append(unread, []string{p})
		}
	}
	h.mu.Unlock()
	for len(unread) > 0 {
		n, size := 0, int64(0)
		var paths []string
		for n < min(len(unread), maxFilesAtOnce) && (n == 0 || size+t.size[unread[n][0]] <= maxReadAtOnce) {
			size += t.size[unread[n][0]]
			paths = append(paths, unread[n]...)
			n++
		}
		texts := map[string][]byte{}
		if err := s.readSome(ctx, op, paths, texts); err != nil {
			return err
		}
		for _, p := range unread[:n] {
			if err := s.noteIndex(ctx, t, p[0], texts, signed); err != nil {
				return err
			}
		}
		unread = unread[n:]
	}
	s.findOlder(ctx, t, look)
	return nil
}

// findOlder finds the indexes that are older than what the client has seen. They may be
// signed as they should be: somebody has put them back. Devices that have the image which
// is gone wait for the next one, and the next image gets a number that was there before.
func (s *Server) findOlder(ctx context.Context, t *treeState, look inspection) {
	t.older = map[string]string{}
	h := s.learned()
	for _, x := range look.indexes {
		h.mu.Lock()
		made, known := h.made[t.sum[x.path]]
		h.mu.Unlock()
		if !known || x.alias {
			continue
		}
		if err := s.Client.Replayed(ctx, "/"+x.path, made); err != nil {
			t.older[x.path] = err.Error()
		}
	}
}

// noteMade notes when an index was made.
func (h *learned) noteMade(key string, x *systemimage.Index) {
	if at, err := x.Generated(); err == nil {
		h.made[key] = at
	}
}

// noteIndex notes what an index says, and whether devices believe it.
func (s *Server) noteIndex(ctx context.Context, t *treeState, p string, texts map[string][]byte, signed map[string]listedIndex) error {
	text, ok := texts[p]
	if !ok {
		t.bad[p] = "it may not be read"
		return nil
	}
	x, err := systemimage.ParseIndex(text)
	if err != nil {
		t.bad[p] = err.Error()
		return nil
	}
	t.newest[p], _ = x.Newest()
	key := sumOf(text)
	s.learned().note(func(h *learned) {
		h.read[key] = t.newest[p]
		h.noteMade(key, x)
	})
	listed, counts := signed[p]
	if !counts {
		return nil
	}
	signature := texts[p+".asc"]
	if t.refused[p], err = s.whyRefused(ctx, listed, text, signature); err == nil && t.refused[p] == "" {
		s.learned().note(func(h *learned) { h.fits[key+sumOf(signature)] = true })
	}
	return err
}

// noteRead notes an index that was read over the network: where the host has the same
// text, with the same signature, it is not read there again.
func (s *Server) noteRead(x *systemimage.PublishedIndex) {
	newest, _ := x.Newest()
	key := sumOf(x.Raw)
	s.learned().note(func(h *learned) {
		h.read[key] = newest
		h.noteMade(key, x.Index)
		if x.Verified {
			h.fits[key+sumOf(x.Signature)] = true
		}
	})
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
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
func (s *Server) beforeImport(ctx context.Context, begun bool) (newest map[string]int, err error) {
	if begun {
		if _, _, err := s.finishImport(ctx); err != nil {
			return nil, err
		}
	}
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
	all := allIndexes(l)
	findings, t, err := s.inspectTree(ctx, importOp, inspection{dirs: folders(all), follow: aliasFolders(l), indexes: all, imports: true, temp: s.TempDir(ctx)})
	for _, x := range all {
		if x.alias {
			delete(t.newest, x.path)
		}
	}
	return findings, t, err
}

// unreadable says what an index does that is no index.
func unreadable(p, why string) (problem, remedy string) {
	return fmt.Sprintf("cannot be read (%s): programs die of it, some after they have published", why),
		putBack + " before anything else runs; a truncated file has a whole successor at times: look at " + p + ".new"
}
