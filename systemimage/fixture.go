// Package fixture reads what the tests of several packages share: recordings of the
// server's programs and cases of the client, in systemimage/testdata.
package systemimage

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook/command"
)

func readCases[T any](t testing.TB, name string) []T {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var cases []T
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// A recording is one run of one of the server's programs, as recorded.
type recording struct {
	name, command  string
	stdout, stderr string
	exit           int
	emptyWorld     bool // rc and stable have channels and devices, but no image yet
	changes        []string
	before, after  map[string]string // documents below www
}

// recordings reads a group of testdata/recorded, a txtar file.
func recordings(t testing.TB, group string) []*recording {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "recorded", group+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var list []*recording
	byName := map[string]*recording{}
	heads := regexp.MustCompile(`(?m)^-- (\S+?)/(\S+) --\n`).FindAllSubmatchIndex(text, -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		name, part, body := string(text[h[2]:h[3]]), string(text[h[4]:h[5]]), string(text[h[1]:end])
		r := byName[name]
		if r == nil {
			r = &recording{name: name, before: map[string]string{}, after: map[string]string{}}
			byName[name], list = r, append(list, r)
		}
		switch {
		case part == "command":
			r.command = strings.TrimSpace(body)
		case part == "exit":
			r.exit, err = strconv.Atoi(strings.TrimSpace(body))
		case part == "world":
			r.emptyWorld = true
		case part == "stdout":
			r.stdout = body
		case part == "stderr":
			r.stderr = body
		case part == "changes":
			r.changes = strings.Split(strings.TrimSpace(body), "\n")
		case strings.HasPrefix(part, "before/"):
			r.before[strings.TrimPrefix(part, "before/")] = body
		case strings.HasPrefix(part, "after/"):
			r.after[strings.TrimPrefix(part, "after/")] = body
		default:
			err = fmt.Errorf("unknown part %q", part)
		}
		if err != nil {
			t.Fatalf("%s, %s: %v", group, name, err)
		}
	}
	if len(list) == 0 {
		t.Fatalf("%s: no recordings", group)
	}
	return list
}

func (r *recording) output() command.Output {
	return command.Output{Stdout: []byte(r.stdout), Stderr: []byte(r.stderr), Exit: r.exit}
}

// said reports whether the program said something, on either stream.
func (r *recording) said(text string) bool { return strings.Contains(r.stdout+r.stderr, text) }
