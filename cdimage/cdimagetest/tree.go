package cdimagetest

import (
	"compress/gzip"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Shape is one of the forms in which Apache writes a directory index.
type Shape int

// The shapes that occur.
const (
	CutNames  Shape = iota // <pre>, names cut to 23 characters
	WideNames              // <pre>
	Table                  // <table>, in version order
	PlainList              // <ul> without dates and sizes
)

// A LogTree serves a folder of logs, such as a host's log folder, as the
// public mirror does. The zero value of the other fields is the touch era's
// mirror.
type LogTree struct {
	Dir    string // the folder
	Prefix string // path of the tree's root, "" or "/~ubuntu-archive/cd-build-logs"
	Shape  Shape
	Gzip   bool             // send logs compressed, whatever was asked for, and say so
	Liar   bool             // send logs compressed and do not say so
	Now    func() time.Time // the mirror's clock; nil is the real one
}

// ServeHTTP answers GET and HEAD.
func (t *LogTree) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	now := time.Now()
	if t.Now != nil {
		now = t.Now()
	}
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	rel, ok := strings.CutPrefix(r.URL.Path, t.Prefix)
	if !ok {
		http.NotFound(w, r)
		return
	}
	name := filepath.Join(t.Dir, filepath.FromSlash(path.Clean("/"+rel)))
	info, err := os.Stat(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	if info.IsDir() {
		if !strings.HasSuffix(r.URL.Path, "/") {
			http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
			return
		}
		w.Header().Set("Content-Type", "text/html;charset=UTF-8")
		t.index(w, name, r.URL.Path)
		return
	}
	f, err := os.Open(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Last-Modified", info.ModTime().UTC().Format(http.TimeFormat))
	if !t.Gzip && !t.Liar {
		io.Copy(w, f)
		return
	}
	if t.Gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	z := gzip.NewWriter(w)
	io.Copy(z, f)
	z.Close()
}

func (t *LogTree) index(w io.Writer, dir, shown string) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	title := html.EscapeString(strings.TrimSuffix(shown, "/"))
	fmt.Fprintf(w, "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">\n<html>\n <head>\n  <title>Index of %s</title>\n </head>\n <body>\n<h1>Index of %s</h1>\n", title, title)
	parent := path.Dir(strings.TrimSuffix(shown, "/"))
	if parent != "/" {
		parent += "/"
	}
	sorts := []string{`<a href="?C=N;O=D">Name</a>`, `<a href="?C=M;O=A">Last modified</a>`, `<a href="?C=S;O=A">Size</a>`, `<a href="?C=D;O=A">Description</a>`}
	switch t.Shape {
	case Table:
		fmt.Fprintf(w, "  <table>\n   <tr><th valign=\"top\"><img src=\"/icons/blank.gif\" alt=\"[ICO]\"></th><th>%s</th></tr>\n   <tr><th colspan=\"5\"><hr></th></tr>\n", strings.Join(sorts, "</th><th>"))
		fmt.Fprintf(w, "<tr><td valign=\"top\"><img src=\"/icons/back.gif\" alt=\"[PARENTDIR]\"></td><td><a href=\"%s\">Parent Directory</a></td><td>&nbsp;</td><td align=\"right\">  - </td><td>&nbsp;</td></tr>\n", parent)
		slices.SortFunc(files, func(x, y os.DirEntry) int { return versionOrder(x.Name(), y.Name()) })
	case PlainList:
		fmt.Fprintf(w, "<ul><li><a href=\"%s\"> Parent Directory</a></li>\n", parent)
	default:
		fmt.Fprintf(w, "<pre><img src=\"/icons/blank.gif\" alt=\"Icon \"> %s<hr><img src=\"/icons/back.gif\" alt=\"[PARENTDIR]\"> <a href=\"%s\">Parent Directory</a>                             -   \n", strings.Join(sorts, "      "), parent)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			continue
		}
		name, icon, alt, size := f.Name(), "unknown", "[   ]", sizeOf(info.Size())
		if f.IsDir() {
			name, icon, alt, size = name+"/", "folder", "[DIR]", "-"
		}
		href := html.EscapeString((&url.URL{Path: name}).EscapedPath())
		text := html.EscapeString(name)
		date := info.ModTime().UTC().Format("2006-01-02 15:04")
		switch t.Shape {
		case Table:
			fmt.Fprintf(w, "<tr><td valign=\"top\"><img src=\"/icons/%s.gif\" alt=\"%s\"></td><td><a href=\"%s\">%s</a></td><td align=\"right\">%s  </td><td align=\"right\">%4s</td><td>&nbsp;</td></tr>\n", icon, alt, href, text, date, size)
		case PlainList:
			fmt.Fprintf(w, "<li><a href=\"%s\"> %s</a></li>\n", href, text)
		default:
			pad := ""
			if t.Shape == CutNames && len(name) > 23 {
				text = html.EscapeString(name[:21] + "..>")
			} else if n := 23 - len(name); n > 0 {
				pad = strings.Repeat(" ", n)
			}
			fmt.Fprintf(w, "<img src=\"/icons/%s.gif\" alt=\"%s\"> <a href=\"%s\">%s</a>%s %s %4s  \n", icon, alt, href, text, pad, date, size)
		}
	}
	fmt.Fprint(w, map[Shape]string{Table: "   <tr><th colspan=\"5\"><hr></th></tr>\n</table>\n", PlainList: "</ul>\n"}[t.Shape])
	if t.Shape == CutNames || t.Shape == WideNames {
		fmt.Fprint(w, "<hr></pre>\n")
	}
	fmt.Fprint(w, "</body></html>\n")
}

// versionOrder compares names as Apache's VersionSort does: digits by value.
func versionOrder(x, y string) int {
	for x != "" && y != "" {
		nx, ny := digits(x), digits(y)
		if nx > 0 && ny > 0 {
			vx, vy := strings.TrimLeft(x[:nx], "0"), strings.TrimLeft(y[:ny], "0")
			if len(vx) != len(vy) {
				return len(vx) - len(vy)
			}
			if c := strings.Compare(vx, vy); c != 0 {
				return c
			}
			x, y = x[nx:], y[ny:]
			continue
		}
		if x[0] != y[0] {
			return int(x[0]) - int(y[0])
		}
		x, y = x[1:], y[1:]
	}
	return len(x) - len(y)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

func sizeOf(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprint(n)
	case n < 1<<20:
		return fmt.Sprintf("%.1fK", float64(n)/1024)
	}
	return fmt.Sprintf("%.1fM", float64(n)/(1<<20))
}
