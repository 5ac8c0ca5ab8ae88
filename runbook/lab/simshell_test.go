package lab_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// What looks at the host a lab in this process plays by itself. The simulation also
// plays the scripts that change something, letter by letter: starting a shell for each
// would be most of what a world costs. One that was changed is really run, and
// TestNoShellIsStarted says so: what is played here is then looked at again.
type shell struct {
	root  string // of the server
	args  []string
	stdin []byte
}

// played are the scripts by the SHA-256 of their text, of which the first six bytes
// tell them apart.
func played() map[string]func(shell) command.Output {
	return map[string]func(shell) command.Output{
		"e1e25a446abf": shell.installCrontab,
		"d3f80311edd5": shell.replaceFile,
		"da8efa8083f4": shell.mendIndex,
		"48196b856e03": shell.unfinished,
		"ceea9a990997": shell.lint,
		"4a61920cd06a": shell.writeStopFile,
		"0f48d8ddffab": shell.removeStopFile,
	}
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// play plays a command if it is known. In whole are the files that xz has found whole.
func play(server *systemimagetest.Server, whole *sync.Map, c command.Command) (command.Output, bool) {
	root := server.Root()
	if out, ok := lab.PlayLook(context.Background(), root, whole, c); ok {
		return out, true
	}
	if len(c.Argv) < 4 || c.Argv[0] != "sh" || c.Argv[1] != "-c" {
		return command.Output{}, false
	}
	f := played()[sum([]byte(c.Argv[2]))[:12]]
	if f == nil {
		return command.Output{}, false
	}
	return f(shell{root, c.Argv[4:], c.Stdin}), true
}

func exits(status int) command.Output { return command.Output{Exit: status} }

// turn is the word of whoever changed something last.
func (s shell) turn(of string) string {
	word, _ := os.ReadFile(s.lockFile(of))
	return strings.TrimSuffix(string(word), "\n")
}

// next begins another turn.
func (s shell) next(of string) {
	file := s.lockFile(of)
	if os.MkdirAll(filepath.Dir(file), 0o700) != nil || os.WriteFile(file, []byte(rand.Text()+"\n"), 0o600) != nil {
		panic("no place for " + file)
	}
}

func (s shell) lockFile(of string) string { return filepath.Join(s.root, ".machine", ".landing", of) }

const crontabLock = "crontab.lock"

func (s shell) installCrontab() command.Output {
	old, _ := os.ReadFile(filepath.Join(s.root, "crontab"))
	switch {
	case sum(s.stdin) != s.args[1]:
		return exits(4)
	case s.turn(crontabLock) != s.args[2] || sum(old) != s.args[0]:
		return exits(3)
	}
	s.next(crontabLock)
	return s.put(filepath.Join(s.root, "crontab"), s.stdin)
}

// put replaces a file at one moment.
func (s shell) put(path string, text []byte) command.Output {
	mode := os.FileMode(0o644)
	if st, err := os.Stat(path); err == nil {
		mode = st.Mode().Perm()
	}
	if os.WriteFile(path+".put", text, mode) != nil || os.Rename(path+".put", path) != nil {
		return exits(5)
	}
	return command.Output{}
}

func (s shell) writeStopFile() command.Output {
	if err := os.MkdirAll(filepath.Dir(s.args[0]), 0o755); err != nil {
		return exits(1)
	}
	return s.put(s.args[0], []byte(s.args[1]+"\n"))
}

func (s shell) removeStopFile() command.Output {
	os.Remove(s.args[0])
	return command.Output{}
}

func fileLock(path string) string { return "file-" + sum([]byte(path)) }

func (s shell) replaceFile() command.Output {
	path := s.args[0]
	now, err := os.ReadFile(path)
	switch {
	case err != nil:
		return exits(7)
	case sum(s.stdin) != s.args[2]:
		return exits(4)
	case s.args[4] != s.turn(fileLock(path)):
		return exits(3)
	case sum(now) == s.args[2]:
		return command.Output{}
	case sum(now) != s.args[1]:
		return exits(3)
	}
	s.next(fileLock(path))
	if out := s.put(path+"."+s.args[3], now); out.Exit != 0 {
		return out
	}
	return s.put(path, s.stdin)
}

// mendIndex waits a second, as the script does.
func (s shell) mendIndex() command.Output {
	index := filepath.Join(s.args[0], s.args[1], "index.json")
	there := func(path string) bool { _, err := os.Stat(path); return err == nil }
	see := func() (seen string) {
		list, _ := filepath.Glob(index + "*")
		for _, p := range list {
			if st, err := os.Stat(p); err == nil {
				seen += fmt.Sprintln(p, st.Size(), st.ModTime())
			}
		}
		return seen
	}
	before := see()
	time.Sleep(time.Second)
	if see() != before {
		return exits(4)
	}
	var out bytes.Buffer
	filled := func(ext string) bool { st, err := os.Stat(index + ext); return err == nil && st.Size() > 0 }
	move := func(from, to string) {
		if os.Rename(index+from, index+to) == nil {
			fmt.Fprintf(&out, "moved index.json%s to index.json%s\n", from, to)
		}
	}
	drop := func(extensions ...string) {
		for _, ext := range extensions {
			if there(index+ext) && os.Remove(index+ext) == nil {
				fmt.Fprintln(&out, "removed index.json"+ext)
			}
		}
	}
	fits, how, unless := s.args[2], s.args[3], s.args[4]
	finish := func() (done bool) {
		if unless != "" && there(unless) {
			return false
		}
		if how == "unsigned" {
			drop(".asc", ".new.asc")
		}
		move(".new", "")
		if filled(".new.asc") {
			move(".new.asc", ".asc")
		}
		return true
	}
	switch {
	case !there(index) && filled(".new"):
		if !finish() {
			return exits(7)
		}
	case fits != "yes" && filled(".new") && !there(index+".new.asc") && filled(".asc") && !newer(index+".new", index+".asc"):
		if fits != "no" {
			return exits(6)
		}
		if !finish() {
			return exits(7)
		}
	}
	if !there(index) {
		return exits(5)
	}
	if how == "signed" && !filled(".asc") && there(index+".new.asc") {
		fmt.Fprintln(&out, "unfinished")
		return command.Output{Stdout: out.Bytes()}
	}
	drop(".new", ".new.asc")
	if !filled(".asc") {
		fmt.Fprintln(&out, "unsigned")
	}
	return command.Output{Stdout: out.Bytes()}
}

// unfinished sorts payloads by whether an index names them, and removes those that
// nobody can use.
func (s shell) unfinished() command.Output {
	www := s.args[0]
	var named bytes.Buffer // the text of all indexes
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
		named.Write(text)
		return err
	})
	if err != nil {
		return exits(3)
	}
	var out bytes.Buffer
	for _, f := range s.args[2:] {
		path := filepath.Join(www, f)
		json := strings.TrimSuffix(path, ".tar.xz") + ".json"
		filled := func(path string) bool { st, err := os.Stat(path); return err == nil && st.Size() > 0 }
		gone := []string{path, path + ".asc"}
		switch {
		case bytes.Contains(named.Bytes(), []byte(`"/`+f+`"`)):
			fmt.Fprintln(&out, "named", f)
			continue
		case s.args[1] != "remove" || filled(path+".asc") && filled(json):
			continue
		case filled(path + ".asc"):
			gone = append(gone, json, json+".asc")
		}
		for _, path := range gone {
			_ = os.Remove(path)
		}
		fmt.Fprintln(&out, "removed", f)
	}
	fmt.Fprintln(&out, "end")
	return command.Output{Stdout: out.Bytes()}
}

func newer(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && x.ModTime().After(y.ModTime())
}

// lint answers what is there of the things that a configuration names.
func (s shell) lint() command.Output {
	var out bytes.Buffer
	in := bufio.NewReader(bytes.NewReader(s.stdin))
	for {
		var q [4]string
		for i := range q {
			line, err := in.ReadString('\n')
			if err == io.EOF {
				fmt.Fprintln(&out, "end")
				return command.Output{Stdout: out.Bytes()}
			}
			q[i] = strings.TrimSuffix(line, "\n")
		}
		st, err := os.Stat(q[1])
		yes := map[string]func() bool{
			"dir":   func() bool { return err == nil && st.IsDir() },
			"file":  func() bool { return err == nil && st.Size() > 0 },
			"build": func() bool { return hasBuild(q[1], q[2], q[3], false) },
			"good":  func() bool { return hasBuild(q[1], q[2], q[3], true) },
		}[q[0]]
		if yes != nil && yes() {
			fmt.Fprintln(&out, "yes")
		} else {
			fmt.Fprintln(&out, "no")
		}
	}
}

func hasBuild(dir, start, end string, good bool) bool {
	builds, _ := os.ReadDir(dir)
	return slices.ContainsFunc(builds, func(b os.DirEntry) bool {
		has := func(name string) bool { _, err := os.Stat(filepath.Join(dir, b.Name(), name)); return err == nil }
		if b.Name() == "pending" || b.Name() == "current" || !has("SHA256SUMS") || good && !has(".marked_good") {
			return false
		}
		files, _ := os.ReadDir(filepath.Join(dir, b.Name()))
		return slices.ContainsFunc(files, func(f os.DirEntry) bool {
			return strings.HasPrefix(f.Name(), start) && strings.HasSuffix(f.Name(), end)
		})
	})
}
