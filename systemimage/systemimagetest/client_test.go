package systemimagetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestClient(t *testing.T) {
	s := sampleServer(t)
	c := s.Client()
	x, err := c.Index(t.Context(), rc, "krillin")
	if err != nil || !x.Verified || len(x.Images) == 0 {
		t.Fatalf("index: %+v, %v; want images, verified", x, err)
	}
	for _, f := range x.Images[0].Files {
		if _, err := c.Download(t.Context(), x, f, t.TempDir(), nil); err != nil {
			t.Error(err)
		}
	}
}

// What devices refuse is refused, and a connection that breaks is no answer.
func TestClientRefuses(t *testing.T) {
	const index = rc + "/krillin/index.json"
	for _, tt := range []struct {
		name, want string
		breaks     func(s *Server) error
	}{
		{"a signature is lost", "index.json", func(s *Server) error { return s.Break(EmptySignature, index) }},
		{"the root is lost", "root", func(s *Server) error {
			return os.Remove(filepath.Join(s.Root(), "secret", "gpg", "keyrings", "archive-master.tar.xz"))
		}},
		{"the connection breaks", "unexpected EOF", func(s *Server) error {
			s.FailHTTP(HTTPFault{Path: "/" + index, Cut: true})
			return nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := sampleServer(t)
			if err := tt.breaks(s); err != nil {
				t.Fatal(err)
			}
			c := s.Client()
			c.Pause = time.Nanosecond
			if m, err := c.Latest(t.Context(), rc, "krillin"); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Latest() = %+v, %v; want an error with %q", m, err, tt.want)
			}
		})
	}
}
