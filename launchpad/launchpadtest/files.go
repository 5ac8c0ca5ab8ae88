package launchpadtest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/landingteam/landing/launchpad"
)

// file answers a request for a file on the web host or, with a token, on the
// web service: a redirect to the file host, with a ticket if it is private.
func (s *Server) file(q *query, path string, mayRead bool) *answer {
	if !mayRead {
		return denied("File", "http_url", "launchpad.View")
	}
	ticket := ""
	if strings.HasPrefix(q.URL.Path, "/devel/") {
		ticket = "?token=ticket" + digest(path)[:12]
	}
	a := text(303, "")
	a.header = map[string]string{"Location": q.fileBase() + "/librarian/" + (&url.URL{Path: path}).EscapedPath() + ticket}
	return a
}

// webPage is a page of the web host: a file of a build, the list of a PPA's
// packages, or nothing.
func (s *Server) webPage(q *query, path string) *answer {
	if q.Header.Get("Authorization") != "" {
		s.leaked = append(s.leaked, q.URL.String())
	}
	owner, _, _ := strings.Cut(path, "/")
	before, isFile := "", false
	if before, _, isFile = strings.Cut(path, "/+files/"); isFile {
		for _, a := range s.world.Archives {
			if strings.HasPrefix(before, a.path()+"/") && a.Private {
				return loginPage(q)
			}
		}
		for _, i := range s.world.LivefsBuilds {
			if a := s.world.archive(i.Archive); before == fmt.Sprintf("%s/+build/%d", i.Livefs, i.ID) && a.Private {
				return loginPage(q)
			}
		}
		return s.file(q, path, true)
	}
	if ref, ok := strings.CutSuffix(path, "/+packages"); ok {
		if a := find(s.world.Archives, func(a *Archive) bool { return a.path() == ref && !a.Private }); a != nil {
			return s.packagesPage(a)
		}
	}
	return html(404, "Error: Page not found "+owner)
}

func loginPage(q *query) *answer {
	a := text(303, "")
	a.header = map[string]string{"Location": q.webBase() + "/" + strings.TrimPrefix(q.URL.Path, "/") + "/+login"}
	return a
}

// packagesPage shows up to five copy jobs that did not end well, the only
// place where their errors stand.
func (s *Server) packagesPage(a *Archive) *answer {
	b := new(bytes.Buffer)
	fmt.Fprintf(b, "<!DOCTYPE html>\n<html><head><title>Packages in %q</title></head><body>\n", a.DisplayName)
	for _, j := range s.world.Jobs {
		if j.To == a.Ref && (j.Error != "" || !j.Done) {
			state := map[bool]string{true: "failed", false: "waiting"}[j.Done]
			fmt.Fprintf(b, "<div class=%q job_id=\"%d\">%s %s: %s</div>\n", state, j.ID, j.Name, j.Version, j.Error)
		}
	}
	b.WriteString("</body></html>\n")
	return &answer{status: 200, kind: "text/html;charset=utf-8", body: b.Bytes()}
}

// librarian is the file host. It must never be shown a token.
func (s *Server) librarian(q *query, path string) *answer {
	if q.Header.Get("Authorization") != "" {
		s.leaked = append(s.leaked, q.URL.String())
		return text(400, "token sent to the file host")
	}
	path = strings.TrimPrefix(path, "librarian/")
	if t := q.params.Get("token"); t != "" && t != "ticket"+digest(path)[:12] {
		return text(404, "no such ticket")
	}
	content, ok := s.world.Files[path]
	if !ok {
		content, ok = s.builtFile(path)
	}
	if !ok {
		return text(404, "")
	}
	a := &answer{status: 200, kind: "application/octet-stream", body: []byte(content)}
	if strings.HasSuffix(path, ".txt.gz") { // packed whether asked for or not
		b := new(bytes.Buffer)
		z := gzip.NewWriter(b)
		z.Write([]byte(content))
		z.Close()
		a.kind, a.header, a.body = "text/plain; charset=utf-8", map[string]string{"Content-Encoding": "gzip"}, b.Bytes()
	}
	return a
}

// builtFile makes up the files of builds the world has no content for.
func (s *Server) builtFile(path string) (string, bool) {
	head, name, ok := strings.Cut(path, "/+files/")
	if !ok {
		return "", false
	}
	id, _ := strconv.Atoi(head[strings.LastIndexByte(head, '/')+1:])
	if b := find(s.world.Builds, func(b *Build) bool { return b.ID == id }); b != nil && strings.HasPrefix(name, "buildlog_") && !b.Ended.IsZero() {
		return logText(b.Arch+" build of "+b.SourceName, b.State.Failed()), true
	}
	if i := find(s.world.LivefsBuilds, func(i *LivefsBuild) bool { return i.ID == id }); i != nil && !i.Ended.IsZero() {
		if strings.HasPrefix(name, "buildlog_") {
			return logText(i.Arch+" build of "+s.world.livefs(i.Livefs).Name, i.State.Failed()), true
		}
		if !i.Expired && i.State == launchpad.Built {
			return "content of " + name + "\n", true
		}
	}
	return "", false
}
