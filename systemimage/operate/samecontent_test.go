package operate

import (
	"slices"
	"testing"

	"github.com/landingteam/landing/systemimage"
)

func TestReusedDeltas(t *testing.T) {
	files := func(names ...string) (m systemimage.Image) {
		for _, n := range names {
			m.Files = append(m.Files, systemimage.File{Path: "/pool/" + n})
		}
		return m
	}
	got := reusedDeltas(files("ubuntu-1.tar.xz", "custom-a-1.tar.xz", "keyring-1.tar.xz", "boot-1.tar.xz", "version-1.tar.xz", "device-1.tar.xz"),
		files("ubuntu-2.tar.xz", "custom-a-2.tar.xz", "keyring-2.tar.xz", "boot-2.tar.xz", "version-2.tar.xz", "device-1.tar.xz", "odd"))
	want := []string{"pool/ubuntu-2.delta-ubuntu-1.tar.xz", "pool/custom-a-2.delta-custom-a-1.tar.xz"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
