package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"path"

	"github.com/landingteam/landing/runbook"
)

// reportPage is a report as its template has it.
type reportPage struct {
	*view
	Style template.CSS // the style sheet, which is this package's own
	Rule  string       // what the page may load: that style, and nothing
}

// ReportHTML writes the report of a run as one page that needs nothing else: what is
// owed and asked, what was done, by whom and when, how it was phased in. It has no
// scripts, prints well, and is dark where its reader likes it so.
func ReportHTML(w io.Writer, s runbook.Status) error {
	style, err := fs.ReadFile(staticFiles, "static/board.css")
	if err != nil {
		return err
	}
	var b bytes.Buffer
	p := reportPage{viewOf(s, nil), template.CSS(style), reportRule(style)}
	if err := pages().ExecuteTemplate(&b, "report.html", p); err != nil {
		return err
	}
	_, err = b.WriteTo(w)
	return err
}

// reportRule is the Content-Security-Policy of a report with this style.
func reportRule(style []byte) string {
	sum := sha256.Sum256(style)
	return fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'", base64.StdEncoding.EncodeToString(sum[:]))
}

// serveReport sends a run's report as a file.
func (h *Handler) serveReport(w http.ResponseWriter, r *http.Request, _ string) error {
	e, err := h.Source.Run(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	s, bad := h.statusOf(r.Context(), e)
	if r.Context().Err() != nil || errors.Is(bad, fs.ErrNotExist) {
		return errors.Join(r.Context().Err(), bad)
	}
	if bad != nil {
		return &fault{http.StatusConflict, "the journal is damaged, and its report would not be true: " + printable(bad.Error())}
	}
	var b bytes.Buffer
	write, kind := ReportHTML, "text/html; charset=utf-8"
	if path.Ext(r.URL.Path) == ".md" {
		write, kind = ReportMarkdown, "text/markdown; charset=utf-8"
	}
	if err := write(&b, s); err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	attach(w, e.Name+path.Ext(r.URL.Path))
	hurry(w)
	_, _ = b.WriteTo(w)
	return nil
}
