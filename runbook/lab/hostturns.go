package lab

import (
	"crypto/rand"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/landingteam/landing/runbook/command"
)

// What is changed by compare-and-swap is looked at and changed in a turn, whose word a
// look with a fence renews, and each change. All hold the lock that the scripts hold,
// some of which are really run.

// crontabFile is what "crontab -l" prints.
func (l hostCall) crontabFile() (text []byte, ok bool) {
	text, err := os.ReadFile(filepath.Join(l.root, "crontab"))
	return text, err == nil
}

func (l hostCall) crontabTurn() (command.Output, bool) {
	if _, ok := l.crontabFile(); !ok {
		return command.Output{}, false
	}
	var text []byte
	turn, ok := l.lookInTurn(crontabLock, l.args[0] != "", func() (ok bool) {
		text, ok = l.crontabFile()
		return ok
	})
	return command.Output{Stdout: fmt.Appendf(nil, "\nlanding-crontab %s %s 0\n%s", turn, hexSum(text), text)}, ok
}

func (l hostCall) fileTurn() (command.Output, bool) {
	file := l.args[0]
	if at, out, ok := regular(file); at == nil {
		return out, ok
	}
	var text []byte
	turn, ok := l.lookInTurn(lockOf(file), l.args[1] != "", func() bool {
		var err error
		text, err = os.ReadFile(file)
		return err == nil
	})
	return command.Output{Stdout: fmt.Appendf(nil, "\nlanding-file %s %s\n%s", turn, hexSum(text), text)}, ok
}

// regular is a file that is no link, or the answer about what is none.
func regular(file string) (at fs.FileInfo, out command.Output, ok bool) {
	at, err := os.Lstat(file)
	if err != nil || !at.Mode().IsRegular() || !filepath.IsAbs(file) {
		out, ok = missing(err, 7)
		return nil, out, ok
	}
	if real, err := filepath.EvalSymlinks(file); err != nil || real != file {
		return nil, out, false
	}
	return at, out, true
}

// The names of the locks.
const crontabLock = "crontab.lock"

func lockOf(file string) string { return "file-" + hexSum([]byte(file)) }

// lookInTurn reads under a lock. With a fence another turn begins.
func (l hostCall) lookInTurn(name string, fence bool, read func() bool) (turn string, ok bool) {
	ok = l.inTurn(name, func(now string, next func() (string, bool)) (ok bool) {
		if turn = now; !read() {
			return false
		}
		if fence {
			turn, ok = next()
			return ok
		}
		return true
	})
	return turn, ok
}

// inTurn does something under a lock, with the word of whoever changed last what it
// stands for, and a function that begins another turn. It is not ok while another holds
// the lock.
func (l hostCall) inTurn(name string, do func(turn string, next func() (string, bool)) (ok bool)) (ok bool) {
	dir := filepath.Join(l.root, ".machine", ".landing") // in the login folder
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return false
	}
	defer f.Close()
	if !tryFlock(f) {
		return false
	}
	word, err := os.ReadFile(f.Name())
	if err != nil {
		return false
	}
	turn, _, _ := strings.Cut(string(word), "\n")
	return do(turn, func() (string, bool) {
		next := rand.Text()
		return next, os.WriteFile(f.Name(), append([]byte(next), '\n'), 0o600) == nil
	})
}
