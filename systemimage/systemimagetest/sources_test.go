package systemimagetest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// The sources answer a client of Go's with what they answer the importer.
func TestSources(t *testing.T) {
	t.Parallel()
	s := systemimagetest.New(t, systemimagetest.World{})
	for _, b := range []systemimagetest.Build{
		{URL: "http://a.example.net/good.tar.xz", Monitor: "http://a.example.net/good.build", Version: "7"},
		{URL: "http://a.example.net/gone.tar.xz", Version: "7", Fault: "404 File not found"},
		{URL: "http://a.example.net/dead.tar.xz", Version: "7", Fault: "refused"},
		{URL: "http://a.example.net/slow.tar.xz", Version: "7", Fault: "timeout"},
		{URL: "http://a.example.net/page.tar.xz", Version: "7", Fault: "html"},
		{URL: "http://a.example.net/shut.tar.xz", Version: "7", Fault: "closed"},
	} {
		if err := s.AddBuild(b); err != nil {
			t.Fatal(err)
		}
	}
	c := &http.Client{Transport: s.Sources()}
	for _, tt := range []struct{ path, ask, want string }{
		{"a.example.net/good.build", "", "200 7\n"},
		{"a.example.net/good.build", "bytes=0-0", "206 7"},
		{"a.example.net/page.tar.xz", "bytes=0-5", "206 <html>"},
		{"a.example.net/gone.tar.xz", "", "404 "},
		{"a.example.net/absent", "", "404 "},
		{"a.example.net/dead.tar.xz", "", "connection refused"},
		{"a.example.net/slow.tar.xz", "", "timeout"},
		{"a.example.net/shut.tar.xz", "", "EOF"},
		{"b.example.net/x", "", "no such host"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.ask != "" {
			req.Header.Set("Range", tt.ask)
		}
		got := ""
		resp, err := c.Do(req)
		if err != nil {
			got = err.Error()
		} else {
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			got = resp.Status[:4] + string(body)
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.path, got, tt.want)
		}
	}
}
