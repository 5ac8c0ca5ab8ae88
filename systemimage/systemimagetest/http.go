package systemimagetest

import (
	"net/http"
	"path/filepath"
	"sync"
)

type faultsHTTP struct {
	mu sync.Mutex
}

// Handler publishes the server's tree.
func (s *Server) Handler() http.Handler {
	return http.FileServer(http.Dir(filepath.Join(s.root, "www")))
}
