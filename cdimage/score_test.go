package cdimage_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/landingteam/landing/cdimage/internal/score"
)

func scoreAll(t *testing.T, folder fs.FS) {
	t.Helper()
	scores, err := score.Folder(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(scores) < 64 {
		t.Errorf("%d cases, want at least 64", len(scores))
	}
	for _, s := range scores {
		for _, m := range s.Misses {
			t.Errorf("%s: %s", s.File, m)
		}
	}
}

// TestExpected compares every recorded log with what is to be said of it.
func TestExpected(t *testing.T) { scoreAll(t, os.DirFS("testdata")) }

// TestScoreNotices makes sure that the comparison can fail.
func TestScoreNotices(t *testing.T) {
	for name, change := range map[string][2]string{
		"state":   {`"state": "Failed to build"`, `"state": "Chroot problem"`},
		"class":   {`"class": "dependency"`, `"class": "package"`},
		"publish": {`"publish": "partial"`, `"publish": "complete"`},
		"remedy":  {`"remedy": "none"`, `"remedy": "full rebuild"`},
		"line":    {"ERROR 404: Not Found.", "ERROR 405: Not Found."},
		"entry":   {`"saucy/"`, `"sauce/"`},
	} {
		t.Run(name, func(t *testing.T) {
			scores, err := score.Folder(replacing{os.DirFS("testdata"), change[0], change[1]})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range scores {
				if len(s.Misses) > 0 {
					return
				}
			}
			t.Error("nothing was noticed")
		})
	}
}

// TestSharedFixtures runs over the folder that several projects share, when it
// lies beside this one.
func TestSharedFixtures(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "fixtures", "cdimage")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no shared fixtures beside the project")
	}
	scoreAll(t, os.DirFS(dir))
}
