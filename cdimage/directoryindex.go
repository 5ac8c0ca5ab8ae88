package cdimage

import (
	"bufio"
	"bytes"
	"html"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// An indexEntry is one line of a directory index.
type indexEntry struct {
	Name     string // without the slash of a directory
	Dir      bool
	Modified time.Time // to the minute, in the server's time zone, zero when not shown
	Size     string    // as shown, "4.2K"; empty when not shown
}

var (
	hrefAttr  = regexp.MustCompile(`(?i)<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))`)
	modified  = regexp.MustCompile(`\b(\d{4}-\d\d-\d\d \d\d:\d\d|\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d)\b`)
	sizeAt    = regexp.MustCompile(`^\s*(-|\d+(?:\.\d+)?[KMGT]?)(?:\s|$)`)
	anchorEnd = regexp.MustCompile(`(?i)</a>`)
	anyTag    = regexp.MustCompile(`<[^>]*>`)
)

const (
	maxIndex     = 64 << 20
	maxIndexLine = 64 << 10
)

// parseIndex reads a directory index of Apache in any of its shapes: cut or
// wide names in a <pre>, a <table>, a plain list. Names come from the links
// alone, because the shown ones are cut. Sort links, the parent directory and
// links that lead elsewhere are left out. The order is the page's.
func parseIndex(r io.Reader) ([]indexEntry, error) {
	var entries []indexEntry
	seen := map[string]bool{}
	isPage := false
	s := bufio.NewScanner(io.LimitReader(r, maxIndex))
	s.Buffer(make([]byte, 0, 4096), maxIndexLine)
	s.Split(splitAnchors)
	for s.Scan() {
		line := s.Bytes()
		isPage = isPage || bytes.Contains(bytes.ToLower(line), []byte("<a "))
		isPage = isPage || bytes.Contains(bytes.ToLower(line), []byte("index of"))
		m := hrefAttr.FindSubmatchIndex(line)
		if m == nil {
			continue
		}
		href := ""
		for i := 2; i < len(m); i += 2 {
			if m[i] >= 0 {
				href = string(line[m[i]:m[i+1]])
			}
		}
		e, ok := entryOf(href)
		if !ok || seen[e.Name] {
			continue
		}
		seen[e.Name] = true
		rest := string(line[m[1]:])
		if end := anchorEnd.FindStringIndex(rest); end != nil {
			rest = html.UnescapeString(anyTag.ReplaceAllString(rest[end[0]:], " "))
		}
		if at := modified.FindStringIndex(rest); at != nil {
			for _, layout := range []string{"2006-01-02 15:04", "02-Jan-2006 15:04"} {
				if t, err := time.Parse(layout, rest[at[0]:at[1]]); err == nil {
					e.Modified = t
				}
			}
			if m := sizeAt.FindStringSubmatch(rest[at[1]:]); m != nil && m[1] != "-" {
				e.Size = m[1]
			}
		}
		entries = append(entries, e)
	}
	if err := s.Err(); err != nil {
		return entries, &Error{Op: "parse directory index", Kind: ErrFormat, Err: err}
	}
	if !isPage {
		return nil, &Error{Op: "parse directory index", Kind: ErrFormat, Hint: "the page has no links, it is no directory index"}
	}
	return entries, nil
}

// entryOf turns a link into an entry of this very directory.
func entryOf(href string) (indexEntry, bool) {
	u, err := url.Parse(html.UnescapeString(strings.TrimSpace(href)))
	if err != nil || u.IsAbs() || u.Host != "" || u.RawQuery != "" || u.ForceQuery || u.Path == "" {
		return indexEntry{}, false
	}
	name := strings.TrimPrefix(u.Path, "./")
	dir := strings.HasSuffix(name, "/")
	name = strings.TrimSuffix(name, "/")
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00\n") {
		return indexEntry{}, false
	}
	return indexEntry{Name: name, Dir: dir}, true
}

// splitAnchors cuts a page before each link, wherever its lines end.
func splitAnchors(data []byte, atEOF bool) (int, []byte, error) {
	if len(data) == 0 {
		return 0, nil, nil
	}
	from := min(2, len(data))
	for {
		i := bytes.IndexByte(data[from:], '<')
		if i < 0 {
			break
		}
		at := from + i
		if len(data) > at+2 && (data[at+1] == 'a' || data[at+1] == 'A') && (data[at+2] == ' ' || data[at+2] == '\n' || data[at+2] == '\t') {
			return at, data[:at], nil
		}
		from = at + 1
	}
	if atEOF {
		return len(data), data, nil
	}
	return 0, nil, nil
}
