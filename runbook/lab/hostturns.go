package lab

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/landingteam/landing/runbook/command"
)

// What is changed by compare-and-swap is looked at in a turn, whose word a look with a
// fence renews. These looks hold the lock that the scripts hold, for those that change
// something are really run.

// crontabFile is what "crontab -l" prints.
func (l hostLook) crontabFile() (text []byte, ok bool) {
	text, err := os.ReadFile(filepath.Join(l.root, "crontab"))
	return text, err == nil
}

func (l hostLook) crontabTurn() (command.Output, bool) {
	if _, ok := l.crontabFile(); !ok {
		return command.Output{}, false
	}
	var text []byte
	turn, ok := l.inTurn("crontab.lock", l.args[0] != "", func() (ok bool) {
		text, ok = l.crontabFile()
		return ok
	})
	return command.Output{Stdout: fmt.Appendf(nil, "\nlanding-crontab %s %s 0\n%s", turn, hexSum(text), text)}, ok
}

func (l hostLook) fileTurn() (command.Output, bool) {
	file := l.args[0]
	if at, err := os.Lstat(file); err != nil || !at.Mode().IsRegular() || !filepath.IsAbs(file) {
		return missing(err, 7)
	}
	if at, err := filepath.EvalSymlinks(file); err != nil || at != file {
		return command.Output{}, false
	}
	var text []byte
	turn, ok := l.inTurn("file-"+hexSum([]byte(file)), l.args[1] != "", func() bool {
		var err error
		text, err = os.ReadFile(file)
		return err == nil
	})
	return command.Output{Stdout: fmt.Appendf(nil, "\nlanding-file %s %s\n%s", turn, hexSum(text), text)}, ok
}

// inTurn reads under a lock, and is not ok while another holds it. With a fence
// another turn begins.
func (l hostLook) inTurn(name string, fence bool, read func() bool) (turn string, ok bool) {
	dir := filepath.Join(l.root, ".machine", ".landing") // in the login folder
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", false
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", false
	}
	defer f.Close()
	if !tryFlock(f) {
		return "", false
	}
	word, err := os.ReadFile(f.Name())
	if err != nil || !read() {
		return "", false
	}
	turn, _, _ = strings.Cut(string(word), "\n")
	if fence {
		turn = rand.Text()
		if os.WriteFile(f.Name(), append([]byte(turn), '\n'), 0o600) != nil {
			return "", false
		}
	}
	return turn, true
}
