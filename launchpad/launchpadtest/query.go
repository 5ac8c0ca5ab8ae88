package launchpadtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// query is a request with its parameters and who asks.
type query struct {
	*http.Request
	body   []byte
	params url.Values
	op     string
	errs   []string

	viewer string // person, "" for anonymous
	access string // level of the token
}

// answer is what is sent back.
type answer struct {
	status int
	kind   string
	header map[string]string
	body   []byte
}

func (a *answer) write(rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", a.kind)
	rw.Header().Set("Vary", "Accept")
	for k, v := range a.header {
		rw.Header().Set(k, v)
	}
	rw.WriteHeader(a.status)
	rw.Write(a.body)
}

func text(status int, format string, args ...any) *answer {
	return &answer{status: status, kind: "text/plain", body: fmt.Appendf(nil, format, args...)}
}

func jsonAnswer(v any) *answer {
	b, err := json.Marshal(v)
	if err != nil {
		return text(500, "TypeError")
	}
	return &answer{status: 200, kind: "application/json", body: b}
}

func created(link string) *answer {
	a := text(201, "")
	a.header = map[string]string{"Location": link}
	return a
}

func redirect(status int, to string) *answer {
	a := text(status, "")
	a.header = map[string]string{"Location": to}
	return a
}

// parse takes a body without a type for a form, as Launchpad does: launchpadlib's
// login sends such.
func (q *query) parse() {
	q.params = q.URL.Query()
	kind := q.Header.Get("Content-Type")
	if q.Method == http.MethodPost && (kind == "" || strings.HasPrefix(kind, "application/x-www-form-urlencoded")) {
		q.params, _ = url.ParseQuery(string(q.body))
	}
	q.op = q.params.Get("ws.op")
}

// base is the address the client uses, in front of every link sent to it.
func (q *query) base() string {
	scheme := "http"
	if q.TLS != nil || q.URL.Scheme == "https" {
		scheme = "https"
	}
	return scheme + "://" + q.Host
}

func (q *query) link(path string) string { return q.base() + "/devel/" + path }

// webBase is the address of the web pages: the same host, without "api.".
func (q *query) webBase() string {
	return strings.Replace(q.base(), "://api.", "://", 1)
}

// fileBase is the address of the file host: another one where that is possible.
func (q *query) fileBase() string {
	b := q.webBase()
	if strings.Contains(b, "//launchpad.test") {
		return strings.Replace(b, "//launchpad.test", "//launchpadlibrarian.test", 1)
	}
	return strings.Replace(b, "//127.0.0.1", "//localhost", 1)
}

// value decodes a parameter as Launchpad does: as JSON if it is JSON, else as
// it stands. null means not given.
func (q *query) value(name string) (any, bool) {
	raw, ok := q.params[name]
	if !ok {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(raw[0]))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() || bytes.TrimSpace([]byte(raw[0][d.InputOffset():])) != nil && strings.TrimSpace(raw[0][d.InputOffset():]) != "" {
		return raw[0], true
	}
	return v, v != nil
}

func (q *query) fail(format string, args ...any) {
	q.errs = append(q.errs, fmt.Sprintf(format, args...))
}

// failed is the answer to a request with wrong parameters, else nil.
func (q *query) failed() *answer {
	if len(q.errs) == 0 {
		return nil
	}
	return text(400, "%s", strings.Join(q.errs, "\n"))
}

// text is a text as Python would print the decoded value: a bare version 1.10
// becomes 1.1.
func (q *query) text(name string) string {
	v, ok := q.value(name)
	if !ok {
		return ""
	}
	return pythonText(v)
}

func pythonText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return strconv.FormatInt(i, 10)
		}
		f, _ := v.Float64()
		s := strconv.FormatFloat(f, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return s
	}
	return fmt.Sprint(v)
}

func (q *query) required(name string) string {
	s := q.text(name)
	if s == "" {
		q.fail("%s: Required input is missing.", name)
	}
	return s
}

func (q *query) flag(name string, otherwise bool) bool {
	v, ok := q.value(name)
	if !ok {
		return otherwise
	}
	b, isBool := v.(bool)
	switch v := v.(type) {
	case string:
		q.fail("%s: got 'str', expected bool: '%s'", name, v)
	case json.Number:
		q.fail("%s: got 'int', expected bool: %s", name, v)
	}
	return isBool && b
}

func (q *query) choice(name string, titles ...string) string {
	s := q.text(name)
	if s != "" && !slices.Contains(titles, s) {
		q.fail(`%s: Invalid value "%s". Acceptable values are: %s`, name, s, strings.Join(titles, ", "))
	}
	return s
}

func (q *query) time(name string) time.Time {
	v, ok := q.value(name)
	if !ok {
		return time.Time{}
	}
	s, isText := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	if !isText || err != nil {
		q.fail("%s: Value doesn't look like a date.", name)
		return time.Time{}
	}
	if _, offset := t.Zone(); offset != 0 {
		q.fail("%s: Time not in UTC.", name)
	}
	return t.UTC()
}

// list is a list of texts; one bare element is taken too.
func (q *query) list(name string) (out []string) {
	v, ok := q.value(name)
	if !ok {
		return nil
	}
	l, isList := v.([]any)
	if !isList {
		l = []any{v}
	}
	for _, e := range l {
		out = append(out, pythonText(e))
	}
	return out
}

// path is the path below the version root of the link in a parameter.
func (q *query) path(name string) string {
	s := q.text(name)
	if s == "" {
		return ""
	}
	p, ok := strings.CutPrefix(s, q.base()+"/devel/")
	if !ok && !strings.HasPrefix(s, "/") || strings.ContainsAny(s, "?#") {
		q.fail(`%s: No such object "%s".`, name, s)
		return ""
	}
	if !ok {
		p = strings.TrimPrefix(s, "/")
	}
	p, _ = url.PathUnescape(p)
	return p
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
