package systemimagetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func snapshot(t *testing.T, s *Server) string {
	t.Helper()
	text, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// problems is that part of a snapshot.
func problems(t *testing.T, s *Server) []string {
	t.Helper()
	_, rest, _ := strings.Cut(snapshot(t, s), "-- problems --\n")
	rest, _, _ = strings.Cut(rest, "-- config --\n")
	return strings.Split(strings.TrimSuffix(rest, "\n"), "\n")
}

func TestSnapshotsOfEqualWorldsAreEqual(t *testing.T) {
	a, b := New(t, SampleWorld()), New(t, SampleWorld())
	if diff := cmp.Diff(snapshot(t, a), snapshot(t, b)); diff != "" {
		t.Errorf("two servers of one world:\n%s", diff)
	}
	c, err := a.Clone(TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(snapshot(t, a), snapshot(t, c)); diff != "" {
		t.Errorf("a clone:\n%s", diff)
	}
	if got := problems(t, a); len(got) != 1 || got[0] != "" {
		t.Errorf("problems of a new server: %q", got)
	}
	run(t, c, "bin/copy-image", proposed, rc, "krillin", "-r", "3")
	if snapshot(t, a) == snapshot(t, c) {
		t.Error("a copy does not show")
	}
	run(t, b, "bin/copy-image", proposed, rc, "krillin", "-r", "3", "-vvv")
	if diff := cmp.Diff(snapshot(t, b), snapshot(t, c)); diff != "" {
		t.Errorf("the same copy:\n%s", diff)
	}
}

func TestSnapshotShowsDamage(t *testing.T) {
	s := sampleServer(t)
	www := filepath.Join(s.Root(), "www")
	index := filepath.Join(www, rc, "krillin/index.json")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(index+".new", "x")
	write(filepath.Join(www, rc, "krillin/version-1.tar.xz.asc"), "")
	write(filepath.Join(www, stable, "krillin/version-1.tar.xz"), "bad")
	if err := os.Remove(filepath.Join(www, "channels.json.asc")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(www, stable, "vegetahd/version-1.tar.xz")); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"bad signature of " + stable + "/krillin/version-1.tar.xz",
		"empty signature of " + rc + "/krillin/version-1.tar.xz",
		"leftover " + rc + "/krillin/index.json.new",
		"missing " + stable + "/vegetahd/version-1.tar.xz",
		"no signature of channels.json",
		stable + "/krillin/version-1.tar.xz: another file than " + stable + "/krillin/index.json says",
	}
	if diff := cmp.Diff(want, problems(t, s)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
