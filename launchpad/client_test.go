package launchpad

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad/value"
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
	for _, err := range c.Sources(t.Context(), api+"ubuntu/+archive/primary", PublicationFilter{Name: "\xff"}) {
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
	a := &Archive{SelfLink: api + "~me/+archive/ubuntu/x"}
	_, create := c.CreatePPA(t.Context(), "ppa:me/x", "")
	_, login := c.Login(t.Context(), func(string) {})
	for name, err := range map[string]error{
		"create": create, "login": login, "delete": c.DeleteArchive(t.Context(), a),
		"delete source": c.DeleteSource(t.Context(), a.SelfLink, "why"),
	} {
		if !errors.Is(err, ErrReadOnly) || errors.Is(err, ErrInDoubt) {
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
		if want := value.Link(api + tt.want); (tt.want == "" && err == nil) || (tt.want != "" && got != want) {
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
		{"html", "<html><title>Please log in</title>", "", `cannot decode the answer: it is an HTML page "Please log in"`},
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
	c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.RetryWait, c.Retries = time.Nanosecond, 1
	c.Archive(t.Context(), "ubuntu")
	if log.Len() == 0 || strings.Contains(log.String(), "acc") {
		t.Errorf("log: %s", &log)
	}
}

func TestReload(t *testing.T) {
	var seen []string
	c := clientOn(func(r *http.Request) *http.Response {
		seen = append(seen, r.Method+" "+r.Header.Get("If-None-Match"))
		if r.Header.Get("If-None-Match") == `"1-1"` {
			return answer(304, "")
		}
		return answer(200, `{"self_link":"`+api+`x","http_etag":"\"2-2\"","title":"new"}`)
	})
	b := &Build{SelfLink: api + "x", ETag: `"1-1"`, Title: "old"}
	if changed, err := c.reload(t.Context(), b); changed || err != nil || b.Title != "old" {
		t.Errorf("unchanged: %v, %v, %s", changed, err, b.Title)
	}
	b.ETag = `"0-1"`
	if changed, err := c.reload(t.Context(), b); !changed || err != nil || b.Title != "new" || b.ETag != `"2-2"` {
		t.Errorf("changed: %v, %v, %+v", changed, err, b)
	}
	if d := cmp.Diff([]string{`GET "1-1"`, `GET "0-1"`}, seen); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestMe(t *testing.T) {
	t.Parallel()
	c := &Client{BaseURL: "https://lp.test/devel/", Retries: -1, HTTP: &http.Client{Transport: answers(func(r *http.Request) *http.Response {
		switch {
		case strings.Contains(r.Header.Get("Authorization"), `oauth_token=""`):
			return answer(401, "Anonymous people have no page")
		case strings.HasSuffix(r.URL.Path, "/+me"):
			return answer(301, "", "Location", "https://lp.test/devel/~anna")
		}
		return answer(200, `{"self_link": "https://lp.test/devel/~anna", "name": "anna"}`)
	})}}
	if _, err := c.Me(t.Context()); !errors.Is(err, ErrPermission) {
		t.Errorf("without credentials: %v, want ErrPermission", err)
	}
	c.Credentials = NewCredentials("landing", "t", "s")
	if name, err := c.Me(t.Context()); err != nil || name != "anna" {
		t.Errorf("%q, %v, want anna", name, err)
	}
}
