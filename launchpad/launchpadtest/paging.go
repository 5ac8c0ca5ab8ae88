package launchpadtest

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
)

// listing is the result of an operation, or a plain collection, before it is
// cut into pages. entry gives nil for a row the caller may not see: such rows
// are counted and cut into pages, and only then dropped.
type listing struct {
	n     int
	entry func(i int) any
	kind  string // of a plain collection
}

// page cuts the page asked for out of a listing.
func (s *Server) page(q *query, l listing) *answer {
	start, size := 0, s.world.PageSize
	if size == 0 {
		size = 75
	}
	if v, err := strconv.Atoi(q.params.Get("ws.start")); err == nil && v >= 0 {
		start = v
	}
	if v, err := strconv.Atoi(q.params.Get("ws.size")); err == nil && v > 0 {
		most := s.world.MaxPageSize
		if most == 0 {
			most = 300
		}
		if v > most {
			return text(400, `Maximum for "ws.size" parameter is %d.`, most)
		}
		size = v
	}
	if q.params.Get("ws.show") == "total_size" && l.kind == "" {
		return jsonAnswer(l.n)
	}
	end := max(min(start+size, l.n), start)
	entries := []byte{'['}
	for i := start; i < end; i++ {
		e := l.entry(i)
		if e == nil {
			continue
		}
		text, ok := e.(json.RawMessage)
		if !ok {
			text, _ = json.Marshal(e)
		}
		if len(entries) > 1 {
			entries = append(entries, ',')
		}
		entries = append(entries, text...)
	}
	o := object{"start": start}
	if end < l.n {
		o["next_collection_link"] = q.pageLink(end, size, "")
	}
	if start > 0 {
		o["prev_collection_link"] = q.pageLink(max(start-size, 0), size, "backwards")
	}
	switch {
	case l.kind != "":
		o["total_size"], o["resource_type_link"] = l.n, q.base()+"/devel/#"+l.kind+"-page-resource"
	case end < l.n:
		o["total_size_link"] = q.countLink()
	default:
		o["total_size"] = l.n
	}
	a := jsonAnswer(o) // {...}: the entries go in front of the last brace
	a.body = slices.Concat(a.body[:len(a.body)-1], []byte(`,"entries":`), entries, []byte("]}"))
	return a
}

func (q *query) pageLink(start, size int, direction string) string {
	return q.again(func(v url.Values) {
		v.Set("ws.size", strconv.Itoa(size))
		v.Set("memo", strconv.Itoa(start))
		v.Set("ws.start", strconv.Itoa(start))
		if direction != "" {
			v.Set("direction", direction)
		}
	})
}

func (q *query) countLink() string {
	return q.again(func(v url.Values) {
		v.Set("ws.show", "total_size")
		v.Del("ws.start")
		v.Del("ws.size")
	})
}

func (q *query) again(change func(url.Values)) string {
	v := q.URL.Query()
	v.Del("memo")
	v.Del("direction")
	change(v)
	return q.base() + q.URL.EscapedPath() + "?" + v.Encode()
}
