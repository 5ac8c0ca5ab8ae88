package lab

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook/command"
)

// lint answers what is there of the things that a configuration names.
func (l hostCall) lint() (command.Output, bool) {
	var out bytes.Buffer
	in := bufio.NewReader(bytes.NewReader(l.stdin))
	for {
		var q [4]string
		for i := range q {
			line, err := in.ReadString('\n')
			if err == io.EOF {
				fmt.Fprintln(&out, "end")
				return command.Output{Stdout: out.Bytes()}, true
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
		has := func(name string) bool { return there(filepath.Join(dir, b.Name(), name)) }
		if b.Name() == "pending" || b.Name() == "current" || !has("SHA256SUMS") || good && !has(".marked_good") {
			return false
		}
		files, _ := os.ReadDir(filepath.Join(dir, b.Name()))
		return slices.ContainsFunc(files, func(f os.DirEntry) bool {
			return strings.HasPrefix(f.Name(), start) && strings.HasSuffix(f.Name(), end)
		})
	})
}
