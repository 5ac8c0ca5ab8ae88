package systemimagetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A stage is the server of one scenario, before or after its command.
type stage struct {
	t    *testing.T
	base *worlds

	clean bool // the scenario changed nothing
	s     *Server
	all   map[string]recording
}

// clock starts at an hour of the recordings' day and moves a millisecond at
// every look.
func clock(hour int) func() time.Time {
	var looks atomic.Int64
	start := time.Date(2026, 11, 22, hour, 0, 0, 0, time.UTC)
	return func() time.Time { return start.Add(time.Duration(looks.Add(1)) * time.Millisecond) }
}

// played is what a command did.
type played struct {
	root           string
	stdout, stderr string
	exit           int
	changes        []string
	read           func(path string) string
}

// play sets the stage for a scenario and runs its command; what that did is looked at
// if there is a check.
func (g *stage) play(name string, check func(played)) {
	g.t.Helper()
	r := g.all[name]
	setup := strings.Split(strings.TrimSuffix(r["setup"], "\n"), "\n")
	if after, ok := strings.CutPrefix(setup[0], "after "); ok {
		g.play(after, nil)
		setup = setup[1:]
	} else {
		g.s = g.base.take(g.t)
	}
	if diff, ok := r["config.diff"]; ok {
		g.patchConfig(diff)
	}
	for _, line := range setup {
		if line != "" {
			g.prepare(line)
		}
	}
	root := g.s.root
	var stdout, stderr bytes.Buffer
	run := func() int { return g.command(strings.TrimSpace(r["cmd"]), &stdout, &stderr) }
	if check == nil {
		run()
		return
	}
	before := snapshotFiles(g.t, root)
	status := run()
	out := played{root: root, stdout: stdout.String(), stderr: stderr.String(), exit: status}
	out.changes = changes(before, snapshotFiles(g.t, root))
	out.read = func(path string) string {
		b, err := os.ReadFile(filepath.Join(root, "www", path))
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
	check(out)
	g.clean = len(out.changes) == 0 && r["setup"] == "" && r["config.diff"] == ""
}

// worlds hands out copies of the recorded world. A scenario that changed
// nothing gives its copy back for the next one.
type worlds struct {
	t      *testing.T
	first  *Server
	hashes map[string]string
	mu     sync.Mutex
	idle   []*Server
}

func (w *worlds) take(t *testing.T) *Server {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.idle); n > 0 {
		s := w.idle[n-1]
		w.idle = w.idle[:n-1]
		return s
	}
	s, err := w.first.Clone(TempDir(w.t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *worlds) giveBack(s *Server) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = append(w.idle, s)
}

// command runs a recorded command line.
func (g *stage) command(line string, stdout, stderr *bytes.Buffer) int {
	p := g.s.process("", stdout, stderr)
	if rest, ok := strings.CutPrefix(line, "cd / && "); ok {
		p.dir, p.root, line = "/", "", rest
	}
	args := splitWords(strings.ReplaceAll(line, "/srv/system-image.ubuntu.com", g.s.root))
	if root, ok := strings.CutPrefix(args[0], "SYSTEM_IMAGE_ROOT="); ok {
		p.root, args = root, args[1:]
	}
	p.name, p.args = filepath.Base(args[0]), args[1:]
	return p.main()
}

// splitWords splits a command line at blanks outside double quotes.
func splitWords(line string) []string {
	var out []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

// prepare does one line of a scenario's setup.
func (g *stage) prepare(line string) {
	g.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	path := func(p string) string { return filepath.Join(g.s.root, p) }
	var err error
	switch verb {
	case "empty":
		w := SampleWorld()
		for i := range w.Channels {
			for j := range w.Channels[i].Devices {
				w.Channels[i].Devices[j].Images = nil
			}
		}
		w.Builds, w.Now = firstBuilds(g.t), g.base.first.Now
		g.s, err = Create(TempDir(g.t), w)
	case "era":
		err = writeFile(path(eraFile), []byte("2016\n"))
	case "run":
		var out bytes.Buffer
		if status := g.command(rest, &out, &out); status != 0 {
			if status != 1 {
				g.t.Fatalf("%s: exit %d\n%s", rest, status, out.String())
			}
		}
	case "http", "cdimage":
		var w World
		if err = w.parseLine("builds", line); err == nil {
			err = g.s.AddBuild(w.Builds[0])
		}
	case "faults":
		var f Faults
		if err = json.Unmarshal([]byte(rest), &f); err == nil {
			err = g.s.SetFaults(f)
		}
	case "lock":
		var release func() error
		if release, err = g.s.HoldLock(); err == nil {
			g.t.Cleanup(func() { _ = release() })
		}
	case "rm":
		if !exists(path(rest)) {
			g.t.Fatalf("no %s to remove", rest)
		}
		err = os.RemoveAll(path(rest))
	case "mv":
		from, to, _ := strings.Cut(rest, " ")
		err = os.Rename(path(from), path(to))
	case "mkdir":
		err = os.MkdirAll(path(rest), 0o755)
	case "write":
		name, text, _ := strings.Cut(rest, " ")
		err = writeFile(path(name), []byte(text))
	case "rm-pool":
		err = g.removeFromPool(rest)
	case "expire-key":
		err = g.s.ExpireKey("image-signing")
	case "restore-key":
		err = g.s.RestoreKey("image-signing")
	default:
		g.t.Fatalf("unknown setup %q", line)
	}
	if err != nil {
		g.t.Fatalf("%s: %v", line, err)
	}
}

func (g *stage) removeFromPool(detail string) error {
	files, _ := filepath.Glob(filepath.Join(g.s.root, "www/pool/*.json"))
	for _, f := range files {
		if readObject(g.t, f)["version_detail"] == detail {
			return os.Remove(strings.Replace(f, ".json", ".tar.xz", 1))
		}
	}
	return fmt.Errorf("no %s in the pool", detail)
}

// firstBuilds are the sources as they were when the recorded world began.
func firstBuilds(t *testing.T) []Build {
	t.Helper()
	first := map[string]string{
		"device_krillin": "20150604-1c0ffee", "device_arale": "20150603-3c0ffee",
		"custom-aquaris.en": "20150601-101-29-15-vivid", "ubuntu-touch-android9plus-rootfs-arm64": "2023-09-01/1",
	}
	var builds []Build
	for _, b := range SampleWorld().Builds {
		if b.Version == "20150611" {
			continue
		}
		name, _, _ := strings.Cut(filepath.Base(b.URL), ".tar.")
		if v, ok := first[name]; ok {
			b.Version = v
		}
		builds = append(builds, b)
	}
	return builds
}

// patchConfig applies a recorded difference of etc/config.
func (g *stage) patchConfig(diff string) {
	g.t.Helper()
	path := filepath.Join(g.s.root, "etc/config")
	text, err := os.ReadFile(path)
	if err != nil {
		g.t.Fatal(err)
	}
	var b strings.Builder
	patched, err := applyDiff(recordedPaths(string(text), g.s.root), diff)
	if err != nil {
		g.t.Fatal(err)
	}
	b.WriteString(patched)
	back := strings.NewReplacer("/srv/system-image.ubuntu.com", g.s.root, "/srv/cdimage.ubuntu.com", g.s.root+"/cdimage")
	if err := os.WriteFile(path, []byte(back.Replace(b.String())), 0o644); err != nil {
		g.t.Fatal(err)
	}
}

// applyDiff applies a unified difference.
func applyDiff(text, diff string) (string, error) {
	lines := strings.SplitAfter(text, "\n")
	var out []string
	at := 0
	for line := range strings.Lines(diff) {
		switch {
		case strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "+++ "):
		case strings.HasPrefix(line, "@@ "):
			var start int
			if _, err := fmt.Sscanf(line, "@@ -%d", &start); err != nil {
				return "", err
			}
			out = append(out, lines[at:start-1]...)
			at = start - 1
		case line[0] == '+':
			out = append(out, line[1:])
		default:
			if at >= len(lines) || lines[at] != line[1:] && strings.TrimSpace(line) != "" {
				return "", fmt.Errorf("line %d is not %q", at+1, line[1:])
			}
			if line[0] != '-' {
				out = append(out, lines[at])
			}
			at++
		}
	}
	return strings.Join(append(out, lines[at:]...), ""), nil
}

func recordedPaths(text, root string) string {
	text = strings.ReplaceAll(text, root+"/cdimage", "/srv/cdimage.ubuntu.com")
	return strings.ReplaceAll(text, root, "/srv/system-image.ubuntu.com")
}

// snapshotFiles is the content of every file below www.
func snapshotFiles(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(filepath.Join(root, "www"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := readFile(path)
		rel, _ := filepath.Rel(filepath.Join(root, "www"), path)
		files[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// changes lists what differs below www as the recordings do, without sizes.
func changes(before, after map[string]string) []string {
	kind := map[string]byte{}
	for path, data := range before {
		if now, ok := after[path]; !ok {
			kind[path] = 'D'
		} else if now != data {
			kind[path] = 'M'
		}
	}
	for path := range after {
		if _, ok := before[path]; !ok {
			kind[path] = 'A'
		}
	}
	var out []string
	for path, k := range kind {
		if base, ok := strings.CutSuffix(path, ".asc"); ok && kind[base] == k && (k != 'A' || after[path] != "") {
			continue
		}
		line := string(k) + " " + path
		_, signed := after[path+".asc"]
		switch {
		case strings.HasSuffix(path, ".asc"):
		case signed && after[path+".asc"] == "":
			line += " ZERO-LENGTH-ASC"
		case kind[path+".asc"] == k:
			line += " +asc"
		case k == 'A' && !signed:
			line += " NO-ASC"
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}
