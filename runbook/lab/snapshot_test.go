package lab_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// Two labs that were made alike are the same in words, and what is done in one is seen.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	show := func(dir string) string {
		t.Helper()
		text, err := lab.Snapshot(dir)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var dirs [2]string
	var labs [2]*lab.Lab
	for i := range dirs {
		dirs[i] = filepath.Join(t.TempDir(), "lab")
		l, err := lab.Open(dirs[i], systemimagetest.SampleWorld())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		labs[i] = l
	}
	if a, b := show(dirs[0]), show(dirs[1]); a != b || strings.Contains(a, "Launchpad") || strings.Contains(a, "image builder") {
		t.Errorf("two new labs differ, or hold what nobody asked for:\n%s\n--\n%s", a, b)
	}
	if _, err := labs[0].LaunchpadServer(); err != nil {
		t.Fatal(err)
	}
	if _, err := labs[0].Builds(); err != nil {
		t.Fatal(err)
	}
	importer := labs[0].Importer()
	importer.Owner.Run = "a run"
	if err := importer.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"-- Launchpad --\n", "source unity8 ", "-- image builder --\n"} {
		if !strings.Contains(show(dirs[0]), word) {
			t.Errorf("the snapshot lacks %q", word)
		}
	}
	if images, _, _ := strings.Cut(show(dirs[0]), "-- Launchpad"); images == show(dirs[1]) {
		t.Error("a paused importer is not seen")
	}
	if _, err := lab.Snapshot(t.TempDir()); err == nil {
		t.Error("a folder that is no lab has a snapshot")
	}
}
