package examples_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"testing"

	"go/parser"
	"go/token"
)

// fileName is a file of a package in its comment: refusal.go, lock_*.go,
// scripts/job.sh.
var fileName = regexp.MustCompile(`[\w/]+(?:_\*)?\.(?:go|sh)\b`)

// Every file that a package comment sends its reader to is there.
func TestDocFiles(t *testing.T) {
	t.Parallel()
	named := 0
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != "doc.go" {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			return err
		}
		for _, name := range fileName.FindAllString(f.Doc.Text(), -1) {
			named++
			if found, err := filepath.Glob(filepath.Join(filepath.Dir(path), name)); err != nil || len(found) == 0 {
				t.Errorf("%s names %s, which is not there", path, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if named < 80 {
		t.Fatalf("%d files are named, want those of all maps", named)
	}
}
