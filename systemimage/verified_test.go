package systemimage_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
)

// trusting returns a client for the recorded tree, laid over by files, that
// trusts the tree's root, as of some time after the recording.
func trusting(t *testing.T, over map[string]string) *systemimage.Client {
	t.Helper()
	root, err := os.ReadFile("testdata/tree/gpg/archive-master.tar.xz")
	if err != nil {
		t.Fatal(err)
	}
	tree := http.FileServer(http.Dir("testdata/tree"))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, ok := over[r.URL.Path]
		switch {
		case ok && data == "":
			http.NotFound(w, r)
		case ok:
			_, _ = w.Write([]byte(data))
		default:
			tree.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	at := func() time.Time { return time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) }
	return &systemimage.Client{BaseURL: server.URL, Trust: &keyring.Trust{Root: root, Time: at}, Pause: time.Nanosecond, Tries: 2}
}

func file(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/tree", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestSurveyVerified(t *testing.T) {
	c := trusting(t, nil)
	n := 0
	for p, err := range c.Survey(t.Context(), 4) {
		if err != nil {
			t.Error(err)
		} else if !p.Verified {
			t.Errorf("%s %s is not verified", p.Channel, p.Device)
		}
		n++
	}
	if n != 18 {
		t.Errorf("%d devices, want 18", n)
	}
	p, err := c.Index(t.Context(), "ubuntu-touch/stable/meizu.en", "arale")
	if err != nil {
		t.Fatal(err)
	}
	m, _ := p.Latest()
	f := m.Files[len(m.Files)-1]
	path, err := c.Download(t.Context(), p, f, t.TempDir(), nil)
	if err != nil || filepath.Base(path) != "version-1.tar.xz" {
		t.Errorf("Download = %s, %v", path, err)
	}
}

func TestVerifiedAttacks(t *testing.T) {
	const (
		channel = "ubuntu-touch/stable/meizu.en"
		index   = "/ubuntu-touch/stable/meizu.en/arale/index.json"
		other   = "/ubuntu-touch/rc/meizu.en/arale/index.json"
	)
	for _, tt := range []struct {
		name string
		over map[string]string
		kind error
		text string
	}{
		{"index changed", map[string]string{index: strings.Replace(file(t, index), "30", "99", 1)}, systemimage.ErrSignature, index},
		{"index of another channel without its signature", map[string]string{index: file(t, other)}, systemimage.ErrSignature, index},
		{"index and signature of another channel", map[string]string{index: file(t, other), index + ".asc": file(t, other+".asc")}, systemimage.ErrSignature,
			"was made for /ubuntu-touch/rc/meizu.en/arale"},
		{"signature stripped", map[string]string{index + ".asc": ""}, systemimage.ErrTorn, "signature is missing"},
		{"signature truncated", map[string]string{index + ".asc": file(t, index+".asc")[:200]}, systemimage.ErrSignature, index},
		{"signature of another file", map[string]string{index + ".asc": file(t, other+".asc")}, systemimage.ErrSignature, index},
		{"channels changed", map[string]string{"/channels.json": strings.Replace(file(t, "channels.json"), "hidden", "h1dden", 1)}, systemimage.ErrSignature, "/channels.json"},
		{"image-signing stripped", map[string]string{"/gpg/image-signing.tar.xz": ""}, systemimage.ErrSignature, "image-signing"},
		{"image-signing replaced by image-master", map[string]string{"/gpg/image-signing.tar.xz": file(t, "gpg/image-master.tar.xz"),
			"/gpg/image-signing.tar.xz.asc": file(t, "gpg/image-master.tar.xz.asc")}, systemimage.ErrSignature, "image-signing"},
		{"device keyring stripped", map[string]string{"/ubuntu-touch/stable/meizu.en/arale/device.tar.xz": ""}, systemimage.ErrSignature, "device.tar.xz"},
		{"page in place of everything", map[string]string{"/channels.json": "<html>"}, systemimage.ErrMalformed, "page"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := trusting(t, tt.over).Index(t.Context(), channel, "arale")
			if p != nil || !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("Index = %v, %v, want %v with %q", p, err, tt.kind, tt.text)
			}
		})
	}
	c := trusting(t, nil)
	c.Trust = &keyring.Trust{Root: []byte(file(t, "gpg/image-master.tar.xz"))}
	if _, err := c.Channels(t.Context()); !errors.Is(err, systemimage.ErrSignature) || !errors.Is(err, keyring.ErrWrongType) {
		t.Errorf("root of another type: %v", err)
	}
}
