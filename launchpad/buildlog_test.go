package launchpad

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/launchpad/value"
)

func TestLivefsBuildPath(t *testing.T) {
	const path = "~ubuntu-cdimage/+livefs/ubuntu/vivid/ubuntu-touch/+build/26031"
	for _, c := range []struct{ address, want string }{
		{"https://launchpad.net/" + path, path},
		{"https://api.launchpad.net/devel/" + path, path},
		{"https://code.launchpad.net/" + path, ""},
		{"https://launchpad.net/~o/+archive/x", ""},
		{"https://example.com/" + path, ""},
		{"launchpad.net", ""},
	} {
		got, err := new(Client).livefsBuildPath(c.address)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %s, %v", c.address, got, err)
		}
	}
}

func FuzzLivefsBuildPath(f *testing.F) {
	f.Add("https://launchpad.net/~o/+livefs/ubuntu/vivid/ubuntu-touch/+build/1", "")
	f.Add("http://host/devel/~o/+livefs/ubuntu/vivid/ubuntu-touch/+build/1", "http://host/devel")
	f.Fuzz(func(t *testing.T, address, root string) {
		if got, err := (&Client{BaseURL: root}).livefsBuildPath(address); (got == "") == (err == nil) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestLivefsLog: what the entry of a build says about its log.
func TestLivefsLog(t *testing.T) {
	const path = "/~ubuntu-cdimage/+livefs/ubuntu/vivid/ubuntu-touch/+build/26031"
	for _, c := range []struct {
		name, entry string
		want        string
		err         error
	}{
		{"failed", `"buildstate": "Failed to build", "build_log_url": "%s/log"`, "the log", nil},
		{"failed to upload", `"buildstate": "Failed to upload", "build_log_url": "%[1]s/none", "upload_log_url": "%[1]s/log"`, "the log", nil},
		{"no log", `"buildstate": "Failed to build", "build_log_url": null`, "", fs.ErrNotExist},
		{"hidden", `"buildstate": "Failed to build", "build_log_url": "tag:launchpad.net:2008:redacted"`, "", ErrPermission},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s *httptest.Server
			s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/devel" + path:
					entry := c.entry
					if strings.Contains(entry, "%") {
						entry = fmt.Sprintf(entry, s.URL)
					}
					fmt.Fprintf(w, `{"self_link": "%s/devel%s", %s}`, s.URL, path, entry)
				case "/log":
					io.WriteString(w, "the log")
				default:
					http.NotFound(w, r)
				}
			}))
			defer s.Close()
			r, err := (&Client{BaseURL: s.URL + "/devel/", Retries: -1}).LivefsLog(t.Context(), "https://launchpad.net"+path)
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			defer r.Close()
			if got, err := io.ReadAll(r); err != nil || string(got) != c.want {
				t.Errorf("read %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// TestBuildWithoutAState: what is read as a build and has no state is none, and
// is not waited for.
func TestBuildWithoutAState(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"self_link": "http://%s%s", "title": "armhf build"}`, r.Host, r.URL.Path)
	}))
	defer s.Close()
	c := &Client{BaseURL: s.URL + "/beta/", Retries: -1, Sleep: func(context.Context, time.Duration) error {
		t.Error("it is waited for")
		return errors.New("waited")
	}}
	const path = "~o/+livefs/ubuntu/vivid/ubuntu-touch/+build/1"
	if b, err := c.Build(t.Context(), path); !errors.Is(err, ErrNotFound) {
		t.Errorf("Build = %+v, %v; want ErrNotFound", b, err)
	}
	b := &Build{SelfLink: value.Link(s.URL + "/beta/" + path)}
	if err := c.WaitForBuild(t.Context(), b, nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("WaitForBuild: %v, want ErrNotFound", err)
	}
}
