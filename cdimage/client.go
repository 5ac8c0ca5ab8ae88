package cdimage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// CurrentLogs is the public address of the mirrored log tree. The mirror is copied
// every 15 minutes, and what the host deletes is deleted there too.
const CurrentLogs = "https://ubuntu-archive-team.ubuntu.com/cd-build-logs/"

// A Client finds and reads logs in a mirrored log tree. The zero value reads
// from [CurrentLogs]. Fields are set before first use; a Client is safe for
// concurrent use.
type Client struct {
	BaseURL   string       // root of the tree; empty: CurrentLogs
	HTTP      *http.Client // nil: http.DefaultClient; one that retries reads is welcome
	UserAgent string       // empty: Go's own
	Rules     *Rules       // that the logs are read by; nil: those of this package
	Logger    *slog.Logger // requests at debug level; nil is silent
}

// Projects lists the projects (and subtrees) that have logs.
func (c *Client) Projects(ctx context.Context) ([]string, error) {
	return c.dirs(ctx, "projects", "")
}

// Series lists the series of a project, those of other distributions with
// both levels: "vivid", "ubuntu-rtm/14.09". For a project in a subtree give
// "<subtree>/<project>".
func (c *Client) Series(ctx context.Context, project string) ([]string, error) {
	names, err := c.dirs(ctx, "series", project)
	if err != nil {
		return nil, err
	}
	var series []string
	for _, n := range names {
		if !strings.Contains(n, "-") { // names of series have no dash
			series = append(series, n)
			continue
		}
		below, err := c.dirs(ctx, "series", project+"/"+n)
		if err != nil {
			return nil, err
		}
		for _, b := range below {
			series = append(series, n+"/"+b)
		}
	}
	return series, nil
}

// Builds lists the builds of an image set that have logs, oldest first by date
// and number. An empty Type lists those of all types. There is no log of a run
// that never began, and gaps in the numbers are normal.
func (c *Client) Builds(ctx context.Context, set ImageSet) ([]Build, error) {
	entries, err := c.index(ctx, "builds of", set.Dir())
	if err != nil {
		return nil, err
	}
	var builds []Build
	for _, e := range entries {
		typ, id, ok := parseLogName(strings.TrimSuffix(e.Name, ".gz"))
		if !ok || e.Dir || set.Type != "" && typ != set.Type {
			continue
		}
		b := Build{set, id}
		b.Type = typ
		builds = append(builds, b)
	}
	slices.SortStableFunc(builds, func(x, y Build) int {
		if n := x.ID.Compare(y.ID); n != 0 {
			return n
		}
		return strings.Compare(x.Type, y.Type)
	})
	return builds, nil
}

// Latest returns the newest build of an image set that has a log, whatever
// became of it. ErrNotFound when there is none.
func (c *Client) Latest(ctx context.Context, set ImageSet) (Build, error) {
	builds, err := c.Builds(ctx, set)
	if err != nil {
		return Build{}, err
	}
	if len(builds) == 0 {
		return Build{}, &Error{Op: "latest build of", What: set.Dir() + " " + set.Type, Kind: ErrNotFound, Hint: "Builds of a set without a Type lists those of all types"}
	}
	return builds[len(builds)-1], nil
}

// Open begins to read the log of a build as plain text, also a compressed one.
// ErrNotFound when there is none; where the host compresses old logs, the
// compressed one is taken. Close it.
func (c *Client) Open(ctx context.Context, b Build) (io.ReadCloser, error) {
	f, err := c.open(ctx, b)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Evidence reads the log of a build, and from the mirror's answer when it last
// grew and what time it is there. What else is known can be added for [Diagnose].
func (c *Client) Evidence(ctx context.Context, b Build) (Evidence, error) {
	f, err := c.open(ctx, b)
	if err != nil {
		return Evidence{}, err
	}
	defer f.Close()
	log, err := c.Rules.ParseBuildLog(f)
	return Evidence{Build: b, Log: log, Now: f.now, Grown: f.modified}, err
}

// Diagnose reads the log of a build, and through livefs the logs of its failed
// live file systems, and gives the verdict. livefs may be nil: then a fault
// inside a live file system stays "unknown, needs the livefs log". A livefs
// log that cannot be read becomes a warning of the diagnosis.
func (c *Client) Diagnose(ctx context.Context, b Build, livefs LivefsLogs) (Diagnosis, error) {
	e, err := c.Evidence(ctx, b)
	if err != nil {
		return Diagnosis{}, err
	}
	e.Livefs = c.Rules.ReadLivefsLogs(ctx, e.Log, livefs)
	return Diagnose(e), nil
}

// A logFile is a log being read. The times are zero when the mirror does not say.
type logFile struct {
	io.Reader
	io.Closer
	modified, now time.Time // when the log last grew, and the mirror's clock
}

func (c *Client) open(ctx context.Context, b Build) (*logFile, error) {
	f, err := c.openPath(ctx, b.LogPath())
	if errors.Is(err, ErrNotFound) {
		if z, zerr := c.openPath(ctx, b.LogPath()+".gz"); zerr == nil {
			return z, nil
		}
	}
	return f, err
}

func (c *Client) openPath(ctx context.Context, path string) (*logFile, error) {
	resp, u, err := c.get(ctx, "open log", path)
	if err != nil {
		return nil, err
	}
	text, err := unpack(resp.Body)
	if err != nil {
		resp.Body.Close()
		return nil, &Error{Op: "open log", What: u, Kind: kindOf(err), Err: err}
	}
	f := &logFile{Reader: text, Closer: resp.Body}
	f.modified, _ = http.ParseTime(resp.Header.Get("Last-Modified"))
	f.now, _ = http.ParseTime(resp.Header.Get("Date"))
	return f, nil
}

func (c *Client) dirs(ctx context.Context, op, path string) ([]string, error) {
	entries, err := c.index(ctx, op, path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Dir {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (c *Client) index(ctx context.Context, op, path string) ([]indexEntry, error) {
	resp, u, err := c.get(ctx, op, path+"/")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	page, _, err := gunzip(resp.Body)
	if err != nil {
		return nil, &Error{Op: op, What: u, Kind: kindOf(err), Err: err}
	}
	entries, err := parseIndex(page)
	if err != nil {
		return nil, &Error{Op: op, What: u, Kind: ErrFormat, Err: err}
	}
	return entries, nil
}

func (c *Client) get(ctx context.Context, op, path string) (*http.Response, string, error) {
	base := c.BaseURL
	if base == "" {
		base = CurrentLogs
	}
	root, err := url.Parse(base)
	if err != nil || root.Host == "" {
		return nil, "", &Error{Op: op, What: "the log tree", Kind: ErrInvalid, Hint: "set BaseURL to the root of the log tree, such as " + CurrentLogs}
	}
	for _, part := range strings.Split(path, "/") {
		if part == ".." {
			return nil, path, &Error{Op: op, What: path, Kind: ErrInvalid}
		}
	}
	full := root.JoinPath(path)
	u := bare(full)
	resp, err := fetch(ctx, c.HTTP, full.String(), c.UserAgent, c.Logger)
	if err != nil {
		kind := fetchKind(err)
		if e := (*url.Error)(nil); errors.As(err, &e) {
			err = e.Err // the address stands in ours
		}
		return nil, u, &Error{Op: op, What: u, Kind: kind, Err: err}
	}
	return resp, u, nil
}

// A statusError is an answer other than 200.
type statusError struct{ code int }

func (e statusError) Error() string {
	return fmt.Sprintf("HTTP status %d %s", e.code, http.StatusText(e.code))
}

func fetchKind(err error) error {
	if s, ok := err.(statusError); ok && (s.code == http.StatusNotFound || s.code == http.StatusGone) {
		return ErrNotFound
	}
	return ErrServer
}

// bare is an address without what may be secret in it: user, password and query.
func bare(u *url.URL) string {
	v := *u
	v.User, v.RawQuery, v.Fragment = nil, "", ""
	return v.String()
}

// fetch gets one address. Compression is left to us: a server may say gzip of
// what is plain, and send gzip that it says nothing of.
func fetch(ctx context.Context, h *http.Client, u, agent string, log *slog.Logger) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	if agent != "" {
		req.Header.Set("User-Agent", agent)
	}
	if h == nil {
		h = http.DefaultClient
	}
	resp, err := h.Do(req)
	if err != nil {
		return nil, err
	}
	if log != nil {
		log.DebugContext(ctx, "get", "url", bare(req.URL), "status", resp.StatusCode)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, statusError{resp.StatusCode}
	}
	return resp, nil
}
