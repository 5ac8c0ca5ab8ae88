package operate_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// Every program reads the indexes of aliases too, at its end, and dies of one that it
// cannot read, after it has published. One that is missing or empty is made anew.
func TestAliasIndexesAreLookedAt(t *testing.T) {
	const alias = "ubuntu-touch/devel-proposed/ubuntu/mako/index.json"
	write := func(text string) func(string) error {
		return func(p string) error { return os.WriteFile(p, []byte(text), 0o644) }
	}
	for _, d := range []struct {
		name    string
		blocked bool
		do      func(index string) error
	}{
		{"a web page", true, write("<html>not found</html>\n")},
		{"blank lines", true, write("\n\n")},
		{"zeros", true, write(strings.Repeat("\x00", 4096))},
		{"null", true, write("null")},
		{"a list", true, write("[]")},
		{"an empty object", true, write("{}")},
		{"images are null", true, write(`{"global":{},"images":null}`)},
		{"missing", false, os.Remove},
		{"empty", false, write("")},
		{"without signature", false, func(p string) error { return os.Remove(p + ".asc") }},
	} {
		for what, do := range map[string]func(*testing.T, *operate.Server) error{
			"copy": func(t *testing.T, s *operate.Server) error { _, err := s.Copy(t.Context(), rcCopy); return err },
			"import": func(t *testing.T, s *operate.Server) error {
				_, err := s.Import(t.Context(), operate.ImportRequest{})
				return err
			},
		} {
			t.Run(what+", "+d.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					fake, s := operated(t, nil)
					s.Client = fake.Client()
					if err := d.do(filepath.Join(fake.Root(), "www", alias)); err != nil {
						t.Fatal(err)
					}
					var ran []string
					fake.After = func(argv []string, _ int) {
						if !slices.Contains(argv, "--help") {
							ran = append(ran, filepath.Base(argv[0]))
						}
					}
					err := do(t, s)
					switch {
					case !d.blocked && err != nil:
						t.Errorf("ran %q, %v, want that it is done", ran, err)
					case d.blocked && (!errors.Is(err, systemimage.ErrBroken) || len(ran) > 0):
						t.Errorf("ran %q, %v, want nothing, and ErrBroken", ran, err)
					case d.blocked && (!strings.Contains(err.Error(), alias) || !strings.Contains(err.Error(), "delete it with its .asc")):
						t.Errorf("%v does not say what to mend, and how", err)
					}
				})
			})
		}
	}
}
