package launchpad

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"net/http"
	"strconv"
	"strings"

	"github.com/landingteam/landing/launchpad/value"
)

const (
	maxPageSize = 300
	minPageSize = 20
	// A page shifts when rows appear while one reads, and then shows rows a
	// second time. So many rows are remembered, however long the listing.
	rememberedRows = 1 << 14
	maxEmptyPages  = 1000
)

type collection[T any] struct {
	Next    value.Link `json:"next_collection_link"`
	Entries []T        `json:"entries"`
}

// pages yields the entries of a collection in the order of the server, each
// once. Pages may be short or empty while a next one exists, because rows the
// caller may not see are dropped after the page was cut. After an error the
// listing ends.
func pages[T any](ctx context.Context, c *Client, first string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		seen := newRecent(rememberedRows)
		size := c.pageSize()
		empty := 0 // pages in a row that brought nothing new
		for next := first; next != ""; {
			page, sent, err := readPage[T](ctx, c, next, &size)
			if err != nil {
				yield(none, err)
				return
			}
			for i := range page.Entries {
				l := any(&page.Entries[i]).(entry).self()
				if l == "" {
					yield(none, &Error{Method: http.MethodGet, URL: sent, Kind: ErrServer, Message: fmt.Sprintf("entry %d of the page is none", i)})
					return
				}
				if !seen.add(string(l)) {
					continue
				}
				if empty = -1; !yield(page.Entries[i], nil) {
					return
				}
			}
			empty++
			if string(page.Next) == next || empty > maxEmptyPages {
				yield(none, &Error{Method: http.MethodGet, URL: sent, Kind: ErrServer, Message: "the pages do not end"})
				return
			}
			next = string(page.Next)
		}
	}
}

// readPage reads one page. Launchpad gives up on statements that take too long:
// then half as many rows are asked for.
func readPage[T any](ctx context.Context, c *Client, url string, size *int) (collection[T], string, error) {
	for {
		sized := withSize(url, *size)
		var page collection[T]
		_, err := c.get(ctx, sized, "", &page)
		var e *Error
		switch {
		case err == nil && page.Entries == nil: // an empty page has an empty list
			return page, sized, &Error{Method: http.MethodGet, URL: sized, Status: http.StatusOK, Kind: ErrServer, Message: "the answer is no page of a list"}
		case err == nil:
			return page, sized, nil
		case errors.As(err, &e) && e.Status == http.StatusBadRequest && strings.HasPrefix(e.Message, `Maximum for "ws.size"`):
			n, _ := strconv.Atoi(strings.Trim(strings.TrimPrefix(e.Message, `Maximum for "ws.size" parameter is`), " ."))
			if n <= 0 || n >= *size {
				return page, sized, err
			}
			*size = n
		case errors.As(err, &e) && e.Kind == ErrTimeout && e.Status != 0 && *size > minPageSize:
			c.log().Debug("asking for smaller pages", "url", e.URL, "size", *size/2)
			*size = max(*size/2, minPageSize)
		default:
			return page, sized, err
		}
	}
}

func (c *Client) pageSize() int {
	if c.PageSize <= 0 || c.PageSize > maxPageSize {
		return maxPageSize
	}
	return c.PageSize
}

// withSize sets the number of entries to ask for and leaves the rest of the
// URL as the server wrote it.
func withSize(s string, size int) string {
	base, query, _ := strings.Cut(s, "?")
	set := "ws.size=" + strconv.Itoa(size)
	parts := strings.Split(query, "&")
	for i, p := range parts {
		if strings.HasPrefix(p, "ws.size=") {
			parts[i] = set
			return base + "?" + strings.Join(parts, "&")
		}
	}
	if query == "" {
		return base + "?" + set
	}
	return base + "?" + query + "&" + set
}

// recent remembers the last n keys it was shown.
type recent struct {
	most int
	seed maphash.Seed
	set  map[uint64]struct{}
	ring []uint64
	at   int
}

func newRecent(n int) *recent {
	return &recent{most: n, seed: maphash.MakeSeed(), set: map[uint64]struct{}{}}
}

// add reports whether the key is new.
func (r *recent) add(key string) bool {
	h := maphash.String(r.seed, key)
	if _, ok := r.set[h]; ok {
		return false
	}
	if len(r.ring) < r.most {
		r.ring = append(r.ring, h)
	} else {
		delete(r.set, r.ring[r.at])
		r.ring[r.at] = h
		r.at = (r.at + 1) % len(r.ring)
	}
	r.set[h] = struct{}{}
	return true
}

// all reads a short listing to its end.
func all[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var out []T
	for v, err := range seq {
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}

// each hands a listing to add.
func each[T any](seq iter.Seq2[T, error], add func(T)) error {
	for v, err := range seq {
		if err != nil {
			return err
		}
		add(v)
	}
	return nil
}

// limit ends a listing after n entries.
func limit[T any](seq iter.Seq2[T, error], n int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		left := n
		for v, err := range seq {
			if left--; !yield(v, err) || left <= 0 {
				return
			}
		}
	}
}
