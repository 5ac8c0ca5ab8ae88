package systemimage

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// site is a tree in memory. Signatures are made by seal.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	files map[string]string
	asked []string
	hook  func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
}

func newSite(t testing.TB, files map[string]string) *site {
	t.Helper()
	s := &site{files: files}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// recorded is the tree in testdata.
func recorded(t testing.TB) *site {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS("testdata/tree"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile("testdata/tree/" + path)
		files["/"+path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return newSite(t, files)
}

// small is a signed tree with one device, whose index is given.
func small(t testing.TB, index string) *site {
	t.Helper()
	s := newSite(t, map[string]string{})
	s.put("/channels.json", `{"c": {"devices": {"d": {"index": "/c/d/index.json"}}}}`)
	s.put("/c/d/index.json", index)
	return s
}

func seal(data string) string { return fmt.Sprintf("signed %x", sha256.Sum256([]byte(data))) }

// put publishes a file with its signature.
func (s *site) put(path, data string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path], s.files[path+".asc"] = data, seal(data)
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.URL.Path)
	hook := s.hook
	s.mu.Unlock()
	if hook != nil && hook(w, r) {
		return
	}
	s.mu.Lock()
	data, ok := s.files[r.URL.Path]
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(data))
}

// notary trusts what seal has signed.
type notary struct{}

func (notary) Verify(ctx context.Context, s VerifyRequest) error {
	data, err := io.ReadAll(s.Data)
	if err != nil {
		return err
	}
	if string(s.Signature) != seal(string(data)) {
		return errors.New("not by the notary")
	}
	return nil
}

func (s *site) client() *Client {
	return &Client{BaseURL: s.URL, HTTP: s.Server.Client(), Trust: notary{}, Pause: time.Nanosecond, Limit: 1 << 20}
}

func indexAt(stamp string, images string) string {
	return `{"global": {"generated_at": "` + stamp + `"}, "images": [` + images + `]}`
}
