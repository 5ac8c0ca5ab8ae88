package web

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// listPage is the list as its template has it.
type listPage struct {
	frame
	Rows   []listed
	Counts []count // of all runs, by word
	Word   string  // the filter
	Query  string
	Found  int // rows of the filter
	All    int
	Prev   string // links; "" is none
	Next   string
}

type listed struct {
	row
	Link, Class, Fault string
}

type count struct {
	Word, Class, Link string
	N                 int
	On                bool
}

// serveList shows the list of runs, filtered by word and text.
func (h *Handler) serveList(w http.ResponseWriter, r *http.Request, who string) error {
	rows, err := h.rows(r.Context())
	if err != nil {
		return err
	}
	p := listPage{frame: h.frame(r, who, ""), Word: r.FormValue("state"), Query: printable(r.FormValue("find")), All: len(rows)}
	p.Events, p.Seen = "events", versionOf(rows)
	if !slices.Contains(words, p.Word) {
		p.Word = "" // all
	}
	p.Counts = counts(rows, p.Word)
	rows = slices.DeleteFunc(rows, func(r row) bool { return !r.matches(p.Word, p.Query) })
	p.Found = len(rows)
	if wantsJSON(r) {
		h.json(w, http.StatusOK, map[string]any{"runs": rows})
		return nil
	}
	page, err := strconv.Atoi(r.FormValue("page"))
	if err != nil || page < 1 || (page-1)*maxRows >= len(rows) {
		page = 1
	}
	link := func(n int) string {
		return "?" + url.Values{"state": {p.Word}, "find": {p.Query}, "page": {strconv.Itoa(n)}}.Encode()
	}
	if page > 1 {
		p.Prev = link(page - 1)
	}
	if page*maxRows < len(rows) {
		p.Next = link(page + 1)
	}
	for _, r := range rows[(page-1)*maxRows : min(page*maxRows, len(rows))] {
		p.Rows = append(p.Rows, listed{r, "run/" + url.PathEscape(r.Name) + "/", class(r.Word), faultOf(r.Word, r.Error)})
	}
	h.render(w, http.StatusOK, "list.html", p)
	return nil
}

// matches reports whether a run is one of those that are looked for.
func (r row) matches(word, text string) bool {
	if word != "" && r.Word != word {
		return false
	}
	text = strings.ToLower(text)
	return slices.ContainsFunc([]string{r.Name, r.Procedure, r.Operator, r.State}, func(s string) bool {
		return strings.Contains(strings.ToLower(s), text)
	})
}

func counts(rows []row, on string) []count {
	n := map[string]int{}
	for _, r := range rows {
		n[r.Word]++
	}
	list := []count{{Word: "all", Link: "?", N: len(rows), On: on == ""}}
	for _, word := range words {
		if n[word] > 0 {
			list = append(list, count{word, class(word), "?" + url.Values{"state": {word}}.Encode(), n[word], on == word})
		}
	}
	return list
}

// versionOf changes when the list does.
func versionOf(rows []row) string {
	h := fnv.New64a()
	for _, r := range rows {
		fmt.Fprintf(h, "%q %q %q %d\n", r.Name, r.Word, r.State, r.Last.UnixNano())
	}
	return strconv.FormatUint(h.Sum64(), 36)
}
