package lab

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
)

// The scripts that change something, in the order in which a run needs them: the
// crontab, the configuration, the stop file, and what a killed program left.

func exits(status int) (command.Output, bool) { return command.Output{Exit: status}, true }

// put replaces a file at one moment, and keeps its mode.
func put(path string, text []byte, mode os.FileMode) (command.Output, bool) {
	if os.WriteFile(path+".new", text, mode) != nil || os.Rename(path+".new", path) != nil {
		return exits(5)
	}
	return command.Output{}, true
}

// installable is a crontab of lines that the program of that name takes as they are. It
// is asked about all others.
var installable = regexp.MustCompile(`\A(?:(?:#.*|[A-Z]+=.*|(?:[0-9*/,-]+ ){5}\S.*)?\n)*\z`)

func (l hostCall) installCrontab() (out command.Output, ok bool) {
	if hexSum(l.stdin) != l.args[1] {
		return exits(4)
	}
	if !installable.Match(l.stdin) {
		return out, false
	}
	ok = l.inTurn(crontabLock, func(turn string, next func() (string, bool)) (ok bool) {
		if old, _ := l.crontabFile(); turn != l.args[2] || hexSum(old) != l.args[0] {
			out, ok = exits(3)
			return ok
		}
		if _, ok = next(); ok {
			out, ok = put(filepath.Join(l.root, "crontab"), l.stdin, 0o644)
		}
		return ok
	})
	return out, ok
}

func (l hostCall) replaceFile() (out command.Output, ok bool) {
	file, old, new := l.args[0], l.args[1], l.args[2]
	at, out, ok := regular(file)
	switch {
	case at == nil:
		return out, ok
	case hexSum(l.stdin) != new:
		return exits(4)
	}
	ok = l.inTurn(lockOf(file), func(turn string, next func() (string, bool)) (ok bool) {
		now, err := os.ReadFile(file)
		switch has := hexSum(now); {
		case err != nil:
			return false
		case turn == l.args[4] && has == new:
			return true
		case turn != l.args[4] || has != old:
			out, ok = exits(3)
			return ok
		}
		if _, ok = next(); !ok {
			return false
		}
		if out, ok = put(file+"."+l.args[3], now, at.Mode().Perm()); out.Exit == 0 {
			out, ok = put(file, l.stdin, at.Mode().Perm())
		}
		return ok
	})
	return out, ok
}

func (l hostCall) writeStopFile() (command.Output, bool) {
	if err := os.MkdirAll(filepath.Dir(l.args[0]), 0o755); err != nil {
		return command.Output{}, false
	}
	return put(l.args[0], []byte(l.args[1]+"\n"), 0o644)
}

func (l hostCall) removeStopFile() (command.Output, bool) {
	err := os.Remove(l.args[0])
	return command.Output{}, err == nil || os.IsNotExist(err)
}

func there(path string) bool { _, err := os.Stat(path); return err == nil }

func filled(path string) bool { st, err := os.Stat(path); return err == nil && st.Size() > 0 }

func younger(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && x.ModTime().After(y.ModTime())
}

// mendIndex looks at the index twice, a second apart.
func (l hostCall) mendIndex() (out command.Output, ok bool) {
	m := mending{index: filepath.Join(l.args[0], l.args[1], "index.json"), how: l.args[3], unless: l.args[4]}
	before := m.see()
	select {
	case <-l.ctx.Done():
		return out, false
	case <-time.After(time.Second):
	}
	if m.see() != before {
		return exits(4)
	}
	out.Exit = m.mend(l.args[2])
	out.Stdout = m.said.Bytes()
	return out, true
}

// A mending is of the files of an index.
type mending struct {
	index, how, unless string
	said               bytes.Buffer
}

// see is what tells one state of the files from another.
func (m *mending) see() (seen string) {
	list, _ := filepath.Glob(m.index + "*")
	for _, p := range list {
		if st, err := os.Stat(p); err == nil {
			seen += fmt.Sprintln(p, st.Size(), st.ModTime())
		}
	}
	return seen
}

func (m *mending) move(from, to string) {
	if os.Rename(m.index+from, m.index+to) == nil {
		fmt.Fprintf(&m.said, "moved index.json%s to index.json%s\n", from, to)
	}
}

func (m *mending) drop(extensions ...string) {
	for _, ext := range extensions {
		if there(m.index+ext) && os.Remove(m.index+ext) == nil {
			fmt.Fprintln(&m.said, "removed index.json"+ext)
		}
	}
}

// finish puts the new index into its place, if it may.
func (m *mending) finish() (done bool) {
	if m.unless != "" && there(m.unless) {
		return false
	}
	if m.how == "unsigned" {
		m.drop(".asc", ".new.asc")
	}
	m.move(".new", "")
	if filled(m.index + ".new.asc") {
		m.move(".new.asc", ".asc")
	}
	return true
}

// mend returns the exit status. Fits says whether the signature fits the index.
func (m *mending) mend(fits string) int {
	has := func(ext string) bool { return filled(m.index + ext) }
	switch {
	case !there(m.index) && has(".new"):
		if !m.finish() {
			return 7
		}
	case fits != "yes" && has(".new") && !there(m.index+".new.asc") && has(".asc") && !younger(m.index+".new", m.index+".asc"):
		if fits != "no" {
			return 6
		}
		if !m.finish() {
			return 7
		}
	}
	if !there(m.index) {
		return 5
	}
	if m.how == "signed" && !has(".asc") && there(m.index+".new.asc") {
		fmt.Fprintln(&m.said, "unfinished")
		return 0
	}
	m.drop(".new", ".new.asc")
	if !has(".asc") {
		fmt.Fprintln(&m.said, "unsigned")
	}
	return 0
}

// unfinished sorts payloads by whether an index names them, and removes those that
// nobody can use.
func (l hostCall) unfinished() (out command.Output, ok bool) {
	www := l.args[0]
	var named []byte // the text of all indexes
	err := filepath.WalkDir(www, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == filepath.Join(www, "pool"):
			return fs.SkipDir
		case e.Name() != "index.json" && e.Name() != "index.json.new":
			return nil
		}
		text, err := os.ReadFile(path)
		named = append(named, text...)
		return err
	})
	if err != nil {
		return out, false
	}
	var said bytes.Buffer
	for _, f := range l.args[2:] {
		path := filepath.Join(www, f)
		json := strings.TrimSuffix(path, ".tar.xz") + ".json"
		gone := []string{path, path + ".asc"}
		switch {
		case bytes.Contains(named, []byte(`"/`+f+`"`)):
			fmt.Fprintln(&said, "named", f)
			continue
		case l.args[1] != "remove" || filled(path+".asc") && filled(json):
			continue
		case filled(path + ".asc"):
			gone = append(gone, json, json+".asc")
		}
		for _, path := range gone {
			_ = os.Remove(path)
		}
		fmt.Fprintln(&said, "removed", f)
	}
	fmt.Fprintln(&said, "end")
	return command.Output{Stdout: said.Bytes()}, true
}
