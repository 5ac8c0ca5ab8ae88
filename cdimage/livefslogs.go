package cdimage

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// LivefsLogs opens the log of one livefs build. The address is that of the
// build in Launchpad, as a cd-build-log has it: the web page or, of a reused
// build, the API address. ErrNoLog when Launchpad has no log of it. What is
// read may be compressed.
type LivefsLogs interface {
	LivefsLog(ctx context.Context, address string) (io.ReadCloser, error)
}

// ReadLivefsLogs reads the logs of those live file systems of a run that
// failed and whose log says more than Launchpad's state. A log that cannot be
// read is in the map with the reason in Incomplete.
func ReadLivefsLogs(ctx context.Context, log *BuildLog, from LivefsLogs) map[string]*LivefsLog {
	logs := map[string]*LivefsLog{}
	if from == nil {
		return logs
	}
	for _, c := range log.Causes {
		a := log.arch(c.Scope)
		if a == nil || c.Needs != needsLivefsLog || a.Link == "" && a.Reused == "" {
			continue
		}
		address := a.Link
		if address == "" {
			address = a.Reused
		}
		r, err := from.LivefsLog(ctx, address)
		if err != nil {
			logs[a.Label] = &LivefsLog{Incomplete: err.Error(), Missing: errors.Is(err, ErrNoLog)}
			continue
		}
		logs[a.Label], _ = ParseLivefsLog(r) // an error is in Incomplete
		r.Close()
	}
	return logs
}

// LaunchpadLogs reads livefs logs of public builds from Launchpad without
// logging in. It implements [LivefsLogs]; the zero value is ready to use.
type LaunchpadLogs struct {
	API    string       // root of the API; empty: https://api.launchpad.net/devel/
	HTTP   *http.Client // nil: http.DefaultClient
	Logger *slog.Logger
}

const launchpadAPI = "https://api.launchpad.net/devel/"

var livefsPath = regexp.MustCompile(`^/(?:(?:devel|beta|1\.0)/)?(~[^/]+/\+livefs/[^/]+/[^/]+/[^/]+/\+build/\d+)/?$`)

// apiAddress turns the address of a livefs build, web page or API, into its
// API address below root (empty: Launchpad's own).
func apiAddress(address, root string) (string, error) {
	if root == "" {
		root = launchpadAPI
	}
	bad := &Error{Op: "find in Launchpad", What: address, Kind: ErrFormat, Hint: "a livefs build is https://launchpad.net/~owner/+livefs/distribution/series/name/+build/number"}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", bad
	}
	if !strings.HasPrefix(address, root) && u.Host != "launchpad.net" && u.Host != "api.launchpad.net" {
		return "", bad
	}
	path := u.Path
	if r, err := url.Parse(root); err == nil && strings.HasPrefix(address, root) {
		path = "/" + strings.TrimPrefix(strings.TrimPrefix(path, r.Path), "/")
	}
	m := livefsPath.FindStringSubmatch(path)
	if m == nil {
		return "", bad
	}
	return strings.TrimSuffix(root, "/") + "/" + m[1], nil
}

// LivefsLog asks Launchpad's API where the build's log is and opens it. Of a
// build that failed to upload the log of the upload is opened.
func (l *LaunchpadLogs) LivefsLog(ctx context.Context, address string) (io.ReadCloser, error) {
	api, err := apiAddress(address, l.API)
	if err != nil {
		return nil, err
	}
	resp, err := fetch(ctx, l.HTTP, api, "", l.Logger)
	if err != nil {
		return nil, &Error{Op: "look up livefs build", What: api, Kind: fetchKind(err), Err: err}
	}
	defer resp.Body.Close()
	body, _, err := gunzip(resp.Body)
	if err != nil {
		return nil, &Error{Op: "look up livefs build", What: api, Kind: ErrServer, Err: err}
	}
	var build struct {
		State  string  `json:"buildstate"`
		Log    *string `json:"build_log_url"`
		Upload *string `json:"upload_log_url"`
	}
	if err := json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&build); err != nil {
		return nil, &Error{Op: "look up livefs build", What: api, Kind: ErrServer, Err: err}
	}
	log := build.Log
	if build.State == "Failed to upload" && build.Upload != nil {
		log = build.Upload
	}
	if log == nil || *log == "" {
		return nil, &Error{Op: "open livefs log", What: api, Kind: ErrNoLog,
			Hint: "of a build that just ended it may take five minutes"}
	}
	resp, err = fetch(ctx, l.HTTP, *log, "", l.Logger)
	if err != nil {
		return nil, &Error{Op: "open livefs log", What: *log, Kind: fetchKind(err), Err: err}
	}
	return resp.Body, nil
}
