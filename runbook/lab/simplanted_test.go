package lab_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Does the simulation find things? Faults that the library had once lie in
// testdata/planted, as changes that put them back. With -planted each is put back,
// one at a time, in a copy that only the compiler sees, and the simulation runs until
// it finds it:
//
//	go test ./runbook/lab -run Planted -v -timeout 2h -args -planted -seeds 2000
//	go test ./runbook/lab -run Planted/late-pause -v -args -planted -seeds 2000
var planted = flag.Bool("planted", false, "put back faults that the library had, and look whether the simulation finds them in -seeds seeds each")

// A plant is a fault that is put back. Its file has a sentence about it, a line
// with the procedure that is run, and for each source file the texts as they are and as
// they were, between <<<, === and >>>.
type plant struct {
	name, about, procedure string
	change                 map[string][][2]string // by path in the module
}

// unseen are those that the simulation does not find by its nature, with the reason.
var unseen = map[string]string{
	"lost-job-in-doubt": "a run that does not take a lost job over comes to it at the next start all the same: what stood in the way of that was in package remote, which is not simulated",
}

const moduleRoot = "../.."

func plants(t *testing.T) (list []plant) {
	t.Helper()
	names, err := filepath.Glob("testdata/planted/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no planted faults: %v", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p := plant{name: strings.TrimSuffix(filepath.Base(name), ".txt"), change: map[string][][2]string{}}
		parts := strings.Split("\n"+string(text), "\n-- ")
		about, procedure, ok := strings.Cut(strings.TrimSpace(parts[0]), "\nprocedure ")
		p.about, p.procedure = about, procedure
		for _, part := range parts[1:] {
			path, text, named := strings.Cut(part, " --\n")
			for _, m := range regexp.MustCompile(`(?s)<<<\n(.*?)\n===\n(.*?)\n>>>`).FindAllStringSubmatch(text, -1) {
				p.change[path] = append(p.change[path], [2]string{m[1], m[2]})
			}
			ok = ok && named && len(p.change[path]) > 0
		}
		if !ok || len(p.change) == 0 {
			t.Fatalf("%s: it is not of the form that plant says", name)
		}
		list = append(list, p)
	}
	return list
}

// planted returns the sources with the fault, by path in the module.
func (p plant) sources(t *testing.T) map[string]string {
	t.Helper()
	made := map[string]string{}
	for path, changes := range p.change {
		text, err := os.ReadFile(filepath.Join(moduleRoot, path))
		if err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		for _, c := range changes {
			if n := strings.Count(string(text), c[0]); n != 1 {
				t.Fatalf("%s: %s has %d times what is to be changed: %q; write testdata/planted/%s.txt anew", p.name, path, n, c[0], p.name)
			}
			text = []byte(strings.Replace(string(text), c[0], c[1], 1))
		}
		made[path] = string(text)
	}
	return made
}

// The planted faults still fit the sources.
func TestPlantedFits(t *testing.T) {
	for _, p := range plants(t) {
		for path, text := range p.sources(t) {
			if _, err := parser.ParseFile(token.NewFileSet(), path, text, 0); err != nil {
				t.Errorf("%s: %v", p.name, err)
			}
		}
	}
	for name := range unseen {
		if _, err := os.Stat("testdata/planted/" + name + ".txt"); err != nil {
			t.Error(err)
		}
	}
}

var (
	foundSeed = regexp.MustCompile(`seed (\d+) of \S+ breaks a rule [^\n]*\n\s+([^\n]*)`)
	undone    = regexp.MustCompile(`(\d+) runs in`)
)

func TestPlantedFaultsAreFound(t *testing.T) {
	if !*planted {
		t.Skip("runs with -planted")
	}
	for _, p := range plants(t) {
		t.Run(p.name, func(t *testing.T) {
			out := p.simulate(t)
			m := foundSeed.FindStringSubmatch(out)
			why, known := unseen[p.name]
			switch {
			case m != nil && known:
				t.Errorf("%s: found with seed %s of %s (%s), and unseen says that it cannot be: %s", p.name, m[1], p.procedure, m[2], why)
			case m != nil:
				t.Logf("| %s | %s | %s | %.120s |", p.about, p.procedure, m[1], m[2])
			case known:
				t.Logf("| %s | %s | not found | %s |", p.about, p.procedure, why)
			default:
				t.Errorf("%s is not found: %s\n%s", p.name, p.about, out)
			}
		})
	}
}

// simulate runs the simulation with the fault put back, and returns what it prints.
func (p plant) simulate(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs(moduleRoot)
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	for path, text := range p.sources(t) {
		copied := filepath.Join(dir, strings.ReplaceAll(path, "/", "_"))
		if err := os.WriteFile(copied, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, path)] = copied
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "simulation.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%s: it does not build: %v\n%s", p.name, err, out)
	}
	out, err := exec.CommandContext(t.Context(), binary, "-test.run", "^TestSimulation$", "-test.v", "-procedure", p.procedure,
		"-seeds", fmt.Sprint(*seeds), "-broken", "1").CombinedOutput()
	if err == nil && !undone.Match(out) {
		t.Fatalf("%s: the simulation did not run: %s", p.name, out)
	}
	return string(out)
}
