package launchpad

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/launchpad/value"
)

func TestErrors(t *testing.T) {
	tests := []struct {
		status int
		body   string
		file   string
		kind   error
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
		{401, "Expired access token.", "", ErrToken, "Expired"},
		{401, "No consumer key specified.", "", ErrToken, "No consumer"},
		{401, "Invalid nonce/timestamp: This nonce has been used already.", "", ErrToken, "nonce"},
		{401, "Current authentication does not allow access to this object.", "", ErrToken, "Current"},
		{401, "Permission launchpad.Edit required on x.", "", ErrPermission, "required"},
		{401, "<html><title>Unauthorized</title>", "", ErrPermission, "HTML error page"},
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
			if !errors.Is(err, tt.kind) || e.Status != tt.status || !strings.Contains(e.Message, tt.want) || e.OOPS != "OOPS-1" || e.Doubt || len(e.Message) > maxMessage+10 {
				t.Errorf("got %+v, want kind %v, message with %q", e, tt.kind, tt.want)
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

// TestErrorBodies: every text Launchpad is known to refuse with stands in the
// message as it is, in the kind that its status says.
func TestErrorBodies(t *testing.T) {
	files, err := filepath.Glob("testdata/bodies/error-4*.txt")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	kinds := map[int]error{400: ErrRefused, 403: ErrRefused, 404: ErrNotFound, 412: ErrRefused}
	for _, f := range files {
		text := string(body(t, filepath.Base(f)))
		status, err := strconv.Atoi(strings.Split(filepath.Base(f), "-")[1])
		if err != nil || status == 401 { // see TestErrors
			continue
		}
		c := clientOn(func(*http.Request) *http.Response { return answer(status, text) })
		err = c.write(t.Context(), api+"~me/+archive/ubuntu/x", op("copyPackage"))
		var e *Error
		if !errors.As(err, &e) || e.Kind != kinds[status] || !strings.HasPrefix(e.Message, text) || e.Doubt {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// TestBrokenAnswer breaks the connection in the middle of an answer: a read is
// sent again, a write is in doubt.
func TestBrokenAnswer(t *testing.T) {
	for _, tt := range []struct {
		method   string
		broken   int
		want     int // requests
		complete bool
	}{{"GET", 2, 3, true}, {"GET", 9, 6, false}, {"POST", 1, 1, false}} {
		n := 0
		c := clientOn(func(*http.Request) *http.Response {
			resp := answer(200, `{"self_link":"x"}`)
			if n++; n <= tt.broken {
				resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"self`), iotest.ErrReader(io.ErrUnexpectedEOF)))
			}
			return resp
		})
		c.RetryWait = time.Nanosecond
		_, err := c.call(t.Context(), request{method: tt.method, url: api + "x"})
		if n != tt.want || (err == nil) != tt.complete || errors.Is(err, ErrInDoubt) != (tt.method == "POST") || !tt.complete && !strings.Contains(err.Error(), "after 6 bytes") {
			t.Errorf("%s: %v after %d requests, want %d", tt.method, err, n, tt.want)
		}
	}
}

// TestWriteRedirected: a write that is sent elsewhere was not carried out.
func TestWriteRedirected(t *testing.T) {
	for _, tt := range []struct {
		status    int
		kind      error
		ambiguous bool
	}{{301, ErrRefused, false}, {302, ErrRefused, false}, {303, ErrServer, true}, {307, ErrRefused, false}} {
		n := 0
		c := clientOn(func(*http.Request) *http.Response {
			n++
			return answer(tt.status, "", "Location", "https://launchpad.net/+login?token=hush")
		})
		err := c.write(t.Context(), api+"~me/+archive/x", op("copyPackage"))
		if !errors.Is(err, tt.kind) || errors.Is(err, ErrInDoubt) != tt.ambiguous || n != 1 || strings.Contains(err.Error(), "hush") {
			t.Errorf("%d: %v after %d requests", tt.status, err, n)
		}
	}
}

// TestWriteAnswers: only Launchpad's own answer to a write says that it was taken.
// Anything else with a status of success, such as the login page of a network, leaves
// it unknown.
func TestWriteAnswers(t *testing.T) {
	page := "<!DOCTYPE html>\n<html><head><title>Log in to the network</title></head></html>\n"
	made := api + "~me/+archive/ubuntu/x"
	for _, tt := range []struct {
		name       string
		status     int
		body       string
		location   string
		write, add bool // taken, as a write, and as one that makes something
	}{
		{"null", 200, string(body(t, "copyPackage-accepted.json")), "", true, false},
		{"made", 201, "", made, false, true},
		{"a page", 200, page, "", false, false},
		{"a page that leads on", 200, page, made, false, false},
		{"a page that says made", 201, page, "", false, false},
		{"nothing", 200, "", "", false, false},
		{"no content", 204, "", "", false, false},
		{"accepted by somebody", 202, "null", "", false, false},
		{"a text", 200, "OK", "", false, false},
		{"an object", 200, "{}", "", false, false},
		{"made elsewhere", 201, "", "https://portal.example/x", false, false},
	} {
		c := clientOn(func(*http.Request) *http.Response { return answer(tt.status, tt.body, "Location", tt.location) })
		check := func(what string, err error, want bool) {
			t.Helper()
			if (err == nil) != want || !want && (!errors.Is(err, ErrInDoubt) || !errors.Is(err, ErrServer)) {
				t.Errorf("%s, %s: %v, want it taken %v, else unknown", tt.name, what, err, want)
			}
			if err != nil && strings.Contains(err.Error(), "<html") {
				t.Errorf("%s, %s: markup in %v", tt.name, what, err)
			}
		}
		check("write", c.write(t.Context(), value.Link(made), op("copyPackage")), tt.write)
		l, err := c.create(t.Context(), value.Link(made), op("createPPA"))
		check("create", err, tt.add)
		if tt.add && l != value.Link(made) {
			t.Errorf("%s: made %s", tt.name, l)
		}
	}
}

// TestLogThatIsAPage: a page is no log.
func TestLogThatIsAPage(t *testing.T) {
	c := clientOn(func(r *http.Request) *http.Response {
		return answer(200, "<html><title>Log in to the network</title>", "Content-Type", "text/html; charset=utf-8")
	})
	_, err := c.BuildLog(t.Context(), &Build{SelfLink: api + "x", State: Built, LogURL: "https://launchpad.net/x/+files/buildlog.txt.gz"}, 0)
	if !errors.Is(err, ErrServer) || !strings.Contains(err.Error(), "Log in to the network") {
		t.Errorf("a page as log: %v", err)
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
				if own := (*Error)(nil); errors.As(err, &own) && own.InDoubt() != errors.Is(err, ErrInDoubt) {
					t.Errorf("in doubt = %v: %v", own.InDoubt(), err)
				}
				if errors.Is(err, ErrInDoubt) != (write && (tt.status == 0 || tt.status >= 500)) {
					t.Errorf("ambiguous = %v: %v", errors.Is(err, ErrInDoubt), err)
				}
			})
		})
	}
}
