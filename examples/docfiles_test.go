package examples_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go/parser"
	"go/token"
)

// fileName is a file of a package in its comment: refusal.go, lock_*.go,
// scripts/job.sh.
var fileName = regexp.MustCompile(`[\w/]+(?:_\*)?\.(?:go|sh)\b`)

// Every file that a package comment sends its reader to is there, and a package that has
// a map names all its files.
func TestDocFiles(t *testing.T) {
	t.Parallel()
	named, maps := 0, 0
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != "doc.go" {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			return err
		}
		seen := map[string]bool{path: true}
		for _, name := range fileName.FindAllString(f.Doc.Text(), -1) {
			named++
			found, err := filepath.Glob(filepath.Join(filepath.Dir(path), name))
			if err != nil || len(found) == 0 {
				t.Errorf("%s names %s, which is not there", path, name)
			}
			for _, file := range found {
				seen[file] = true
			}
		}
		if !strings.Contains(f.Doc.Text(), "# Where a rule stands\n") {
			return nil
		}
		maps++
		files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.go"))
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") && !seen[file] {
				t.Errorf("the map in %s does not name %s", path, filepath.Base(file))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if named < 400 || maps < 19 {
		t.Fatalf("%d files are named in %d maps, want those of all maps", named, maps)
	}
}
