package launchpad

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// answers serves requests from memory, so that tests may run under a faked clock.
type answers func(req *http.Request) *http.Response

func (f answers) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := f(req)
	if resp == nil {
		return nil, errors.New("connection reset by peer")
	}
	resp.Request = req
	return resp, nil
}

func answer(status int, text string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"text/plain"}}
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") || text == "null" {
		h.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Header: h, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}
}

func clientOn(f answers) *Client {
	return &Client{HTTP: &http.Client{Transport: f}, Credentials: NewCredentials("landing tool", "accTok", "accSec&ret")}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		status int
		body   string
		file   string
		class  Class
		want   string // in the message
	}{
		{400, "", "error-400-batch-size.txt", ErrRefused, "300"},
		{400, "", "error-400-invalid-status.txt", ErrRefused, "Acceptable values"},
		{400, "", "error-400-required-missing.txt", ErrRefused, "version: Required"},
		{400, "", "error-400-copy-obsolete-series.txt", ErrRefused, "obsolete"},
		{401, "", "error-401-private-archive.txt", ErrPermission, "SubscriberView"},
		{401, "", "error-401-livefs-not-owner.txt", ErrPermission, "cannot create"},
		{401, "", "error-401-expired-token.txt", ErrToken, "Expired token (…)"},
		{401, "", "error-401-unknown-token.txt", ErrToken, "Unknown access token (…)"},
		{401, "Unauthorized token (abc).", "", ErrToken, "Unauthorized token (…)"},
		{401, "Invalid signature.", "", ErrToken, "Invalid signature"},
		{401, "Inactive account.", "", ErrToken, "Inactive"},
		{401, "Unknown consumer (X).", "", ErrToken, "(X)"},
		{403, "", "error-403-archive-disabled.txt", ErrRefused, "disabled"},
		{404, "", "error-404-no-such-ppa.txt", ErrNotFound, "No such ppa"},
		{404, "", "error-404-object.txt", ErrNotFound, "Object"},
		{410, "<html><title>gone</title>", "", ErrNotFound, "HTML error page"},
		{412, "", "error-412-empty.txt", ErrRefused, "changed since"},
		{500, "", "error-500-oops.txt", ErrServer, "AssertionError"},
		{503, "", "error-503-timeout.txt", ErrTimeout, "LaunchpadTimeoutError"},
		{503, "RequestExpired", "", ErrTimeout, ""},
		{503, "", "error-503-frontend-html.txt", ErrServer, `HTML error page "Launchpad is temporarily unavailable"`},
		{504, "", "", ErrTimeout, ""},
		{400, strings.Repeat("é", 5000), "", ErrRefused, "é"},
		{400, "bad \x1b[31m\xff accTok", "", ErrRefused, "bad [31m\uFFFD …"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status, tt.file), func(t *testing.T) {
			text := tt.body
			if tt.file != "" {
				text = string(body(t, tt.file))
			}
			c := clientOn(func(*http.Request) *http.Response { return answer(tt.status, text, "X-Lazr-OopsId", "OOPS-1") })
			c.Retries = -1
			_, err := c.Archive(t.Context(), "ppa:me/mine")
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if !errors.Is(err, tt.class) || e.Status != tt.status || !strings.Contains(e.Message, tt.want) || e.OOPS != "OOPS-1" || e.Ambiguous || len(e.Message) > maxMessage+10 {
				t.Errorf("got %+v, want class %q, message with %q", e, tt.class, tt.want)
			}
			for _, secret := range []string{"accTok", "accSec", "<html"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q is in %v", secret, err)
				}
			}
			if !strings.Contains(err.Error(), "GET https://api.launchpad.net/devel/~me/+archive/ubuntu/mine") {
				t.Errorf("the request is not named: %v", err)
			}
		})
	}
}

func TestRetriesReadsOnly(t *testing.T) {
	tests := []struct {
		name, method string
		status       int // 0: broken connection
		oops         string
		want         int // requests
	}{
		{"503", "GET", 503, "", 6}, {"502", "GET", 502, "", 6}, {"429", "GET", 429, "", 6}, {"broken", "GET", 0, "", 6},
		{"500 with OOPS", "GET", 500, "OOPS-1", 2}, {"timeout of a statement", "GET", 503, "OOPS-2", 2},
		{"404", "GET", 404, "", 1}, {"401", "GET", 401, "", 1}, {"400", "GET", 400, "", 1},
		{"write 503", "POST", 503, "", 1}, {"write broken", "POST", 0, "", 1}, {"write 429", "POST", 429, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				c := clientOn(func(*http.Request) *http.Response {
					n++
					if tt.status == 0 {
						return nil
					}
					return answer(tt.status, "text", "X-Lazr-OopsId", tt.oops, "Retry-After", "900")
				})
				began := time.Now()
				_, err := c.call(t.Context(), request{method: tt.method, url: api + "x"})
				if err == nil || n != tt.want {
					t.Errorf("%d requests, %v, want %d and an error", n, err, tt.want)
				}
				if d := time.Since(began); d > 6*time.Minute {
					t.Errorf("took %v: Retry-After is a guess, not a promise", d)
				}
				write := tt.method == "POST"
				if isAmbiguous(err) != (write && (tt.status == 0 || tt.status >= 500)) {
					t.Errorf("ambiguous = %v: %v", isAmbiguous(err), err)
				}
			})
		})
	}
}

func TestRequest(t *testing.T) {
	jar, _ := cookiejar.New(nil)
	u, _ := url.Parse(api)
	jar.SetCookies(u, []*http.Cookie{{Name: "lp", Value: "session"}})
	var got *http.Request
	c := clientOn(func(r *http.Request) *http.Response {
		got = r
		return answer(200, `{"self_link":"x"}`, "Set-Cookie", "lp=again")
	})
	c.HTTP.Jar = jar
	for range 2 {
		if _, err := c.Archive(t.Context(), "ubuntu"); err != nil {
			t.Fatal(err)
		}
	}
	if got.Header.Get("Cookie") != "" {
		t.Error("a cookie was sent: reads would come from a database that lags")
	}
	auth := got.Header.Get("Authorization")
	for _, want := range []string{`oauth_consumer_key="landing%20tool"`, `oauth_token="accTok"`, `oauth_signature_method="PLAINTEXT"`, `oauth_signature="%26accSec%26ret"`, `oauth_nonce="`, `oauth_version="1.0"`} {
		if !strings.Contains(auth, want) {
			t.Errorf("Authorization lacks %s", want)
		}
	}
	if got.Header.Get("Accept") != "application/json" || got.URL.String() != api+"ubuntu/+archive/primary" {
		t.Errorf("%s, Accept %s", got.URL, got.Header.Get("Accept"))
	}
	c.Credentials = nil
	if _, err := c.Archive(t.Context(), "ubuntu"); err != nil {
		t.Fatal(err)
	}
	if auth := got.Header.Get("Authorization"); !strings.Contains(auth, `oauth_token=""`) || !strings.Contains(auth, `oauth_consumer_key="landing"`) {
		t.Errorf("anonymous: %s", auth)
	}
}

func TestParametersAreJSON(t *testing.T) {
	p := op("x").text("version", "1.10").text("none", "").text("name", `null`).flag("flag", true).flag("off", false).
		text("odd", `a"b&c<d>é`).time("since", time.Date(2016, 5, 9, 8, 0, 0, 0, time.FixedZone("", 7200))).json("list", []string{"1.10", "true"})
	got := map[string]string{}
	for k, v := range p.values {
		got[k] = v[0]
	}
	want := map[string]string{"ws.op": "x", "version": `"1.10"`, "name": `"null"`, "flag": "true", "odd": `"a\"b&c<d>é"`,
		"since": `"2016-05-09T06:00:00+00:00"`, "list": `["1.10","true"]`}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	c := clientOn(func(*http.Request) *http.Response { t.Error("sent"); return nil })
	for _, err := range c.Sources(t.Context(), api+"ubuntu/+archive/primary", SourceFilter{Name: "\xff"}) {
		if !errors.Is(err, ErrRefused) {
			t.Errorf("a name that is no UTF-8: %v", err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	c := clientOn(func(r *http.Request) *http.Response {
		if r.Method != "GET" {
			t.Errorf("%s was sent", r.Method)
		}
		return answer(200, `{"self_link":"x","status":"Published"}`)
	})
	c.ReadOnly = true
	a := &Archive{Entry: Entry{SelfLink: api + "~me/+archive/ubuntu/x"}}
	_, create := c.CreatePPA(t.Context(), NewPPA{Owner: "me", Name: "x"})
	_, edit := c.EditArchive(t.Context(), a, ArchiveEdit{})
	_, login := c.Login(t.Context(), LoginRequest{ConsumerKey: "x", Show: func(string) {}})
	for name, err := range map[string]error{
		"create": create, "edit": edit, "login": login, "delete": c.DeleteArchive(t.Context(), a),
		"delete source": c.DeleteSource(t.Context(), a.SelfLink, "why"), "retry": c.RetryBuild(t.Context(), a.SelfLink), "cancel": c.CancelBuild(t.Context(), a.SelfLink),
	} {
		if !errors.Is(err, ErrReadOnly) || isAmbiguous(err) {
			t.Errorf("%s: %v, want ErrReadOnly", name, err)
		}
	}
}

func TestRedirectsStayOnTheHost(t *testing.T) {
	tests := []struct{ location, want string }{
		{"/devel/~me/+archive/ubuntu/x", ""},
		{"https://evil.example/devel/x", "not a URL of"},
		{"http://api.launchpad.net/devel/x", "not a URL of"},
		{"https://me@api.launchpad.net/devel/x", "not a URL of"},
		{"", "redirect to nowhere"},
	}
	for _, tt := range tests {
		c := clientOn(func(r *http.Request) *http.Response {
			if r.URL.Host != "api.launchpad.net" || r.URL.Scheme != "https" {
				t.Errorf("followed to %s", r.URL)
			}
			if strings.Contains(r.URL.Path, "mine") {
				return answer(303, "", "Location", tt.location)
			}
			return answer(200, `{"self_link":"x"}`)
		})
		_, err := c.Archive(t.Context(), "ppa:me/mine")
		if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("redirect to %q: %v, want %q", tt.location, err, tt.want)
		}
	}
	c := clientOn(func(r *http.Request) *http.Response { return answer(301, "", "Location", "/devel/again") })
	if _, err := c.Archive(t.Context(), "ubuntu"); err == nil || !strings.Contains(err.Error(), "too often") {
		t.Errorf("a circle of redirects: %v", err)
	}
}

func TestArchiveNames(t *testing.T) {
	c := &Client{}
	tests := []struct{ in, want string }{
		{"ppa:o/n", "~o/+archive/ubuntu/n"}, {"ppa:o/debian/n", "~o/+archive/debian/n"}, {"~o/ubuntu/n", "~o/+archive/ubuntu/n"},
		{"ubuntu", "ubuntu/+archive/primary"}, {"ubuntu/partner", "ubuntu/+archive/partner"}, {"~o/+archive/ubuntu/n", "~o/+archive/ubuntu/n"},
		{"https://launchpad.net/~o/+archive/ubuntu/n", "~o/+archive/ubuntu/n"}, {"https://launchpad.net/~o/+archive/ubuntu/n/", "~o/+archive/ubuntu/n"},
		{"https://api.launchpad.net/devel/~o/+archive/ubuntu/n", "~o/+archive/ubuntu/n"}, {"https://api.launchpad.net/1.0/~o/+archive/ubuntu/n", "~o/+archive/ubuntu/n"},
		{"https://code.launchpad.net/~o/+archive/ubuntu/n", ""}, {"https://www.launchpad.net/~o/+archive/ubuntu/n", ""}, {"http://launchpad.net/~o/+archive/ubuntu/n", ""},
		{"https://launchpad.net/~o", ""}, {"", ""}, {"ppa:o", ""}, {"~o/../x", ""}, {"a/b/c", ""}, {"ppa:o/n?x", ""}, {"ppa:o/", ""},
	}
	for _, tt := range tests {
		got, err := c.archiveLink(tt.in)
		if want := Link(api + tt.want); (tt.want == "" && err == nil) || (tt.want != "" && got != want) {
			t.Errorf("%q = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestBadAnswers(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte(`{"self_link":"zipped"}`))
	z.Close()
	tests := []struct{ name, body, header, want string }{
		{"gzip", zipped.String(), "gzip", ""},
		{"cut off", `{"self_link":"x`, "", "byte"},
		{"wrong type", `{"self_link":"x","name":7}`, "", "name"},
		{"null", "null", "", "no entry"},
		{"html", "<html>", "", "cannot decode"},
	}
	for _, tt := range tests {
		c := clientOn(func(*http.Request) *http.Response { return answer(200, tt.body, "Content-Encoding", tt.header) })
		_, err := c.Archive(t.Context(), "ubuntu")
		if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	huge := &http.Response{Header: http.Header{}, Body: io.NopCloser(io.LimitReader(zeros{}, 1<<40))}
	if _, err := readBody(huge, 1<<20); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("endless answer: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		c := clientOn(func(*http.Request) *http.Response { return answer(502, "") })
		_, err := c.Archive(ctx, "ubuntu")
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrTimeout) {
			t.Errorf("got %v", err)
		}
	})
}

func TestNoSecretInTheLog(t *testing.T) {
	var log bytes.Buffer
	c := clientOn(func(*http.Request) *http.Response { return answer(502, "") })
	c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.RetryWait, c.Retries = time.Nanosecond, 1
	c.Archive(t.Context(), "ubuntu")
	if log.Len() == 0 || strings.Contains(log.String(), "acc") {
		t.Errorf("log: %s", &log)
	}
}

// pagesOf serves rows in pages of at most size, by offset, as Launchpad does.
type pagesOf struct {
	mu    sync.Mutex
	rows  []string
	hide  map[int]bool // rows cut into a page and then dropped
	fail  func(n, size int) *http.Response
	after func(n int, p *pagesOf) // changes rows between two requests
	n     int
	sizes []string
}

func (p *pagesOf) serve(r *http.Request) *http.Response {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	q := r.URL.Query()
	var start, size int
	fmt.Sscan(q.Get("ws.start"), &start)
	fmt.Sscan(q.Get("ws.size"), &size)
	p.sizes = append(p.sizes, q.Get("ws.size"))
	if p.fail != nil {
		if resp := p.fail(p.n, size); resp != nil {
			return resp
		}
	}
	page := map[string]any{"start": start, "entries": []any{}}
	end := min(start+size, len(p.rows))
	for i := start; i < end; i++ {
		if !p.hide[i] {
			page["entries"] = append(page["entries"].([]any), map[string]any{"self_link": p.rows[i]})
		}
	}
	if end < len(p.rows) {
		q.Set("ws.start", fmt.Sprint(end))
		q.Set("memo", fmt.Sprint(end))
		u := *r.URL
		u.RawQuery = q.Encode()
		page["next_collection_link"] = u.String()
	}
	if p.after != nil {
		p.after(p.n, p)
	}
	b, _ := json.Marshal(page)
	return answer(200, string(b))
}

func rows(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("row-%03d", i))
	}
	return out
}

func TestPages(t *testing.T) {
	hidden := map[int]bool{}
	for i := 20; i < 70; i++ {
		hidden[i] = true
	}
	tests := []struct {
		name  string
		p     *pagesOf
		size  int
		want  int
		sizes []string
	}{
		{"none", &pagesOf{}, 0, 0, []string{"300"}},
		{"one", &pagesOf{rows: rows(7)}, 0, 7, []string{"300"}},
		{"three pages", &pagesOf{rows: rows(70)}, 30, 70, []string{"30", "30", "30"}},
		{"short and empty pages in the middle", &pagesOf{rows: rows(100), hide: hidden}, 20, 50, []string{"20", "20", "20", "20", "20"}},
		{"rows come while reading", &pagesOf{rows: rows(50), after: func(n int, p *pagesOf) {
			if n == 1 {
				p.rows = append([]string{"new"}, p.rows...)
			}
		}}, 20, 50, []string{"20", "20", "20"}},
		{"statement timeouts", &pagesOf{rows: rows(90), fail: func(n, size int) *http.Response {
			if size > 40 {
				return answer(503, "LaunchpadTimeoutError", "X-Lazr-OopsId", "OOPS-1")
			}
			return nil
		}}, 80, 90, []string{"80", "80", "40", "40", "40"}},
		{"server allows less", &pagesOf{rows: rows(80), fail: func(n, size int) *http.Response {
			if size > 75 {
				return answer(400, `Maximum for "ws.size" parameter is 75.`)
			}
			return nil
		}}, 0, 80, []string{"300", "75", "75"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := clientOn(tt.p.serve)
			c.PageSize, c.RetryWait = tt.size, time.Nanosecond
			got := map[Link]int{}
			for s, err := range c.Sources(t.Context(), api+"~me/+archive/ubuntu/x", SourceFilter{}) {
				if err != nil {
					t.Fatal(err)
				}
				got[s.SelfLink]++
			}
			if len(got) != tt.want {
				t.Errorf("%d rows, want %d", len(got), tt.want)
			}
			for l, n := range got {
				if n != 1 {
					t.Errorf("%s came %d times", l, n)
				}
			}
			if d := cmp.Diff(tt.sizes, tt.p.sizes); d != "" {
				t.Errorf("page sizes (-want +got)\n%s", d)
			}
		})
	}
}

func TestPagesRefuse(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"next page elsewhere", `{"entries":[],"next_collection_link":"https://evil.example/devel/x?ws.start=1"}`, "not a URL of"},
		{"next page in the clear", `{"entries":[],"next_collection_link":"http://api.launchpad.net/devel/x"}`, "not a URL of"},
		{"same page again", `{"entries":[],"next_collection_link":"https://api.launchpad.net/devel/~me/+archive/ubuntu/x?ws.op=getPublishedSources"}`, "do not end"},
		{"entry is null", `{"entries":[{"self_link":"a"},null]}`, "entry 1"},
		{"entry of the wrong type", `{"entries":[{"self_link":7}]}`, "self_link"},
		{"not a collection", `[1]`, "cannot decode"},
	}
	for _, tt := range tests {
		c := clientOn(func(r *http.Request) *http.Response {
			if r.URL.Host != "api.launchpad.net" || r.URL.Scheme != "https" {
				t.Errorf("%s: the token went to %s", tt.name, r.URL)
			}
			return answer(200, tt.body)
		})
		_, err := all(c.Sources(t.Context(), api+"~me/+archive/ubuntu/x", SourceFilter{}))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestReloadAndEdit(t *testing.T) {
	var seen []string
	c := clientOn(func(r *http.Request) *http.Response {
		seen = append(seen, r.Method+" "+r.Header.Get("If-None-Match")+r.Header.Get("If-Match"))
		switch {
		case r.Header.Get("If-None-Match") == `"1-1"`:
			return answer(304, "")
		case r.Method == "PATCH":
			b, _ := io.ReadAll(r.Body)
			if r.Header.Get("Content-Type") != "application/json" || string(b) != `{"permit_obsolete_series_uploads":true}` {
				t.Errorf("PATCH %s %s", r.Header.Get("Content-Type"), b)
			}
			return answer(209, `{"self_link":"`+api+`x"}`)
		}
		return answer(200, `{"self_link":"`+api+`x","http_etag":"\"2-2\"","name":"new"}`)
	})
	a := &Archive{Entry: Entry{SelfLink: api + "x", ETag: `"1-1"`}, Name: "old"}
	if changed, err := c.Reload(t.Context(), a); changed || err != nil || a.Name != "old" {
		t.Errorf("unchanged: %v, %v, %s", changed, err, a.Name)
	}
	a.ETag = `"0-1"`
	if changed, err := c.Reload(t.Context(), a); !changed || err != nil || a.Name != "new" {
		t.Errorf("changed: %v, %v, %s", changed, err, a.Name)
	}
	yes := true
	if got, err := c.EditArchive(t.Context(), a, ArchiveEdit{PermitObsolete: &yes}); err != nil || got.Name != "new" {
		t.Errorf("edit: %v, %v", got, err)
	}
	if d := cmp.Diff([]string{`GET "1-1"`, `GET "0-1"`, `PATCH "2-2"`, "GET "}, seen); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
