package launchpad

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad/value"
)

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
			got := map[value.Link]int{}
			for s, err := range c.Sources(t.Context(), api+"~me/+archive/ubuntu/x", PublicationFilter{}) {
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

// TestPagesInACircle: two pages that name each other end, too.
func TestPagesInACircle(t *testing.T) {
	c := clientOn(func(r *http.Request) *http.Response {
		next := map[string]string{api + "a": api + "b"}[strings.Split(r.URL.String(), "?")[0]]
		if next == "" {
			next = api + "a"
		}
		return answer(200, `{"entries":[{"self_link":"x"}],"next_collection_link":"`+next+`"}`)
	})
	got, err := all(pages[Build](t.Context(), c, api+"a"))
	if len(got) != 1 || err == nil || !strings.Contains(err.Error(), "do not end") {
		t.Errorf("%d entries, %v", len(got), err)
	}
}

func TestPagesRefuse(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"next page elsewhere", `{"entries":[],"next_collection_link":"https://evil.example/devel/x?ws.start=1"}`, "not a URL of"},
		{"next page in the clear", `{"entries":[],"next_collection_link":"http://api.launchpad.net/devel/x"}`, "not a URL of"},
		{"same page again", `{"entries":[],"next_collection_link":"https://api.launchpad.net/devel/~me/+archive/ubuntu/x?ws.op=getPublishedSources"}`, "do not end"},
		{"entry is null", `{"entries":[{"self_link":"a"},null]}`, "entry 1"},
		{"entry of the wrong type", `{"entries":[{"self_link":7}]}`, "self_link"},
		{"a time that is none", `{"entries":[{"self_link":"a","date_created":"yesterday"}]}`, `date_created: json: cannot unmarshal "yesterday"`},
		{"a flag that is none", `{"entries":[{"self_link":"a","sponsor_link":1}]}`, "field entries.sponsor_link"},
		{"not a collection", `[1]`, "cannot decode"},
		{"an entry", `{"self_link":"a"}`, "no page of a list"},
		{"null", `null`, "no page of a list"},
		{"no list", `{"entries":null}`, "no page of a list"},
	}
	for _, tt := range tests {
		c := clientOn(func(r *http.Request) *http.Response {
			if r.URL.Host != "api.launchpad.net" || r.URL.Scheme != "https" {
				t.Errorf("%s: the token went to %s", tt.name, r.URL)
			}
			return answer(200, tt.body)
		})
		_, err := all(c.Sources(t.Context(), api+"~me/+archive/ubuntu/x", PublicationFilter{}))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
