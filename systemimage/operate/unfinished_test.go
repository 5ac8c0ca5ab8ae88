//go:build unix

package operate_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// newDeviceBuild is what an import has to take.
var newDeviceBuild = systemimagetest.Build{URL: "http://jenkins.example.net/krillin/device_krillin.tar.xz", Version: "20150619-6c0ffee",
	Monitor: "http://jenkins.example.net/krillin/device_krillin.build"}

// unsignedFiles are the payloads of a tree that have no signature.
func unsignedFiles(t *testing.T, root string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, "www"), func(path string, _ os.DirEntry, err error) error {
		if info, e := os.Stat(path + ".asc"); strings.HasSuffix(path, ".tar.xz") && filepath.Base(filepath.Dir(path)) != "gpg" && (e != nil || info.Size() == 0) {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// killImport runs an import of somebody else's, which is killed before it signs its
// nth payload, and returns the file.
func killImport(t *testing.T, fake *systemimagetest.Server, payload int) string {
	t.Helper()
	if err := errors.Join(fake.AddBuild(newDeviceBuild), fake.SetFaults(systemimagetest.Faults{Kill: systemimagetest.Unsigned, KillCommit: payload})); err != nil {
		t.Fatal(err)
	}
	out, err := fake.Run(t.Context(), command.Command{Argv: []string{"bin/import-images", "-vvv"}})
	left := unsignedFiles(t, fake.Root())
	if err != nil || out.Exit != 137 || len(left) != 1 {
		t.Fatalf("the killed import: exit %d, %v, left %v", out.Exit, err, left)
	}
	return left[0]
}

// What a killed import left without a signature keeps the next one back, with the
// file and the command; whoever began the import takes it away, whatever file it is.
func TestKilledImportIsFinished(t *testing.T) {
	t.Parallel()
	kinds := map[string]bool{}
	for payload := 1; payload <= 4; payload++ {
		t.Run(fmt.Sprint("payload ", payload), func(t *testing.T) {
			fake, s := newOperator(t)
			file := killImport(t, fake, payload)
			kind, _, _ := strings.Cut(filepath.Base(file), "-")
			kinds[kind] = true
			_, err := s.Import(t.Context(), operate.ImportRequest{})
			if want := "run rm -f -- " + file + " " + file + ".asc"; !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), want) ||
				!strings.Contains(err.Error(), "nothing was run") {
				t.Fatalf("Import of another: %v, want ErrBroken that says %q", err, want)
			}
			if run, err := s.Import(t.Context(), operate.ImportRequest{Begun: true}); err != nil || len(run.Published()) == 0 {
				t.Errorf("Import that goes on: %v", err)
			}
			if left := unsignedFiles(t, fake.Root()); len(left) > 0 {
				t.Errorf("left without a signature: %v", left)
			}
		})
	}
	if !kinds["version"] || len(kinds) < 2 {
		t.Errorf("killed at %v, want a version tarball and another file", kinds)
	}
}

// emptyFiles are the .json of a tree that have no content.
func emptyFiles(t *testing.T, root string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(root, "www"), func(path string, _ os.DirEntry, err error) error {
		if info, e := os.Stat(path); e == nil && info.Size() == 0 && strings.HasSuffix(path, ".json") {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Killed while it writes the .json beside a payload, an import leaves it empty, and the
// next one dies of it: it is kept back, with the file and the command that mends it. Who
// began it goes on.
func TestEmptyMetadata(t *testing.T) {
	t.Parallel()
	kinds := map[string]bool{}
	for n := 1; n <= 4; n++ {
		t.Run(fmt.Sprint("file ", n), func(t *testing.T) {
			for _, ours := range []bool{false, true} {
				fake, s := newOperator(t)
				if err := errors.Join(fake.AddBuild(newDeviceBuild), fake.SetFaults(systemimagetest.Faults{Kill: systemimagetest.EmptyMetadata, KillCommit: n})); err != nil {
					t.Fatal(err)
				}
				out, err := fake.Run(t.Context(), command.Command{Argv: []string{"bin/import-images", "-vvv"}})
				empty := emptyFiles(t, fake.Root())
				if err != nil || out.Exit != 137 || len(empty) != 1 {
					t.Fatalf("the killed import: exit %d, %v, empty %v", out.Exit, err, empty)
				}
				kind, _, _ := strings.Cut(filepath.Base(empty[0]), "-")
				kinds[kind] = true
				if !ours {
					_, err := s.Import(t.Context(), operate.ImportRequest{})
					if !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "nothing was run") {
						t.Fatalf("Import of another: %v, want ErrBroken before anything runs", err)
					}
					_, rm, _ := strings.Cut(err.Error(), "run rm -f -- ")
					if !strings.Contains(rm, empty[0]) {
						t.Fatalf("Import of another: %v, want a command that removes %s", err, empty[0])
					}
					for f := range strings.FieldsSeq(rm) {
						if f = strings.TrimSuffix(f, ","); strings.HasPrefix(f, fake.Root()) {
							_ = os.Remove(f)
						}
					}
				}
				if run, err := s.Import(t.Context(), operate.ImportRequest{Begun: ours}); err != nil || len(run.Published()) == 0 {
					t.Errorf("ours: %v: the import that goes on: %v", ours, err)
				}
				if left := emptyFiles(t, fake.Root()); len(left) > 0 {
					t.Errorf("left empty: %v", left)
				}
			}
		})
	}
	if !kinds["version"] || len(kinds) < 2 {
		t.Errorf("killed at %v, want a version tarball and another file", kinds)
	}
}

// What an index names keeps its payload; only the .json in the pool goes, and that of a
// version tarball has to be put back. Copies of others go on.
func TestEmptyMetadataOfPublished(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ glob, remedy string }{
		"pool":    {"www/pool/device-*.json", "the payload stays"},
		"version": {"www/ubuntu-touch/rc-proposed/bq-aquaris.en/krillin/version-3.json", "put it back"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, s := newOperator(t)
			files, err := filepath.Glob(filepath.Join(fake.Root(), tt.glob))
			if err != nil || len(files) == 0 {
				t.Fatalf("%v, %v", files, err)
			}
			if err := os.Truncate(files[0], 0); err != nil {
				t.Fatal(err)
			}
			findings, err := s.PreflightImport(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var about []systemimage.Finding
			for _, f := range findings {
				if strings.HasSuffix(files[0], f.Place) {
					about = append(about, f)
				}
			}
			if len(about) != 1 || !about[0].Blocks || !strings.Contains(about[0].Remedy, tt.remedy) {
				t.Errorf("findings about it: %v; want one that blocks, with %q", about, tt.remedy)
			}
			_, _ = s.Import(t.Context(), operate.ImportRequest{Begun: true})
			if _, err := os.Stat(strings.TrimSuffix(files[0], ".json") + ".tar.xz"); err != nil {
				t.Errorf("its payload: %v", err)
			}
		})
	}
}

// An import of our own that is killed takes away what it left, so that the one of the
// crontab goes on.
func TestKilledImportTidies(t *testing.T) {
	t.Parallel()
	fake, s := newOperator(t)
	if err := errors.Join(fake.AddBuild(newDeviceBuild), fake.SetFaults(systemimagetest.Faults{Kill: systemimagetest.Unsigned})); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(t.Context(), operate.ImportRequest{}); err == nil || !strings.Contains(err.Error(), "what it left without a signature is removed: ") {
		t.Errorf("Import: %v, want what was removed", err)
	}
	if out, err := fake.Run(t.Context(), command.Command{Argv: []string{"bin/import-images"}}); err != nil || out.Exit != 0 {
		t.Errorf("the crontab's import: exit %d, %v\n%s", out.Exit, err, out.Stderr)
	}
}

// What an index names, what somebody may be at work on, and what lies beside an index
// that is missing, is never taken away.
func TestNotUnfinished(t *testing.T) {
	t.Parallel()
	const index = "www/ubuntu-touch/rc-proposed/bq-aquaris.en/krillin/index.json"
	tests := map[string]struct {
		prepare func(t *testing.T, fake *systemimagetest.Server, file string)
		blocks  bool
		remedy  string // of the finding about the file
		stays   bool
	}{
		"left over": {func(*testing.T, *systemimagetest.Server, string) {}, true, "run rm -f -- ", false},
		"the lock is held": {func(t *testing.T, fake *systemimagetest.Server, _ string) {
			f, err := os.Create(filepath.Join(fake.Root(), "state/global.lock"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
			operate.LockFile(t, f)
		}, false, "when nothing runs", true},
		"an index names it": {func(t *testing.T, fake *systemimagetest.Server, file string) {
			text := fmt.Sprintf(`{"images": [{"files": [{"path": %q}]}]}`, strings.TrimPrefix(file, filepath.Join(fake.Root(), "www")))
			if err := os.WriteFile(filepath.Join(fake.Root(), "www/ubuntu-touch/index.json"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}, true, "run re-sign-indexes", true},
		"an index is missing": {func(t *testing.T, fake *systemimagetest.Server, _ string) {
			if err := os.Remove(filepath.Join(fake.Root(), index)); err != nil {
				t.Fatal(err)
			}
		}, true, "when the rest is mended", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, s := newOperator(t)
			s.LockWait = -1
			file := killImport(t, fake, 1)
			tt.prepare(t, fake, file)
			findings, err := s.PreflightImport(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var about []systemimage.Finding
			for _, f := range findings {
				if strings.HasSuffix(file, f.Place) {
					about = append(about, f)
				}
			}
			if len(about) != 1 || about[0].Blocks != tt.blocks || !strings.Contains(about[0].Remedy, tt.remedy) {
				t.Errorf("findings about it: %v; want one that blocks: %v, with %q", about, tt.blocks, tt.remedy)
			}
			_, _ = s.Import(t.Context(), operate.ImportRequest{Begun: true})
			_, err = os.Stat(file)
			_, signed := os.Stat(file + ".asc")
			if diff := cmp.Diff(tt.stays, err == nil && signed != nil); diff != "" {
				t.Errorf("the file stays as it is (-want +got):\n%s", diff)
			}
		})
	}
}
