package systemimagetest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// An HTTPFault is what the handler does instead of serving a file. What is
// asked for in several fields happens together.
type HTTPFault struct {
	Path  string // pattern for the URL's path, as of [path.Match]; "" is every path
	After int    // requests for it that are served well before
	Times int    // requests that it meets then; 0 is all of them

	Status   int           // answers with this status and a page of text
	HTML     bool          // answers with a web page and status 200, as a captive portal does
	Redirect string        // sends the client to this address, with status 302
	Torn     bool          // serves what does not fit its signature: a commit in progress
	Delay    time.Duration // waits this long after half of the body
	Cut      bool          // cuts the connection after half of the body

	seen int
}

// webFaults are the faults of the handler and what it was asked for.
type webFaults struct {
	mu       sync.Mutex
	faults   []HTTPFault
	requests []string
}

// FailHTTP replaces the faults of the server's handlers; without arguments
// they serve well again. Of several faults for a request the first counts.
func (s *Server) FailHTTP(faults ...HTTPFault) {
	s.web.mu.Lock()
	defer s.web.mu.Unlock()
	s.web.faults = append([]HTTPFault(nil), faults...)
}

// Requests returns what the handlers were asked for since the last call, as
// "GET /channels.json".
func (s *Server) Requests() []string {
	s.web.mu.Lock()
	defer s.web.mu.Unlock()
	r := s.web.requests
	s.web.requests = nil
	return r
}

func (w *webFaults) meet(r *http.Request) (HTTPFault, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = append(w.requests, r.Method+" "+r.URL.Path)
	for i := range w.faults {
		f := &w.faults[i]
		if ok, err := path.Match(f.Path, r.URL.Path); f.Path != "" && (err != nil || !ok) {
			continue
		}
		f.seen++
		if f.seen > f.After && (f.Times == 0 || f.seen <= f.After+f.Times) {
			return *f, true
		}
	}
	return HTTPFault{}, false
}

// Handler publishes the server's tree: files with ETag, Last-Modified and
// ranges, and no listings of folders. It reads the tree anew for each request.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, ok := s.web.meet(r)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
			return
		}
		if !ok {
			s.serve(w, r)
			return
		}
		switch {
		case fault.Redirect != "":
			http.Redirect(w, r, fault.Redirect, http.StatusFound)
			return
		case fault.Status != 0:
			http.Error(w, fmt.Sprintf("%d %s", fault.Status, http.StatusText(fault.Status)), fault.Status)
			return
		}
		s.misserve(w, r, fault)
	})
}

// file opens what a path names below www.
func (s *Server) file(name string) (*os.File, os.FileInfo, bool) {
	f, err := openFile(filepath.Join(s.root, "www", filepath.FromSlash(path.Clean("/"+name))), os.O_RDONLY, 0)
	if err != nil {
		return nil, nil, false
	}
	st, err := f.Stat()
	if err != nil || st.IsDir() {
		f.Close()
		return nil, nil, false
	}
	return f, st, true
}

func setType(w http.ResponseWriter, name string) {
	kind := "application/octet-stream"
	switch path.Ext(name) {
	case ".json":
		kind = "application/json"
	case ".asc":
		kind = "text/plain"
	case ".xz":
		kind = "application/x-xz"
	}
	w.Header().Set("Content-Type", kind)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	f, st, ok := s.file(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	setType(w, r.URL.Path)
	w.Header().Set("ETag", fmt.Sprintf(`"%x-%x"`, st.Size(), st.ModTime().UnixNano()))
	http.ServeContent(w, r, "", st.ModTime(), f)
}

const portal = "<html>\n<head><title>Welcome</title></head>\n<body>login please</body>\n</html>\n"

// misserve serves a file with the faults that need its body.
func (s *Server) misserve(w http.ResponseWriter, r *http.Request, fault HTTPFault) {
	body := []byte(portal)
	if fault.HTML {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	} else {
		f, _, ok := s.file(r.URL.Path)
		if !ok {
			http.NotFound(w, r)
			return
		}
		var err error
		body, err = io.ReadAll(f)
		f.Close()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		setType(w, r.URL.Path)
	}
	if fault.Torn {
		body = tear(body)
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	half := len(body) / 2
	if !fault.Cut && fault.Delay == 0 {
		half = len(body)
	}
	if _, err := w.Write(body[:half]); err != nil {
		return
	}
	_ = http.NewResponseController(w).Flush()
	if fault.Delay > 0 {
		timer := time.NewTimer(fault.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	if fault.Cut {
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body[half:])
}

// tear makes a body differ from what was signed, and keeps JSON whole.
func tear(body []byte) []byte {
	if i := bytes.Index(body, []byte(`"generated_at": "`)); i >= 0 {
		torn := strings.Replace(string(body[i:]), " UTC ", "  UTC ", 1)
		return append(bytes.Clone(body[:i]), torn...)
	}
	return append(bytes.Clone(body), '\n')
}
