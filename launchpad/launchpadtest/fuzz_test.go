package launchpadtest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// FuzzServer sends any request: the fake must answer and not break.
func FuzzServer(f *testing.F) {
	ppa := "/devel/~landing-team/+archive/ubuntu/overlay"
	for _, p := range []string{"/devel/", "/devel/archives", "/devel/livefses", ppa, ppa + "/+sourcepub/40003", ppa + "/+build/40004/+files/x", "/devel/ubuntu/vivid/armhf", "/devel/ubuntu/+archive/primary", "/+access-token", "/librarian/x", "/~landing-team/+archive/ubuntu/overlay/+packages", "/devel/people/+me"} {
		f.Add("GET", p, "ws.op=getPublishedSources&ws.size=2&ws.start=1")
		f.Add("POST", p, "ws.op=copyPackage&source_name=mir&version=%221.10%22")
		f.Add("PATCH", p, `{"displayname":1}`)
	}
	f.Fuzz(func(t *testing.T, method, path, params string) {
		s := launchpadtest.New(t, nil)
		s.Do(func(w *launchpadtest.World) {
			w.AddPPA("landing-team", "overlay")
			w.AddLivefs("landing-team", "vivid", "touch")
			w.Publish(overlay, "vivid", launchpadtest.Package{Name: "mir", Version: "1.10"})
		})
		req := &http.Request{Method: method, URL: &url.URL{Scheme: "https", Host: "api.launchpad.test", Path: path}, Header: http.Header{}}
		req.Header.Set("Authorization", `OAuth oauth_token="token", oauth_signature_method="PLAINTEXT", oauth_signature="%26secret"`)
		if !strings.HasPrefix(strings.Trim(path, "/")+"/", "devel/") { // only the web service may see the token
			req.Header.Del("Authorization")
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if method == "GET" {
			req.URL.RawQuery = params
		}
		req.Body = io.NopCloser(strings.NewReader(params))
		resp, err := s.Client().HTTP.Transport.RoundTrip(req)
		if err != nil {
			t.Fatalf("%s %s %s: %v", method, path, params, err)
		}
		if resp.StatusCode < 200 || resp.StatusCode > 599 {
			t.Errorf("status %d", resp.StatusCode)
		}
		text := make(chan error, 1)
		s.Do(func(w *launchpadtest.World) {
			b, err := w.Text()
			if err == nil {
				_, err = launchpadtest.ParseWorld(b)
			}
			text <- err
		})
		if err := <-text; err != nil {
			t.Errorf("the world can no longer be kept: %v", err)
		}
	})
}
