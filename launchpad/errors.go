package launchpad

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// What an [Error] can be about: test with errors.Is.
var (
	ErrToken      = errors.New("token not accepted")  // log in again
	ErrPermission = errors.New("permission denied")   // the token is good, its owner may not
	ErrNotFound   = errors.New("not found")           // or something one may not know exists
	ErrRefused    = errors.New("refused")             // a rule of Launchpad or a wrong parameter; asking again will not help
	ErrServer     = errors.New("server error")        // Launchpad or the way to it is broken
	ErrTimeout    = errors.New("timeout")             // asked too much at once, or no answer in time
	ErrReadOnly   = errors.New("client is read-only") // a write was stopped before it was sent

	// ErrInDoubt is a write whose effect is unknown: it was sent, and no clear
	// answer came. Such an error has a Kind as well; see [Error.Doubt].
	ErrInDoubt = errors.New("the write may have taken effect")

	// ErrNoCredentials is the error of [Credentials.ReadFile] without a file, and of
	// [Client.Login] without a person who can open a page.
	ErrNoCredentials = errors.New("no credentials: run examples/login once at a terminal, or name a credentials file in " + credentialsEnv)
)

// An Error is a request that failed.
type Error struct {
	Method  string
	URL     string // without secrets
	Status  int    // 0 when no answer came
	Kind    error  // one of the sentinels
	Message string // what Launchpad said, at most 4 KiB
	OOPS    string // identifier to quote in a bug report against Launchpad

	// Doubt marks a write whose effect is unknown: it was sent and no clear
	// answer came. Look before doing anything else; never send it again blindly.
	Doubt bool

	Err error // the cause, when there is one beneath
}

// Error names the request, what came of it and, where there is one, what to do.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %v", e.Method, e.URL, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (%d)", e.Status)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.OOPS != "" {
		fmt.Fprintf(&b, " [%s]", e.OOPS)
	}
	switch {
	case e.Doubt:
		b.WriteString("; it may have taken effect: look before sending it again")
	case e.Kind == ErrToken:
		b.WriteString("; log in again")
	}
	return b.String()
}

// Is reports whether target is a sentinel of e.
func (e *Error) Is(target error) bool {
	return target == e.Kind || e.Doubt && target == ErrInDoubt
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// InDoubt is Doubt. A runbook takes the step for one in doubt then, and not for
// one that failed.
func (e *Error) InDoubt() bool { return e.Doubt }

// passing reports whether a failed look may succeed the next time.
func passing(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Kind == ErrServer || e.Kind == ErrTimeout)
}

const maxMessage = 4 << 10

// responseError turns an answer that is no success into an Error.
func responseError(req *http.Request, resp *http.Response, body []byte, secrets *Credentials) *Error {
	e := &Error{
		Method: req.Method, URL: safeURL(req.URL), Status: resp.StatusCode,
		OOPS: oopsID(resp.Header.Get("X-Lazr-OopsId")),
	}
	text := strings.TrimSpace(strings.ToValidUTF8(string(body), "\uFFFD"))
	kind := resp.Header.Get("Content-Type")
	switch {
	case strings.HasPrefix(text, "<") || strings.HasPrefix(kind, "text/html"):
		e.Message = "HTML error page"
		if t := htmlTitle(text); t != "" {
			e.Message += fmt.Sprintf(" %q", t)
		}
	case len(text) > maxMessage:
		e.Message = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	default:
		e.Message = text
	}
	e.Message = printable(e.Message)
	e.Kind = classify(resp.StatusCode, e.Message)
	if e.Kind == ErrToken {
		// The texts name the token in brackets.
		if i, j := strings.IndexByte(e.Message, '('), strings.LastIndexByte(e.Message, ')'); 0 <= i && i < j && !strings.HasPrefix(e.Message, "Unknown consumer") {
			e.Message = e.Message[:i] + "(…" + e.Message[j:]
		}
	}
	e.Message = secrets.scrub(e.Message)
	if e.Status == http.StatusPreconditionFailed && e.Message == "" {
		e.Message = "the entry changed since it was read; read it again"
	}
	e.Doubt = isWrite(req.Method) && resp.StatusCode >= 500
	return e
}

// transportError is a request that got no answer at all.
func transportError(req *http.Request, err error) *Error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // its text repeats the URL
	}
	e := &Error{Method: req.Method, URL: safeURL(req.URL), Kind: ErrServer, Err: err}
	var ne net.Error
	if errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &ne) && ne.Timeout()) {
		e.Kind = ErrTimeout
	}
	var op *net.OpError
	dial := errors.As(err, &op) && op.Op == "dial" // it never left
	e.Doubt = isWrite(req.Method) && !dial
	return e
}

// tokenTexts begin the 401 answers that are about the token; all others are
// about permission.
var tokenTexts = [...]string{
	"Unknown access token", "Expired token", "Expired access token", "Unauthorized token", "Invalid signature",
	"Invalid OAuth signature", "Invalid nonce", "Invalid UTF-8", "Inactive account", "Unknown consumer", "No consumer key specified",
	"No request token specified", "Current authentication", "Bad Basic authentication", "Request token has not yet been reviewed",
}

func classify(status int, message string) error {
	switch {
	case status == http.StatusUnauthorized:
		for _, t := range tokenTexts {
			if strings.HasPrefix(message, t) {
				return ErrToken
			}
		}
		return ErrPermission
	case status == http.StatusNotFound, status == http.StatusGone:
		return ErrNotFound
	case status == http.StatusTooManyRequests:
		return ErrServer
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return ErrTimeout
	case status == http.StatusServiceUnavailable && isTimeoutName(message):
		return ErrTimeout
	case status >= 500:
		return ErrServer
	}
	return ErrRefused
}

// isTimeoutName recognises the exception class names of a request or statement
// that ran out of time.
func isTimeoutName(s string) bool {
	return s == "RequestExpired" || (strings.HasSuffix(s, "TimeoutError") && !strings.ContainsAny(s, " \n"))
}

func isWrite(method string) bool {
	return method != http.MethodGet && method != http.MethodHead
}

// safeURL is u without user, password, fragment and the value of any parameter
// that may be a secret.
func safeURL(u *url.URL) string {
	v := *u
	v.User, v.Fragment, v.RawFragment = nil, "", ""
	if v.RawQuery != "" {
		q := v.Query()
		for k := range q {
			l := strings.ToLower(k)
			for _, w := range [...]string{"token", "secret", "signature", "password", "key"} {
				if strings.Contains(l, w) && l != "unique_key" {
					q.Set(k, "…")
				}
			}
		}
		v.RawQuery = q.Encode()
	}
	return v.String()
}

func htmlTitle(s string) string {
	l := strings.ToLower(s)
	if len(l) != len(s) {
		return ""
	}
	i := strings.Index(l, "<title>")
	j := strings.Index(l, "</title>")
	if i < 0 || j < i+7 || j-i > 200 {
		return ""
	}
	return strings.Join(strings.Fields(s[i+7:j]), " ")
}

func oopsID(s string) string {
	if len(s) > 100 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return s
}

// printable drops control characters other than newline, so that an answer
// cannot drive a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || (r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f)) {
			return r
		}
		return -1
	}, s)
}
