package treecheck_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
	"github.com/landingteam/landing/systemimage/treecheck"
)

// What real devices refused of these trees is found, and each for its reason.
func TestCheckWhatDevicesRefuse(t *testing.T) {
	t.Parallel()
	const data = "../keyring/testdata"
	root, err := os.ReadFile(filepath.Join(data, "keyrings", "archive-master.tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	// Of the tree itself; its alias was made by hand and has drifted from the start.
	always := []string{
		"signed-by-stranger /pool/ubuntu-ffff.tar.xz.asc", "wrong-sum /pool/ubuntu-eeee.tar.xz", "signed-by-stranger /pool/device-flo-1.tar.xz.asc",
		"missing-file /pool/absent.tar.xz", "missing-signature /pool/absent.tar.xz.asc", "missing-index /stable/nosuchindex/index.json", "wrong-size /pool/ubuntu-size.tar.xz",
		"refused /stable/evil/index.json", "refused /stable/flo/index.json",
	}
	for variant, want := range map[string]struct {
		extra []string
		count int // of further files to be signed again
	}{
		"":                                {},
		"channels-signed-by-stranger":     {extra: []string{"refused /channels.json"}},
		"channels-signed-by-new-key":      {extra: []string{"refused /stable/mako/index.json", "refused /stable/flo/device.tar.xz", "signed-by-stranger /pool/ubuntu-bbbb.tar.xz.asc"}, count: 15},
		"channels-signed-by-new-key-both": {},
		"with-blacklist":                  {},
		"blacklist-hits-signing":          {extra: []string{"refused /channels.json", "refused /stable/mako/index.json"}, count: 17},
		"blacklist-hits-signing-new-key":  {extra: []string{"refused /stable/mako/index.json"}, count: 17},
		"blacklist-signed-by-stranger":    {extra: []string{"refused /channels.json", "refused /gpg/blacklist.tar.xz"}},
		"blacklist-expired":               {extra: []string{"refused /channels.json", "expired-keyring /gpg/blacklist.tar.xz"}},
		"signing-expired-on-server":       {extra: []string{"refused /channels.json", "expired-keyring /gpg/image-signing.tar.xz"}},
		"master-signed-by-other":          {extra: []string{"refused /channels.json", "refused /gpg/image-master.tar.xz"}},
		"device-keyring-for-other-model":  {extra: []string{"wrong-keyring /stable/flo/device.tar.xz"}},
	} {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			tree := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				path := filepath.Join(data, "tree-variants", variant, filepath.FromSlash(r.URL.Path))
				if _, err := os.Stat(path); variant == "" || err != nil {
					path = filepath.Join(data, "tree", filepath.FromSlash(r.URL.Path))
				}
				http.ServeFile(w, r, path)
			}))
			defer tree.Close()
			c := &systemimage.Client{BaseURL: tree.URL, Trust: &keyring.Trust{Root: root}, Tries: 1}
			findings, err := treecheck.Check(t.Context(), c, treecheck.Options{Checksums: true})
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, f := range findings {
				class := f.Class + " " + f.Place
				switch {
				case f.Class == "channels-signature", f.Class == "index-signature", f.Class == "signed-by-stranger" && !strings.HasPrefix(f.Place, "/pool/") && !strings.Contains(f.Place, "/version-"):
					class = "refused " + strings.TrimSuffix(f.Place, ".asc")
				}
				if f.Severity == systemimage.Harmful && f.Class != "alias-drift" && !slices.Contains(got, class) {
					got = append(got, class)
				}
			}
			for _, class := range append(slices.Clone(want.extra), always...) {
				if !slices.Contains(got, class) {
					t.Errorf("not found: %s", class)
				}
			}
			got = slices.DeleteFunc(got, func(class string) bool { return slices.Contains(always, class) || slices.Contains(want.extra, class) })
			if len(got) != want.count {
				t.Errorf("%d other findings, want %d: %q", len(got), want.count, got)
			}
		})
	}
}
