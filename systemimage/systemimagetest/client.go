package systemimagetest

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"time"

	"github.com/landingteam/landing/systemimage"
)

// Client reads the published tree and verifies it, as a device does that was
// shipped with the server's root keyring. It needs no network: its requests go
// straight to the handler, and keys expire by the server's clock.
func (s *Server) Client() *systemimage.Client {
	trust := s.trust.Fresh()
	trust.Root, trust.Time = s.rootKeyring(), s.Now
	return &systemimage.Client{
		BaseURL: "https://system-image.example.net",
		HTTP:    &http.Client{Transport: transport{s.Handler()}},
		Trust:   trust,
	}
}

// rootKeyring is what devices are shipped with. Without one nothing verifies.
func (s *Server) rootKeyring() []byte {
	tarball, err := readFile(filepath.Join(s.root, "secret", "gpg", "keyrings", "archive-master.tar.xz"))
	if err != nil {
		return nil
	}
	return tarball
}

// transport hands requests to a handler without a network.
type transport struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	cut := t.cut(w, r)
	resp := w.Result()
	resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat)) // as a server does
	if resp.Request = r; resp.ContentLength < 0 {
		resp.ContentLength = int64(w.Body.Len())
	}
	if cut {
		resp.Body = io.NopCloser(io.MultiReader(resp.Body, broken{}))
	}
	return resp, r.Context().Err()
}

// cut lets the handler answer, and reports whether it broke the connection off.
func (t transport) cut(w http.ResponseWriter, r *http.Request) (cut bool) {
	defer func() {
		if what := recover(); what != nil {
			if err, ok := what.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(what)
			}
			cut = true
		}
	}()
	t.ServeHTTP(w, r)
	return false
}

// broken is the end of a connection that was broken off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
