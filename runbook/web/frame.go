package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook"
)

// A frame is what stands around every page.
type frame struct {
	Title  string // of the page
	Board  string // of all pages
	Root   string // relative path to the list
	Who    string // who looks, if known
	Events string // relative path of the page's events, "" for none
	Seen   string // version of what the page shows
}

// frame makes the frame of a page that has no events.
func (h *Handler) frame(r *http.Request, who, title string) frame {
	board := h.Title
	if board == "" {
		board = "Runs"
	}
	// Paths in links are relative, so that the handler may stand below a path.
	root := "./"
	if n := strings.Count(r.URL.Path, "/"); n > 1 {
		root = strings.Repeat("../", n-1)
	}
	return frame{Title: title, Board: board, Root: root, Who: who}
}

// render writes a page whole or not at all.
func (h *Handler) render(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := pages().ExecuteTemplate(&b, name, data); err != nil {
		h.log().Error("a page cannot be made", "page", name, "error", err)
		http.Error(w, "this page cannot be made; the log of the board says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Add("Vary", "Accept")
	hurry(w)
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // a client that is gone is told nothing
}

// json writes what a program reads.
func (h *Handler) json(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		h.log().Error("a page cannot be made", "error", err)
		http.Error(w, `{"error":"this cannot be written as JSON"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Add("Vary", "Accept")
	hurry(w)
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

// wantsJSON reports whether a program asks: one that names JSON before any page.
func wantsJSON(r *http.Request) bool {
	for accepted := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		kind, _, _ := strings.Cut(accepted, ";")
		switch strings.TrimSpace(kind) {
		case "application/json":
			return true
		case "text/html", "application/xhtml+xml":
			return false
		}
	}
	return false
}

// printable keeps what others wrote from steering the page: control characters, and
// those that turn the direction of a text. Lines stay lines.
func printable(s string) string { return strings.Map(visible, s) }

func clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// linesOf is JSON as lines for a person.
func linesOf(m json.RawMessage) string { return textOf(runbook.Question{Evidence: m}) }

// textOf is what a person is shown of evidence, in the words of the terminal.
func textOf(q runbook.Question) string {
	if len(q.Evidence) == 0 {
		return ""
	}
	text := q.EvidenceText()
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "\n… the rest stands in the records of the run"
	}
	return printable(text)
}

// long reports whether a text has lines that are longer than those of tables, which are
// shown as they are.
func long(text string) bool {
	for line := range strings.Lines(text) {
		if len(line) > 100 {
			return true
		}
	}
	return false
}

// compact is JSON in one line, cut.
func compact(m json.RawMessage) string {
	const most = 2000
	var b bytes.Buffer
	text := string(m)
	if json.Compact(&b, m) == nil {
		text = b.String()
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return printable(text)
}

// resultOf is a result in one line; "" when there is none.
func resultOf(m json.RawMessage) string {
	if text := compact(m); text != "null" && text != "{}" {
		return text
	}
	return ""
}

// took is how long something lasted; "" when that is not worth a word.
func took(d time.Duration) string {
	if d < time.Second {
		return ""
	}
	return d.Round(time.Second).String()
}
