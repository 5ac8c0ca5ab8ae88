package web

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// headers are those of every answer. Scripts, styles and connections come from here
// only, nothing is inline, and no page is shown inside another.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; " +
		"base-uri 'none'; frame-ancestors 'none'",
	"X-Frame-Options":              "DENY",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
}

// guard refuses what no page asks for, bounds what a client sends and how long it
// takes, and sets the headers.
func (h *Handler) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	for _, origin := range h.Origins {
		if err := cross.AddTrustedOrigin(origin); err != nil {
			h.log().Error("an origin is none, and is not trusted", "origin", origin, "error", err)
		}
	}
	cross.SetDenyHandler(h.page(func(http.ResponseWriter, *http.Request, string) error {
		return &fault{http.StatusForbidden, "this came from another site, and is not taken; answer on the page of the run"}
	}))
	served := cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		if len(h.Hosts) > 0 && !slices.Contains(h.Hosts, strings.ToLower(r.Host)) {
			http.Error(w, "nothing is served under this name", http.StatusMisdirectedRequest)
			return
		}
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		}
		served.ServeHTTP(w, r)
	})
}

// hurry gives a client patience for what is written next. Not every connection knows
// deadlines; those of a server do.
func hurry(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience))
}
