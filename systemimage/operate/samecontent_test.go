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

func TestCopiedDetail(t *testing.T) {
	tests := []struct {
		source string
		setTag bool
		tag    string
		want   string
	}{
		{"ubuntu=1,tag=a,version=3", false, "", "ubuntu=1,tag=a,version=9"},
		{"ubuntu=1,tag=a,version=3", true, "b", "ubuntu=1,tag=b,version=9"},
		{"tag=a,ubuntu=1,version=3", true, "", "ubuntu=1,version=9"},
		{"", true, "b", ",tag=b,version=9"}, // as the program does it
	}
	for _, tt := range tests {
		if got := copiedDetail(tt.source, tt.setTag, tt.tag, 9); got != tt.want {
			t.Errorf("copiedDetail(%q, %v, %q) = %q, want %q", tt.source, tt.setTag, tt.tag, got, tt.want)
		}
	}
}
