package systemimage_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// BenchmarkSurvey reads 300 pairs, verified, against plain parallel GETs and
// encoding/json of the same bytes, signatures included: first whole, then with a
// cache and a server that answers 304 to everything. The metrics are the ratios, also to
// plain GETs over connections that are kept open: the default client keeps two.
func BenchmarkSurvey(b *testing.B) {
	fake, pairs := manyPairs(b)
	tree := httptest.NewServer(fake.Handler())
	defer tree.Close()
	root, err := os.ReadFile(filepath.Join(fake.Root(), "secret/gpg/keyrings/archive-master.tar.xz"))
	if err != nil {
		b.Fatal(err)
	}
	survey := func(b *testing.B, c *systemimage.Client) time.Duration {
		begin := time.Now()
		n := 0
		for p, err := range c.Survey(b.Context(), 8) {
			if err != nil {
				b.Fatal(err)
			}
			if !p.Verified {
				b.Fatal("not verified")
			}
			n++
		}
		if n != len(pairs) {
			b.Fatalf("%d pairs, want %d", n, len(pairs))
		}
		return time.Since(begin)
	}
	lines := http.DefaultTransport.(*http.Transport).Clone()
	lines.MaxIdleConnsPerHost = 8
	defer lines.CloseIdleConnections()
	open := &http.Client{Transport: lines}
	b.Run("whole", func(b *testing.B) {
		var ours, plain, kept time.Duration
		for b.Loop() {
			plain += plainSurvey(b, http.DefaultClient, tree.URL, pairs)
			kept += plainSurvey(b, open, tree.URL, pairs)
			ours += survey(b, &systemimage.Client{BaseURL: tree.URL, Trust: &keyring.Trust{Root: root}})
		}
		b.ReportMetric(float64(ours)/float64(plain), "times-plain")
		b.ReportMetric(float64(ours)/float64(kept), "times-kept-open")
	})
	b.Run("unchanged", func(b *testing.B) {
		time.Sleep(2100 * time.Millisecond) // what has changed within two seconds is not kept
		c := &systemimage.Client{BaseURL: tree.URL, Trust: &keyring.Trust{Root: root}, Cache: b.TempDir()}
		survey(b, c)
		survey(b, c)
		var ours, plain, kept time.Duration
		for b.Loop() {
			plain += plainSurvey(b, http.DefaultClient, tree.URL, pairs)
			kept += plainSurvey(b, open, tree.URL, pairs)
			ours += survey(b, c)
		}
		b.ReportMetric(float64(ours)/float64(plain), "times-plain")
		b.ReportMetric(float64(ours)/float64(kept), "times-kept-open")
	})
}

// manyPairs is a server with 300 devices, and the paths of their indexes.
func manyPairs(b *testing.B) (*systemimagetest.Server, []string) {
	b.Helper()
	w := systemimagetest.World{}
	var paths []string
	for c := range 10 {
		channel := systemimagetest.Channel{Name: fmt.Sprintf("touch/stable/vendor%d", c)}
		for d := range 30 {
			name := fmt.Sprintf("device%d", d)
			var images []systemimagetest.Image
			for v := 1; v <= 8; v++ {
				images = append(images, systemimagetest.Image{Version: v, Details: fmt.Sprintf("ubuntu=201506%02d,device=a%d,keyring=archive-master", v, d)})
			}
			channel.Devices = append(channel.Devices, systemimagetest.Device{Name: name, Images: images})
			paths = append(paths, "/"+channel.Name+"/"+name+"/index.json")
		}
		w.Channels = append(w.Channels, channel)
	}
	s, err := systemimagetest.Create(b.TempDir(), w)
	if err != nil {
		b.Fatal(err)
	}
	return s, paths
}

// plainSurvey gets every index and signature, eight at a time, and decodes the
// indexes.
func plainSurvey(b *testing.B, client *http.Client, url string, paths []string) time.Duration {
	b.Helper()
	begin := time.Now()
	get := func(path string) []byte {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url+path, nil)
		if err != nil {
			b.Error(err)
			return nil
		}
		resp, err := client.Do(r)
		if err != nil {
			b.Error(err)
			return nil
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			b.Error(err)
		}
		return body
	}
	work := make(chan string)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for path := range work {
				if body := get(path); len(body) > 0 {
					var x struct {
						Global map[string]string `json:"global"`
						Images []struct {
							Type          string `json:"type"`
							Version       int    `json:"version"`
							Base          int    `json:"base"`
							Description   string `json:"description"`
							VersionDetail string `json:"version_detail"`
							Files         []struct {
								Order               int    `json:"order"`
								Path                string `json:"path"`
								Signature, Checksum string
								Size                int64 `json:"size"`
							} `json:"files"`
						} `json:"images"`
					}
					if err := json.Unmarshal(body, &x); err != nil {
						b.Error(err)
					}
				}
				get(path + ".asc")
			}
		})
	}
	for _, p := range paths {
		work <- p
	}
	close(work)
	workers.Wait()
	return time.Since(begin)
}
