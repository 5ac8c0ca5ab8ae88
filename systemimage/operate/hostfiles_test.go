package operate

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/systemimage"
)

// The answer of a host is taken apart, or not at all.
func TestSplitFiles(t *testing.T) {
	t.Parallel()
	files := []string{"/a/x", "/a/y z", "/a/w"}
	for _, tt := range []struct {
		name, answer string
		want         []string // "-" is none
		whole        bool
	}{
		{"all", "1 /a/x\n3 /a/y z\n0 /a/w\n\n123\n", []string{"1", "23\n", ""}, true},
		{"blank lines in a file", "4 /a/x\n2 /a/y z\n0 /a/w\n\n\n\n1\n\n\n", []string{"\n\n1\n", "\n\n", ""}, true},
		{"one is not there", "1 /a/x\n1 /a/w\n\n12", []string{"1", "-", "2"}, true},
		{"none", "\n", []string{"-", "-", "-"}, true},
		{"one grew meanwhile", "1 /a/x\n1 /a/y z\n1 /a/w\n\n1223", nil, false},
		{"one may not be read", "1 /a/x\n1 /a/y z\n1 /a/w\n\n13", nil, false},
		{"another file", "1 /a/q\n\n1", nil, false},
		{"two in another order", "1 /a/w\n1 /a/x\n\n12", nil, false},
		{"no size", "x /a/x\n\n1", nil, false},
		{"negative size", "-1 /a/x\n1 /a/w\n\n", nil, false},
		{"cut in its head", "1 /a/x\n1 /a/y", nil, false},
		{"nothing", "", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			texts, whole := splitFiles([]byte(tt.answer), files)
			if whole != tt.whole {
				t.Fatalf("whole: %v, %q", whole, texts)
			}
			var got []string
			for _, text := range texts {
				if got = append(got, string(text)); text == nil {
					got[len(got)-1] = "-"
				}
			}
			if d := cmp.Diff(tt.want, got); whole && d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// Whatever a host answers, nothing is taken for a file but bytes of the answer.
func FuzzSplitFiles(f *testing.F) {
	f.Add([]byte("1 /a/x\n3 /a/y z\n\n123\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		texts, whole := splitFiles(answer, []string{"/a/x", "/a/y z"})
		if !whole {
			return
		}
		if len(texts) != 2 || !bytes.HasSuffix(answer, bytes.Join(texts, nil)) {
			t.Errorf("%q of %q", texts, answer)
		}
	})
}

// Many files are read, and their sizes seen, with a few programs.
func TestManyFilesOnTheHost(t *testing.T) {
	t.Parallel()
	root, h := t.TempDir(), newCronHost(t, "")
	const n = 1010
	look, want, asked := inspection{dirs: []string{"d"}}, map[string]string{}, []string{}
	write := publishing(t, root)
	for i := range n {
		index := fmt.Sprintf("d/%d/index.json", i)
		asked = append(asked, "/"+index)
		look.files = append(look.files, systemimage.File{Path: "/" + index, Size: int64(i)})
		write(index, strings.Repeat("x", i))
		if i%7 > 0 {
			want["/"+index] = fmt.Sprintf("signature\n\n%d", i)
			write(index+".asc", want["/"+index])
		}
	}
	started := filepath.Join(h.dir, "started")
	for _, program := range []string{"stat", "cat"} { // counted
		script := fmt.Sprintf("#!/bin/sh\necho >>%s\nPATH=${PATH#*:} exec %s \"$@\"\n", started, program)
		if err := os.WriteFile(filepath.Join(h.dir, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := &Server{Root: root, Client: &systemimage.Client{}, Runner: h}
	got, err := s.Signatures(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for index, text := range got {
		texts[index] = string(text)
	}
	if d := cmp.Diff(want, texts); d != "" {
		t.Errorf("signatures (-want +got)\n%s", d)
	}
	answer, err := s.ask(t.Context(), "x", look)
	if err != nil {
		t.Fatal(err)
	}
	for i, index := range asked {
		index = index[1:]
		size, signed := answer.size[index+".asc"]
		if answer.size[index] != int64(i) || int(size) != len(want["/"+index]) || signed != (i%7 > 0) {
			t.Fatalf("%s has %d bytes, its signature %d", index, answer.size[index], size)
		}
	}
	lines, err := os.ReadFile(started)
	if len(lines) > 12 || err != nil {
		t.Errorf("%d programs were started for %d files, %v", len(lines), n, err)
	}
}
