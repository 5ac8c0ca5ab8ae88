package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// serveEvents is the stream of a page: it says when the page shows something else than
// what the one who asks has seen. What it is, is fetched as a page.
func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request, _ string) error {
	name := r.PathValue("name")
	if name != "" {
		if _, err := h.Source.Run(r.Context(), name); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return nil
	}
	t, ok := h.join(name)
	if !ok {
		w.Header().Del("Content-Type")
		w.Header().Set("Retry-After", "30")
		return &fault{http.StatusServiceUnavailable, "too many pages are kept live; this one is to be loaded again by hand"}
	}
	defer h.leave(name, t)
	ctx, stop := context.WithTimeout(r.Context(), lifetime)
	defer stop()
	s := stream{w}
	if err := s.send("retry: 3000\n\n"); err != nil {
		return nil // whoever asked is gone, here and below
	}
	seen := r.URL.Query().Get("seen")
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		seen = id
	}
	beat := time.NewTicker(patience)
	defer beat.Stop()
	for {
		version, changed := h.state(t)
		if version != "" && version != seen {
			seen = version
			text, err := json.Marshal(version)
			if err != nil {
				return err
			}
			if err := s.send(fmt.Sprintf("id: %s\ndata: %s\n\n", version, text)); err != nil {
				return nil
			}
		}
		select {
		case <-changed:
		case <-beat.C: // finds out who has gone
			if err := s.send(":\n\n"); err != nil {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// A stream writes, and waits for nobody longer than patience.
type stream struct{ w http.ResponseWriter }

func (s stream) send(text string) error {
	hurry(s.w)
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return http.NewResponseController(s.w).Flush()
}
