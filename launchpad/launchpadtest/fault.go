package launchpadtest

import (
	"net/http"
	"strings"
)

// A Fault spoils requests to the web service.
type Fault struct {
	// Which requests: empty fields match all.
	Method, Op string
	Path       string // part of the path

	Skip  int // let so many pass first
	Times int // then spoil so many; 0: all

	// How. With After the request takes effect first: a write of which nobody
	// sees the answer.
	After  bool
	Drop   bool    // break the connection instead of answering
	Like   Trouble // answer as this, not with the next three
	Status int
	Body   string
	Header map[string]string

	seen int
}

// A Trouble is what Launchpad answers when it is in trouble itself.
type Trouble string

// The troubles.
const (
	Timeout     Trouble = "timeout"     // a statement took too long for Launchpad
	Unavailable Trouble = "unavailable" // the page shown while Launchpad restarts
	Crash       Trouble = "crash"       // a bug in Launchpad
	Throttle    Trouble = "throttle"    // the client is to come back later
)

// answer is the fault that gives the trouble's answer.
func (t Trouble) answer() Fault {
	return map[Trouble]Fault{
		Timeout: {Status: 503, Body: "LaunchpadTimeoutError", Header: map[string]string{"X-Lazr-OopsId": "OOPS-fedcba9876543210fedcba9876543210", "Retry-After": "900"}},
		Unavailable: {Status: 503, Body: "<!DOCTYPE html>\n<html><head><title>Launchpad is temporarily unavailable</title></head></html>\n",
			Header: map[string]string{"Content-Type": "text/html"}},
		Crash:    {Status: 500, Body: "AssertionError", Header: map[string]string{"X-Lazr-OopsId": "OOPS-0123456789abcdef0123456789abcdef"}},
		Throttle: {Status: 429, Body: "Too many requests", Header: map[string]string{"Retry-After": "0"}},
	}[t]
}

func (s *Server) fault(q *query) *Fault {
	if s.Intercept != nil {
		if f := s.Intercept(q.Request); f != nil {
			return f
		}
	}
	for _, f := range s.Faults {
		if f.matches(q) {
			f.seen++
			if f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times) {
				return f
			}
		}
	}
	return nil
}

func (f *Fault) matches(q *query) bool {
	return (f.Method == "" || f.Method == q.Method) && (f.Op == "" || f.Op == q.op) && strings.Contains(q.URL.Path, f.Path)
}

func (f *Fault) serve(rw http.ResponseWriter) {
	if f.Drop {
		panic(http.ErrAbortHandler)
	}
	how := *f
	if f.Like != "" {
		how = f.Like.answer()
	}
	rw.Header().Set("Content-Type", "text/plain")
	for k, v := range how.Header {
		rw.Header().Set(k, v)
	}
	rw.WriteHeader(how.Status)
	rw.Write([]byte(how.Body))
}
