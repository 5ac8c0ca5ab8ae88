package examples_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docLink is what looks like a link to a name in a comment: [Name], [Type.Member],
// [pkg.Name].
var docLink = regexp.MustCompile(`\[\*?([A-Za-z]\w*(?:\.[A-Za-z]\w*){0,2})\](?:[^(:]|$)`)

// A documented package: its exported names, and what its comments link to.
type documented struct {
	name  string
	names map[string]bool
	texts []string
}

// Every link in the documentation of a package leads to a name that there is.
func TestDocLinks(t *testing.T) {
	t.Parallel()
	packages := map[string]*documented{}
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		if name := e.Name(); name == "testdata" || len(name) > 1 && name[0] == '.' && name != ".." {
			return fs.SkipDir
		}
		d, err := document(path)
		if d != nil {
			packages[d.name] = d
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for _, d := range packages {
		for _, text := range d.texts {
			for _, m := range docLink.FindAllStringSubmatch(text, -1) {
				links++
				if !leads(packages, d, m[1]) {
					t.Errorf("package %s: [%s] leads nowhere:\n%s", d.name, m[1], text)
				}
			}
		}
	}
	if links < 100 {
		t.Fatalf("%d links seen, want those of all packages", links)
	}
}

// leads tells whether a link of a package leads somewhere.
func leads(packages map[string]*documented, d *documented, link string) bool {
	head, rest, dotted := strings.Cut(link, ".")
	switch other := packages[head]; {
	case d.names[link], link == strings.ToUpper(link): // [DEFAULT] is a section
		return true
	case !dotted:
		return head[0] >= 'a' && head[0] <= 'z' // a word, such as [global], or a package
	case other != nil:
		return other.names[rest]
	}
	return head[0] >= 'a' && head[0] <= 'z' // of the standard library, or of somebody else
}

// document reads the package in a folder; nil without one.
func document(dir string) (*documented, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, filepath.Join(dir, e.Name()), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if len(files) == 0 || files[0].Name.Name == "main" {
		return nil, nil
	}
	p, err := doc.NewFromFiles(fset, files, module+strings.TrimPrefix(filepath.ToSlash(dir), "../"))
	if err != nil {
		return nil, err
	}
	d := &documented{name: p.Name, names: map[string]bool{}, texts: []string{p.Doc}}
	d.values(p.Consts, p.Vars)
	d.funcs("", p.Funcs)
	for _, t := range p.Types {
		d.names[t.Name] = true
		d.texts = append(d.texts, t.Doc)
		d.values(t.Consts, t.Vars)
		d.funcs("", t.Funcs)
		d.funcs(t.Name+".", t.Methods)
		d.fields(t)
	}
	return d, nil
}

func (d *documented) values(lists ...[]*doc.Value) {
	for _, list := range lists {
		for _, v := range list {
			d.texts = append(d.texts, v.Doc)
			for _, name := range v.Names {
				d.names[name] = true
			}
		}
	}
}

func (d *documented) funcs(prefix string, list []*doc.Func) {
	for _, f := range list {
		d.names[prefix+f.Name] = true
		d.texts = append(d.texts, f.Doc)
	}
}

// fields are those of a struct, and the methods of an interface, with their comments.
func (d *documented) fields(t *doc.Type) {
	ast.Inspect(t.Decl, func(n ast.Node) bool {
		f, ok := n.(*ast.Field)
		if !ok {
			return true
		}
		d.texts = append(d.texts, f.Doc.Text(), f.Comment.Text())
		for _, name := range f.Names {
			d.names[t.Name+"."+name.Name] = true
		}
		return true
	})
}
