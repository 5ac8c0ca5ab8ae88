package launchpad_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"testing"

	"github.com/landingteam/landing/launchpad"
)

// endless serves a listing of n rows without holding it.
func endless(n int) *http.Client { return &http.Client{Transport: rowsUpTo(n)} }

type rowsUpTo int

func (n rowsUpTo) RoundTrip(r *http.Request) (*http.Response, error) {
	start, _ := strconv.Atoi(r.URL.Query().Get("ws.start"))
	size, _ := strconv.Atoi(r.URL.Query().Get("ws.size"))
	end := min(start+size, int(n))
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"start":%d,"entries":[`, start)
	for i := start; i < end; i++ {
		if i > start {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"self_link":"https://api.launchpad.net/devel/ubuntu/+archive/primary/+sourcepub/%d","source_package_name":"pkg%d","source_package_version":"1.10-0ubuntu1","status":"Published","pocket":"Release","date_created":"2016-05-09T08:11:42.310554+00:00","distro_series_link":"https://api.launchpad.net/devel/ubuntu/vivid","archive_link":"https://api.launchpad.net/devel/ubuntu/+archive/primary","removal_comment":null}`, i+1, i)
	}
	b.WriteString("]")
	if end < int(n) {
		q := r.URL.Query()
		q.Set("ws.start", strconv.Itoa(end))
		u := *r.URL
		u.RawQuery = q.Encode()
		fmt.Fprintf(&b, `,"next_collection_link":%q`, u.String())
	}
	b.WriteString("}")
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(&b), Request: r}, nil
}

// TestStreamIsFlat holds a listing of 30,000 rows to what one of 3,000 needs.
func TestStreamIsFlat(t *testing.T) {
	held := func(n int) (most uint64) {
		c := &launchpad.Client{HTTP: endless(n)}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		base, rows := m.HeapAlloc, 0
		for _, err := range c.Sources(t.Context(), "https://api.launchpad.net/devel/ubuntu/+archive/primary", launchpad.PublicationFilter{}) {
			if err != nil {
				t.Fatal(err)
			}
			if rows++; rows%(n/4) == 0 {
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc-min(base, m.HeapAlloc))
			}
		}
		return most
	}
	const allowed = 4 << 20
	if small, large := held(3_000), held(30_000); large > small+allowed {
		t.Errorf("3,000 rows hold %d KiB, 30,000 rows %d KiB", small>>10, large>>10)
	}
}
