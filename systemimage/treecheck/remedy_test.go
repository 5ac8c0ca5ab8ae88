package treecheck

import (
	"strings"
	"testing"

	"github.com/landingteam/landing/systemimage/keyring"
)

// A remedy is pasted into a shell.
func TestRemedyQuotes(t *testing.T) {
	for path, want := range map[string]string{
		"/pool/device-1.tar.xz": " www/pool/device-1.tar.xz (",
		"/a; rm -rf b":          " 'www/a; rm -rf b' (",
		"/it's":                 ` 'www/it'\''s' (`,
	} {
		s := signed{path: path, typ: keyring.ImageSigning}
		if got := s.remedy(); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
