package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// Most commands of a run are small scripts that only look at the host, and some change
// a file there. To start a shell, and a dozen programs from it, for each would be more
// than half of what a lab in this process costs. So those that it knows, letter by
// letter, are function calls as well. One that was changed since, and one that meets what
// it rarely does, such as a file that may not be read, is really run.

// inProcess is the host of a lab in this process.
type inProcess struct {
	server *systemimagetest.Server
	whole  *sync.Map // files that xz has found whole, by their SHA-256
}

// Run implements [command.Runner].
func (h inProcess) Run(ctx context.Context, c command.Command) (command.Output, error) {
	if ctx.Err() == nil && !c.Attach {
		if out, ok := play(ctx, h.server.Root(), h.whole, c); ok {
			return out, nil
		}
	}
	return h.server.Run(ctx, c)
}

// A hostCall is one script that the host runs.
type hostCall struct {
	ctx   context.Context
	root  string // of the server
	whole *sync.Map
	args  []string
	stdin []byte
}

// scripts are those that are known, by the SHA-256 of their text, of which the first six
// bytes tell them apart. A call that is not ok has to be really run.
func scripts() map[string]func(hostCall) (out command.Output, ok bool) {
	return map[string]func(hostCall) (command.Output, bool){
		"ab809e2222cc": hostCall.whoHoldsTheLock,
		"a58bda8430fc": hostCall.crontabTurn,
		"3a48c265b8b1": hostCall.fileTurn,
		"f2ae683cd751": hostCall.readFile,
		"628fdee72307": hostCall.lookAtTree,
		"1b60feca4e69": hostCall.importLog,
		"ff4a420bd7b9": hostCall.readStopFile,
		"2c45d291acad": hostCall.cat,
		"274b3887df90": hostCall.readIndexes,
		"48196b856e03": hostCall.unfinished,
		"ceea9a990997": hostCall.lint,
		"e1e25a446abf": hostCall.installCrontab,
		"5ed09648e538": hostCall.replaceFile,
		"da8efa8083f4": hostCall.mendIndex,
		"4a61920cd06a": hostCall.writeStopFile,
		"0f48d8ddffab": hostCall.removeStopFile,
	}
}

// play answers a command if it is one that is known.
func play(ctx context.Context, root string, whole *sync.Map, c command.Command) (out command.Output, ok bool) {
	if slices.Equal(c.Argv, []string{"crontab", "-l"}) {
		out.Stdout, ok = hostCall{root: root}.crontabFile()
		return out, ok
	}
	if len(c.Argv) < 4 || c.Argv[0] != "sh" || c.Argv[1] != "-c" {
		return out, false
	}
	f := scripts()[hexSum([]byte(c.Argv[2]))[:12]]
	if f == nil {
		return out, false
	}
	return f(hostCall{ctx, root, whole, c.Argv[4:], c.Stdin})
}

func hexSum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// missing is the answer about a file that is not there.
func missing(err error, exit int) (command.Output, bool) {
	return command.Output{Exit: exit}, errors.Is(err, fs.ErrNotExist)
}

// whoHoldsTheLock answers when nobody does. Who does is found by the script: the lock
// of a program that runs in this process belongs to an open file and is not among
// those that it looks for. The script's own source, /proc/locks, stops all processors
// for some milliseconds.
func (l hostCall) whoHoldsTheLock() (out command.Output, ok bool) {
	out.Stdout = []byte("seen\n")
	if _, err := os.Stat("/proc/locks"); err != nil {
		return out, false
	}
	f, err := os.Open(l.args[0])
	if err != nil {
		return out, errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	return out, !recordLocked(f)
}

func (l hostCall) cat() (command.Output, bool) {
	text, err := os.ReadFile(l.args[0])
	return command.Output{Stdout: text}, err == nil
}

// readIndexes reads one file, or several with a line before each.
func (l hostCall) readIndexes() (command.Output, bool) {
	if len(l.args) == 1 {
		return l.cat()
	}
	var out bytes.Buffer
	var all []byte
	exit := 0
	for _, f := range l.args {
		text, err := os.ReadFile(f)
		switch {
		case err == nil:
			fmt.Fprintf(&out, "%d %s\n", len(text), f)
			all = append(all, text...)
		case errors.Is(err, fs.ErrNotExist):
			exit = 1
		default:
			return command.Output{}, false
		}
	}
	out.WriteByte('\n')
	out.Write(all)
	return command.Output{Exit: exit, Stdout: out.Bytes()}, true
}

func (l hostCall) importLog() (command.Output, bool) {
	text, err := os.ReadFile(l.args[0])
	if err != nil {
		return missing(err, 3)
	}
	n, _ := strconv.Atoi(l.args[1])
	return command.Output{Stdout: text[max(0, len(text)-n):]}, true
}

func (l hostCall) readStopFile() (command.Output, bool) {
	text, err := os.ReadFile(l.args[0])
	if err != nil {
		return missing(err, 3)
	}
	return command.Output{Stdout: text[:min(len(text), 60000)]}, true
}

func (l hostCall) readFile() (command.Output, bool) {
	text, err := os.ReadFile(l.args[0])
	if err != nil {
		return missing(err, 7)
	}
	return command.Output{Stdout: fmt.Appendf(nil, "\nlanding-file  %s\n%s", hexSum(text), text)}, true
}

// lookAtTree answers the questions about the published tree.
func (l hostCall) lookAtTree() (command.Output, bool) {
	t := treeAnswers{www: l.args[0]}
	if st, err := os.Stat(t.www); err != nil || !st.IsDir() {
		return command.Output{}, false
	}
	var indexes []string
	answers := map[string]func(path string){
		"dir":      t.dir,
		"file":     func(p string) { t.size(p, p+".asc") },
		"index":    func(p string) { indexes = append(indexes, p, p+".asc") },
		"text":     t.text,
		"versions": func(string) { t.unsigned(t.versions()) },
		"sum":      t.sum,
		"test":     func(p string) { l.test(&t, p) },
	}
	for line := range bytes.Lines(l.stdin) {
		kind, path, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		if f := answers[kind]; f != nil {
			f(path)
		}
	}
	t.size(indexes...)
	for _, p := range indexes {
		t.sum(p)
	}
	t.unsigned(named(t.at("pool"), func(name string) bool { return strings.HasSuffix(name, ".tar.xz") && name[0] != '.' }))
	temp := l.args[1]
	if temp == "" {
		temp = filepath.Join(l.root, ".machine")
	}
	for _, d := range named(temp, func(name string) bool { return len(name) == len("tmp????????") && name[:3] == "tmp" }) {
		if st, err := os.Stat(d); err == nil && st.IsDir() {
			fmt.Fprintf(&t, "temp %s\n", d)
		}
	}
	t.WriteString("end\n")
	return command.Output{Stdout: t.Bytes()}, !t.odd
}

// named are the entries of a folder whose names match, in order: a shell's pattern for
// one folder, which [filepath.Glob] takes five times as long over.
func named(dir string, match func(name string) bool) (list []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if match(e.Name()) {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	return list
}

// treeAnswers are the lines that are answered about the tree in the folder www.
type treeAnswers struct {
	bytes.Buffer
	www string
	odd bool // something that the script has to be asked
}

func (t *treeAnswers) at(path string) string { return filepath.Join(t.www, path) }

// read is the content of a file that is there.
func (t *treeAnswers) read(path string) (text []byte, ok bool) {
	text, err := os.ReadFile(t.at(path))
	t.odd = t.odd || err != nil && !errors.Is(err, fs.ErrNotExist)
	return text, err == nil
}

func (t *treeAnswers) size(paths ...string) {
	for _, p := range paths {
		if st, err := os.Stat(t.at(p)); err == nil {
			fmt.Fprintf(t, "%d %s\n", st.Size(), p)
		}
	}
}

func (t *treeAnswers) sum(path string) {
	if text, ok := t.read(path); ok {
		fmt.Fprintf(t, "%s  %s\n", hexSum(text), path)
	}
}

func (t *treeAnswers) text(path string) {
	if text, ok := t.read(path); ok {
		t.odd = t.odd || bytes.IndexByte(text, 0) >= 0 // a shell drops it
		fmt.Fprintf(t, "text %s\t%s\n", path, strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(string(text[:min(len(text), 65536)])))
	}
}

func (t *treeAnswers) dir(path string) {
	list, _ := os.ReadDir(t.at(path))
	for _, e := range list {
		if e.Name()[0] != '.' {
			t.size(path + "/" + e.Name())
		}
	}
}

// test asks xz itself, once about the same bytes.
func (l hostCall) test(t *treeAnswers, path string) {
	text, ok := t.read(path)
	xz, err := exec.LookPath("xz")
	if !ok || err != nil {
		return
	}
	sum := sha256.Sum256(text)
	if _, whole := l.whole.Load(sum); whole {
		return
	}
	if exec.CommandContext(l.ctx, xz, "-t", "--", t.at(path)).Run() != nil {
		fmt.Fprintf(t, "torn %s\n", path)
		return
	}
	l.whole.Store(sum, true)
}

// versions are the version tarballs of all channels.
func (t *treeAnswers) versions() (list []string) {
	err := filepath.WalkDir(t.www, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p == t.at("pool"):
			return fs.SkipDir
		}
		if ok, _ := filepath.Match("version-*.tar.xz", e.Name()); ok {
			list = append(list, p)
		}
		return nil
	})
	t.odd = t.odd || err != nil
	return list
}

// unsigned names those of the files that have no signature, or an empty .json.
func (t *treeAnswers) unsigned(list []string) {
	for _, p := range list {
		st, err := os.Stat(p + ".asc")
		switch name := strings.TrimPrefix(p, t.www+"/"); {
		case err != nil:
			fmt.Fprintf(t, "unsigned %s\n", name)
		case st.Size() == 0:
			fmt.Fprintf(t, "emptysig %s\n", name)
		default:
			if st, err := os.Stat(strings.TrimSuffix(p, ".tar.xz") + ".json"); err == nil && st.Size() == 0 {
				fmt.Fprintf(t, "emptyjson %s\n", name)
			}
		}
	}
}
