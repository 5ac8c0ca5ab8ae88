package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A Trust is what a Client takes.
var _ systemimage.Trust = (*keyring.Trust)(nil)

// published serves the tree in testdata with a variant laid over it.
type published struct {
	mu       sync.Mutex
	variant  string
	requests []string
}

func (p *published) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = append(p.requests, r.URL.Path)
	path := filepath.Join("testdata", "tree-variants", p.variant, filepath.FromSlash(r.URL.Path))
	if _, err := os.Stat(path); p.variant == "" || err != nil {
		path = filepath.Join("testdata", "tree", filepath.FromSlash(r.URL.Path))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Write(data)
}

func (p *published) count(path string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.requests {
		if r == path {
			n++
		}
	}
	return n
}

func client(t *testing.T, h http.Handler) *systemimage.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &systemimage.Client{
		BaseURL: s.URL,
		Trust:   &keyring.Trust{Root: read("keyrings/archive-master.tar.xz"), Time: func() time.Time { return at }},
		Pause:   time.Nanosecond,
		Tries:   2,
	}
}

func TestClient(t *testing.T) {
	for _, tt := range []struct {
		variant, device string
		want            error // from package systemimage
		kind            error // from this package
		channelsRead    int
		signingRead     int
	}{
		{"", "mako", nil, nil, 1, 1},
		{"", "flo", nil, nil, 1, 1}, // signed by the keyring of the device
		{"", "evil", systemimage.ErrSignature, keyring.ErrUntrusted, 1, 1},
		{"", "nobody", systemimage.ErrNotFound, nil, 1, 1},
		{"with-blacklist", "mako", nil, nil, 1, 1},
		{"channels-signed-by-new-key-both", "mako", nil, nil, 1, 1},
		{"channels-signed-by-stranger", "mako", systemimage.ErrSignature, keyring.ErrUntrusted, 2, 2},
		{"blacklist-hits-signing", "mako", systemimage.ErrSignature, keyring.ErrBlacklisted, 2, 2},
		{"device-keyring-for-other-model", "flo", systemimage.ErrSignature, keyring.ErrModel, 1, 1},
		// Nothing to be gained by asking again.
		{"blacklist-expired", "mako", systemimage.ErrSignature, keyring.ErrExpired, 1, 0},
		{"signing-expired-on-server", "mako", systemimage.ErrSignature, keyring.ErrExpired, 1, 1},
		{"master-signed-by-other", "mako", systemimage.ErrSignature, keyring.ErrUntrusted, 2, 0},
	} {
		t.Run(tt.variant+"/"+tt.device, func(t *testing.T) {
			p := &published{variant: tt.variant}
			x, err := client(t, p).Index(t.Context(), "stable", tt.device)
			if !errors.Is(err, tt.want) || tt.kind != nil && !errors.Is(err, tt.kind) {
				t.Fatalf("%v, want %v and %v", err, tt.want, tt.kind)
			}
			if err == nil && (!x.Verified || len(x.Images) == 0) {
				t.Errorf("verified %v, %d images", x.Verified, len(x.Images))
			}
			if got := p.count("/channels.json"); got != tt.channelsRead {
				t.Errorf("channels.json was read %d times, want %d", got, tt.channelsRead)
			}
			if got := p.count("/gpg/image-signing.tar.xz"); got != tt.signingRead {
				t.Errorf("image-signing was read %d times, want %d", got, tt.signingRead)
			}
		})
	}
}

// The key of the server changes while a client runs: it notices by itself.
func TestClientKeyChange(t *testing.T) {
	p := &published{}
	c := client(t, p)
	if _, err := c.Index(t.Context(), "stable", "mako"); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.variant = "channels-signed-by-new-key-both"
	p.mu.Unlock()
	if _, err := c.Index(t.Context(), "stable", "mako"); err != nil {
		t.Errorf("after the change: %v", err)
	}
	if n := p.count("/gpg/image-signing.tar.xz"); n != 2 {
		t.Errorf("image-signing was read %d times, want 2", n)
	}
}

func TestClientLostLink(t *testing.T) {
	p := &published{}
	c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/gpg/image-signing") {
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		p.ServeHTTP(w, r)
	}))
	if _, err := c.Channels(t.Context()); err == nil || errors.Is(err, systemimage.ErrSignature) || errors.Is(err, systemimage.ErrNotFound) {
		t.Errorf("%v, want what the server said and no word on signatures", err)
	}
}

// The fake server signs for real, with modern keys and an empty blacklist.
func TestClientFakeServer(t *testing.T) {
	s := systemimagetest.New(t, systemimagetest.SampleWorld())
	root, err := os.ReadFile(filepath.Join(s.Root(), "www", "gpg", "archive-master.tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, s.Handler())
	trust := &keyring.Trust{Root: root}
	c.Trust = trust
	l, err := c.Channels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for channel, device := range l.Pairs() {
		x, err := c.Index(context.Background(), channel, device)
		if err != nil || !x.Verified {
			t.Errorf("%s %s: %v", channel, device, err)
		}
		n++
	}
	if n == 0 {
		t.Error("no device in any channel")
	}
	chain := trust.Chain()
	if chain == nil || chain.Keyring(keyring.Blacklist) == nil || len(chain.Keyring(keyring.Blacklist).Fingerprints()) > 0 {
		t.Errorf("blacklist %v", chain)
	}
	if years := time.Until(chain.Keyring(keyring.ImageSigning).Expiry).Hours() / 24 / 365; years < 1 || years > 3 {
		t.Errorf("image-signing expires in %.1f years", years)
	}
	c.Trust = &keyring.Trust{Root: read("keyrings/archive-master.tar.xz")}
	if _, err := c.Channels(t.Context()); !errors.Is(err, keyring.ErrUntrusted) {
		t.Errorf("with another root: %v", err)
	}
}

func ExampleTrust() {
	s := httptest.NewServer(&published{})
	defer s.Close()
	trust := &keyring.Trust{Root: read("keyrings/archive-master.tar.xz"), Time: func() time.Time { return at }}
	c := &systemimage.Client{BaseURL: s.URL, Trust: trust}
	index, err := c.Index(context.Background(), "stable", "mako")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("verified:", index.Verified)
	signing := trust.Chain().Keyring(keyring.ImageSigning)
	fmt.Println("good until", signing.Expiry.Format(time.DateOnly))
	// Output:
	// verified: true
	// good until 2100-01-01
}
