package operate

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/landingteam/landing/systemimage/internal/fixture"
)

// refusals are the words with which the recorded programs refused or died, of
// every recording that lies beside the package.
func refusals(t *testing.T) []string {
	t.Helper()
	ends := regexp.MustCompile(`(?m)^(?:[a-z-]+: error|[A-Za-z]+(?:Error|Exception)|Exception): (.+?)\r?$`)
	var all []string
	take := func(text string) {
		for _, m := range ends.FindAllStringSubmatch(text, -1) {
			all = append(all, m[1])
		}
	}
	for _, group := range []string{"copy-ok", "copy-refuse", "copy-danger", "era2016-copy", "phased", "tag"} {
		for _, r := range fixture.Recordings(t, group) {
			take(r.Stdout + "\n" + r.Stderr)
		}
	}
	shared := filepath.Join("..", "..", "..", "shared", "fixtures", "system-image-server")
	err := filepath.WalkDir(shared, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "stderr.txt" {
			return err
		}
		b, err := os.ReadFile(p)
		take(string(b))
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return all
}

// Every sentence of the server is one that a real program has said, to its last
// letter.
func TestSentencesRecorded(t *testing.T) {
	said := refusals(t)
	for s, text := range sentences {
		pattern := regexp.QuoteMeta(text)
		pattern = strings.NewReplacer("%s", ".+", "%d", `-?\d+`).Replace(pattern)
		whole := regexp.MustCompile("^" + pattern + "$")
		n := 0
		for _, line := range said {
			if whole.MatchString(line) {
				n++
				if !sentence(s).in(line) {
					t.Errorf("%q is not found in %q", text, line)
				}
			}
		}
		if n == 0 {
			t.Errorf("no recorded program says %q", text)
		}
	}
}
