package cdimage_test

import (
	"encoding/json"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// scoreAll wants all cases of a folder right, and says how many there are of each class.
func scoreAll(t *testing.T, folder fs.FS, least int) []score {
	t.Helper()
	scores, err := scoreFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(scores) < least {
		t.Errorf("%d cases, want at least %d", len(scores), least)
	}
	right, all := map[string]int{}, map[string]int{}
	for _, s := range scores {
		all[s.Class()]++
		if len(s.Misses) == 0 {
			right[s.Class()]++
		}
		for _, m := range s.Misses {
			t.Errorf("%s: %s", s.File, m)
		}
	}
	for _, class := range slices.Sorted(maps.Keys(all)) {
		t.Logf("%-28s %3d of %3d", class, right[class], all[class])
	}
	return scores
}

var logsFolder = flag.String("logs", "", "score this folder of logs too, which has an expected.json")

// TestExpected compares every recorded log with what is to be said of it. It does so for
// a folder of one's own (an absolute path), and prints what was said:
//
//	go test ./cdimage -run TestExpected -v -args -logs FOLDER
func TestExpected(t *testing.T) {
	scoreAll(t, os.DirFS("testdata"), 64)
	if *logsFolder == "" {
		return
	}
	for _, s := range scoreAll(t, os.DirFS(*logsFolder), 1) {
		got, err := json.MarshalIndent(s.Got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %s", s.File, got)
	}
}

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
			scores, err := scoreFolder(replacing{os.DirFS("testdata"), change[0], change[1]})
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
	scoreAll(t, os.DirFS(dir), 64)
}
