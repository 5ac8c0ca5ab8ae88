package cdimage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzDirectoryIndex(f *testing.F) {
	pages, err := filepath.Glob("testdata/html/*.html")
	if err != nil || len(pages) == 0 {
		f.Fatal("no pages", err)
	}
	for _, name := range pages {
		page, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(page)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := parseIndex(strings.NewReader(string(b)))
		if err != nil {
			return
		}
		for _, e := range entries {
			if e.Name == "" || e.Name == ".." || strings.ContainsAny(e.Name, "/\x00") {
				t.Errorf("entry %+q leads elsewhere", e.Name)
			}
		}
	})
}
