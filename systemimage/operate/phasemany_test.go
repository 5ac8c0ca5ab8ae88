package operate

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The script itself, run by the shell of this machine: it writes the file first and
// keeps what others wrote there, sets one image after the other, leaves alone a device
// without an index, and stops at what says so.
func TestPhaseManyScript(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell")
	}
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("bin/set-phased-percentage", "#!/bin/sh\necho \"$*\" >>'"+root+"/runs'\necho \"set $3 of $2\"\n"+
		"[ \"$3\" != old ] || { echo 'Phased percentage can only be set on the latest image' >&2; exit 1; }\n")
	write("state/keep", "")
	for _, device := range []string{"a", "b", "old"} {
		write("www/ch/"+device+"/index.json", "{}")
	}
	write("www/ch/lost/index.json", "")
	write("notes/done", "backed out: x:y:1\n")
	s := &Server{Root: root}
	run := func(percentage int, unless string, devices ...string) string {
		t.Helper()
		m := &manyPhases{Server: s, r: PhaseMany{Unless: unless, Note: &HostNote{Path: filepath.Join(root, "notes", "done"), Text: "backed out: ch:a:2", Join: "backed out:"}}}
		for n, device := range devices {
			m.todo = append(m.todo, n)
			m.r.Images = append(m.r.Images, PhaseRequest{Channel: "ch", Device: device, Version: 2, Percentage: percentage})
		}
		c := m.settingMany()
		cmd := exec.CommandContext(context.Background(), c.Argv[0], c.Argv[1:]...)
		cmd.Stdin = bytes.NewReader(c.Stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.ReplaceAll(string(out), root, "ROOT")
	}
	want := `landing-note 0 backed out: ch:a:2 x:y:1
set a of ch
landing-phase 0 0
landing-phase: ROOT/www/ch/lost/index.json is missing or empty
landing-phase 1 74
set old of ch
Phased percentage can only be set on the latest image
landing-phase 2 1
set b of ch
landing-phase 3 0
`
	if d := cmp.Diff(want, run(0, "", "a", "lost", "old", "b")); d != "" {
		t.Errorf("to nobody (-want +got)\n%s", d)
	}
	runs, err := os.ReadFile(filepath.Join(root, "runs"))
	if d := cmp.Diff("-vvv ch a 2 0\n-vvv ch old 2 0\n-vvv ch b 2 0\n", string(runs)); d != "" || err != nil {
		t.Errorf("runs: %v (-want +got)\n%s", err, d)
	}
	raised := run(30, "", "a", "old", "b")
	if !strings.HasSuffix(raised, "landing-phase: error: Phased percentage can only be set on the latest image\nlanding-phase 2 2\n") {
		t.Errorf("raised behind one that is not the newest:\n%s", raised)
	}
	if refused := run(30, filepath.Join(root, "notes", "done"), "a"); !strings.HasSuffix(refused, "done is there\nlanding-phase 0 2\n") {
		t.Errorf("raised with the stop file there:\n%s", refused)
	}
}
