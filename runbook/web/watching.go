package web

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"
)

// watching looks at the runs that somebody looks at, once for all who do: a page of
// the list, "", or of one run.
type watching struct {
	mu      sync.Mutex
	topics  map[string]*topic
	streams int
}

// A topic is one page, and who wants to know when it changes.
type topic struct {
	stop    context.CancelFunc
	readers int
	version string        // "" before the first look
	changed chan struct{} // closed when version is another
}

// join lets a stream in, if there is room.
func (h *Handler) join(name string) (*topic, bool) {
	w := &h.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	most := h.MaxStreams
	if most == 0 {
		most = maxStreams
	}
	if w.streams >= most {
		return nil, false
	}
	t := w.topics[name]
	if t == nil {
		ctx, stop := context.WithCancel(context.Background()) // it outlives who came first
		t = &topic{stop: stop, changed: make(chan struct{})}
		if w.topics == nil {
			w.topics = map[string]*topic{}
		}
		w.topics[name] = t
		go h.look(ctx, name, t)
	}
	t.readers++
	w.streams++
	return t, true
}

// leave ends the looking with the last who looks.
func (h *Handler) leave(name string, t *topic) {
	w := &h.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.streams--
	if t.readers--; t.readers == 0 {
		t.stop()
		if w.topics[name] == t {
			delete(w.topics, name)
		}
	}
}

// state is the version of a topic, and the channel that is closed at the next one.
func (h *Handler) state(t *topic) (version string, changed <-chan struct{}) {
	h.watch.mu.Lock()
	defer h.watch.mu.Unlock()
	return t.version, t.changed
}

// look follows one page until ctx ends.
func (h *Handler) look(ctx context.Context, name string, t *topic) {
	pause := h.Every
	if pause == 0 {
		pause = every
	}
	for {
		version, err := h.version(ctx, name)
		if err != nil && ctx.Err() == nil {
			h.log().Warn("a run cannot be watched", "run", name, "error", err)
		}
		h.watch.mu.Lock()
		if err == nil && version != t.version {
			t.version = version
			close(t.changed)
			t.changed = make(chan struct{})
		}
		h.watch.mu.Unlock()
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// version is that of a page now.
func (h *Handler) version(ctx context.Context, name string) (string, error) {
	if name == "" {
		rows, err := h.rows(ctx)
		return versionOf(rows), err
	}
	e, err := h.Source.Run(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "gone", nil
	}
	return seen(e), err
}
