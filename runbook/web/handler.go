package web

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// A Handler shows the runs of a source in the browser and takes answers. Its fields
// must not change once it serves. Mount it at the root of a host, or below a path
// with http.StripPrefix: its links are relative.
type Handler struct {
	// Source is where the runs are; required.
	Source Source
	// Identity says who sends a request, from what a proxy, a session or a
	// certificate proves; never from what a form says. "" is somebody who may
	// only read. An error refuses the request. Nil: everybody may only read.
	Identity func(*http.Request) (string, error)
	// Title stands above the list; "" is "Runs".
	Title string
	// Hosts, if set, are the only values of the Host header that are served, as
	// "127.0.0.1:8080": without a proxy that looks at it, a name of somebody
	// else's may lead here.
	Hosts []string
	// Origins are those from which answers are taken besides the host's own, as
	// "https://board.example.net", for a proxy that passes on another Host.
	Origins []string
	// Every is how often a run that somebody looks at is looked at for changes;
	// zero means every second.
	Every time.Duration
	// MaxStreams bounds the pages that are kept live at the same time; zero
	// means 1000. Others look again by themselves.
	MaxStreams int
	// Logger, if set, gets a line for each answer and each failure.
	Logger *slog.Logger

	once   sync.Once
	served http.Handler
	reads  chan struct{} // journals being read
	list   listing
	watch  watching
}

//go:embed page
var pageFiles embed.FS

//go:embed static
var staticFiles embed.FS

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.start()
	h.served.ServeHTTP(w, r)
}

// start makes what is derived from the fields.
func (h *Handler) start() {
	h.once.Do(func() {
		h.reads = make(chan struct{}, maxReads)
		h.list.turn = make(chan struct{}, 1)
		mux := http.NewServeMux()
		mux.Handle("GET /{$}", h.page(h.serveList))
		mux.Handle("GET /events", h.page(h.serveEvents))
		mux.Handle("GET /run/{name}/{$}", h.page(h.serveRun))
		mux.Handle("GET /run/{name}/events", h.page(h.serveEvents))
		mux.Handle("GET /run/{name}/records", h.page(h.serveRecords))
		mux.Handle("GET /run/{name}/report.html", h.page(h.serveReport))
		mux.Handle("GET /run/{name}/report.md", h.page(h.serveReport))
		mux.Handle("POST /run/{name}/answer", h.page(h.serveAnswer))
		files := http.FileServerFS(staticFiles)
		mux.HandleFunc("GET /static/", func(w http.ResponseWriter, r *http.Request) { hurry(w); files.ServeHTTP(w, r) })
		mux.Handle("/", h.page(func(http.ResponseWriter, *http.Request, string) error { return fs.ErrNotExist }))
		h.served = h.guard(mux)
	})
}

// A fault is an error that a page tells, with its HTTP status.
type fault struct {
	status int
	text   string
}

func (f *fault) Error() string { return f.text }

// page makes a handler of a function that knows who asks and may fail.
func (h *Handler) page(serve func(w http.ResponseWriter, r *http.Request, who string) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := h.who(r)
		if err == nil {
			err = serve(w, r, who)
		}
		if err != nil {
			h.fail(w, r, who, err)
		}
	})
}

func (h *Handler) who(r *http.Request) (string, error) {
	if h.Identity == nil {
		return "", nil
	}
	who, err := h.Identity(r)
	if err != nil {
		return "", &fault{http.StatusForbidden, "it is not known who you are: " + err.Error()}
	}
	return who, nil
}

// fail tells an error. What went wrong on this side is logged, and told without
// its words, which may name files.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, who string, err error) {
	var f *fault
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &f):
	case errors.As(err, &tooBig):
		f = &fault{http.StatusRequestEntityTooLarge, "this is longer than an answer may be"}
	case errors.Is(err, fs.ErrNotExist):
		f = &fault{http.StatusNotFound, "there is no such page or run here"}
	case errors.Is(err, context.Canceled) || errors.Is(err, http.ErrHandlerTimeout):
		return // whoever asked is gone
	default:
		h.log().Error("a page failed", "path", r.URL.Path, "error", err)
		f = &fault{http.StatusInternalServerError, "something is wrong here; the log of the board says what"}
	}
	if wantsJSON(r) {
		h.json(w, f.status, map[string]string{"error": f.text})
		return
	}
	h.render(w, f.status, "fault.html", faultPage{frame: h.frame(r, who, http.StatusText(f.status)), Text: f.text})
}

type faultPage struct {
	frame
	Text string
}

// pages are the templates, parsed once for all handlers.
var pages = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"clock": clock, "iso": iso, "plain": printable, "text": textOf, "lines": linesOf, "result": resultOf, "took": took, "class": class, "long": long,
	}).ParseFS(pageFiles, "page/*.html"))
})
