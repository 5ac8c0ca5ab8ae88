package systemimage

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answers is a transport whose answers are bodies; nil is one that never ends.
func answers(f func(path string, n int) io.Reader) *http.Client {
	n := map[string]int{}
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		n[r.URL.Path]++
		resp := &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Header: http.Header{}, Request: r, ContentLength: -1}
		body := f(r.URL.Path, n[r.URL.Path])
		if body == nil {
			body = readFunc(func([]byte) (int, error) {
				<-r.Context().Done()
				return 0, r.Context().Err()
			})
		}
		resp.Body = io.NopCloser(body)
		return resp, nil
	})}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestClientTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Client{BaseURL: "http://si.example", Unverified: true, HTTP: answers(func(path string, n int) io.Reader {
			if n < 3 {
				return nil
			}
			return strings.NewReader("{}")
		})}
		start := time.Now()
		if _, err := c.Channels(t.Context()); err != nil {
			t.Error(err)
		}
		if got, want := time.Since(start), 2*(defaultTimeout+defaultPause); got != want {
			t.Errorf("took %v, want %v: two timeouts and pauses", got, want)
		}
		c.Tries = 2
		c.HTTP = answers(func(string, int) io.Reader { return nil })
		if _, err := c.Channels(t.Context()); !errors.Is(err, errSlow) {
			t.Errorf("never an answer: %v", err)
		}
	})
}

func TestDownloadStalls(t *testing.T) {
	const data = "0123456789"
	f := File{Path: "/pool/x.tar.xz", Size: int64(len(data)), Checksum: fmt.Sprintf("%x", sha256.Sum256([]byte(data)))}
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := Client{BaseURL: "http://si.example", Unverified: true, Tries: 2, HTTP: answers(func(path string, n int) io.Reader {
			return io.MultiReader(strings.NewReader(data[:5]), readFunc(func([]byte) (int, error) {
				time.Sleep(2 * stall)
				return 0, io.ErrUnexpectedEOF
			}))
		})}
		_, err := c.Download(t.Context(), &PublishedIndex{Index: &Index{}}, f, folder, nil)
		if err == nil || !strings.Contains(err.Error(), "fewer than 4096 bytes have come in 1m0s (2 attempts; what has come is kept in ") {
			t.Errorf("Download: %v", err)
		}
	})
}

// crawling is a client of a server that sends some zeros every ten seconds.
func crawling(size, step int) *Client {
	c := &Client{BaseURL: "http://si.example", Unverified: true, Tries: 1}
	c.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		left := size
		body := readFunc(func(p []byte) (int, error) {
			select {
			case <-r.Context().Done():
				return 0, r.Context().Err()
			case <-time.After(10 * time.Second):
			}
			n := min(step, left)
			if left -= n; n == 0 {
				return 0, io.EOF
			}
			clear(p[:n])
			return n, nil
		})
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, ContentLength: -1, Body: io.NopCloser(body)}, nil
	})}
	return c
}

// TestDownloadCrawls has a server that keeps the connection alive with a byte
// now and then, and one that is slow but honest.
func TestDownloadCrawls(t *testing.T) {
	const size = 100 << 10
	sum := sha256.Sum256(make([]byte, size))
	f := File{Path: "/pool/x.tar.xz", Size: size, Checksum: fmt.Sprintf("%x", sum)}
	for step, ok := range map[int]bool{1: false, 1000: true} {
		folder := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			c := crawling(size, step)
			if _, err := c.Download(t.Context(), &PublishedIndex{Index: &Index{}}, f, folder, nil); (err == nil) != ok {
				t.Errorf("%d bytes every 10 s: %v", step, err)
			}
			body, err := c.Open(t.Context(), f.Path)
			if err != nil {
				t.Fatal(err)
			}
			defer body.Close()
			n, err := io.Copy(io.Discard, body)
			if (err == nil) != ok || ok && n != size || err != nil && !strings.Contains(err.Error(), "fewer than 4096 bytes have come in 1m0s") {
				t.Errorf("checksum, %d bytes every 10 s: %v", step, err)
			}
		})
	}
}
