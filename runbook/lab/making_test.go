package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What stands in the folder is removed only when it is half a lab for sure.
func TestHalfALab(t *testing.T) {
	const gone = 1<<22 + 1 // above every process number
	for _, tt := range []struct {
		name, mark string
		kept       bool
		wantErr    string
	}{
		{"its maker was killed", fmt.Sprintf(makingText, gone), false, ""},
		{"its maker lives", fmt.Sprintf(makingText, os.Getppid()), true, fmt.Sprintf("process %d is making", os.Getppid())},
		{"somebody's file", "my own notes", true, "is in the way"},
		{"no mark", "", true, "is not empty and holds no lab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "lab")
			precious := filepath.Join(dir, "www", "file")
			write(t, precious, "data")
			if tt.mark != "" {
				write(t, dir+makingSuffix, tt.mark)
			}
			_, err := openServer(dir, systemimagetest.SampleWorld())
			if tt.wantErr == "" && err != nil || tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)) {
				t.Errorf("error %v, want %q", err, tt.wantErr)
			}
			if _, err := os.Stat(precious); (err == nil) != tt.kept {
				t.Errorf("kept: %v, want %v", err, tt.kept)
			}
			if _, err := os.Stat(dir + makingSuffix); err == nil && tt.wantErr == "" {
				t.Error("the mark is still there")
			}
		})
	}
}

// Of several that make one lab at once, one does, and the others say so or open it.
func TestOneMakesTheLab(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "lab")
	errs := make([]error, 4)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
				errs[i] = err
			} else if errs[i] = mark(dir + makingSuffix); errs[i] == nil {
				_, errs[i] = systemimagetest.Create(dir, systemimagetest.SampleWorld())
			}
		})
	}
	all.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else if !os.IsExist(err) {
			t.Error(err)
		}
	}
	if made != 1 {
		t.Errorf("%d made it", made)
	}
	if err := os.Remove(dir + makingSuffix); err != nil {
		t.Fatal(err)
	}
	if _, err := openServer(dir, systemimagetest.SampleWorld()); err != nil {
		t.Error(err)
	}
}

// The programs of a lab that was moved or copied would work where it was made.
func TestLabStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made := filepath.Join(dir, "made")
	if _, err := openServer(made, systemimagetest.SampleWorld()); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(made, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{made, link} {
		if _, err := openServer(path, systemimagetest.World{}); err != nil {
			t.Error(err)
		}
	}
	moved := filepath.Join(dir, "moved")
	if err := os.Rename(made, moved); err != nil {
		t.Fatal(err)
	}
	if _, err := openServer(moved, systemimagetest.World{}); err == nil || !strings.Contains(err.Error(), "was made in ") {
		t.Errorf("error %v, want one that says where it was made", err)
	}
}
