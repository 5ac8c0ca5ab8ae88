package procedure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/importlog"
)

// A sourceAnswer is what an address of a source answered. Nothing of it is
// secret: see [importlog.Redact].
type sourceAnswer struct {
	Channel string `json:"channel,omitempty"`
	Device  string `json:"device,omitempty"` // empty: each of the channel's
	Name    string `json:"name,omitempty"`   // its key in the version detail
	URL     string `json:"url"`
	Monitor bool   `json:"monitor,omitempty"`
	Failed  bool   `json:"failed,omitempty"` // the log complains about it
	Status  string `json:"status,omitempty"`
	Error   string `json:"error,omitempty"`
	Version string `json:"version,omitempty"` // what a monitor says
	Page    bool   `json:"page,omitempty"`    // it is HTML
}

// Bounds of asking: addresses, the time for each, and what is read of a monitor.
const (
	maxSources    = 24
	sourceTimeout = 10 * time.Second
	maxMonitor    = 4 << 10
)

// askSources asks the addresses that the log complains about, and those of the
// channel that was asked about: nobody else's, and each once.
func (i *InvestigateImport) askSources(ctx context.Context, log importlog.Report) ([]sourceAnswer, error) {
	if i.HTTP == nil {
		return nil, nil
	}
	failed := map[string]bool{}
	var quoted []string
	for _, f := range log.Findings {
		for _, u := range f.FailedURLs() {
			failed[u] = true
			quoted = append(quoted, u)
		}
	}
	all, addresses := i.sources(ctx)
	for n := range all {
		all[n].Failed = failed[all[n].URL]
	}
	for _, u := range quoted {
		known := slices.ContainsFunc(all, func(a sourceAnswer) bool { return a.URL == u })
		if !known && importlog.Redact(u) == u && !strings.Contains(u, "...") {
			all, addresses = append(all, sourceAnswer{URL: u, Failed: true}), append(addresses, u)
		}
	}
	var asked []sourceAnswer
	for n, a := range all {
		// Without a channel only what failed is worth asking.
		if len(asked) == maxSources || i.Input.Channel == "" && !a.Failed {
			continue
		}
		if slices.ContainsFunc(asked, func(o sourceAnswer) bool { return o.URL == a.URL && o.Device == a.Device && o.Channel == a.Channel }) {
			continue
		}
		i.ask(ctx, addresses[n], &a)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		asked = append(asked, a)
	}
	return asked, nil
}

// sources are the addresses that the channels are made of, with what may be
// secret in a list of its own.
func (i *InvestigateImport) sources(ctx context.Context) (all []sourceAnswer, addresses []string) {
	file := &channelconfig.HostFile{Runner: i.Server.Runner, Path: path.Join(i.Server.Root, "etc/config")}
	c, err := file.Read(ctx)
	if err != nil {
		return nil, nil
	}
	settings, err := c.Settings(i.Server.Root)
	if err != nil {
		return nil, nil
	}
	for _, ch := range settings.Channels {
		if !ch.Auto() || i.Input.Channel != "" && ch.Name != i.Input.Channel {
			continue
		}
		entries := ch.Files
		if i.Input.Device != "" {
			entries = ch.FilesFor(i.Input.Device)
		}
		for _, e := range entries {
			src, err := e.Source()
			if err != nil || src.URL == "" {
				continue
			}
			a := sourceAnswer{Channel: ch.Name, Device: e.Device, Name: src.Name, URL: importlog.Redact(src.URL)}
			all, addresses = append(all, a), append(addresses, src.URL)
			if src.Monitor != "" {
				a.URL, a.Monitor = importlog.Redact(src.Monitor), true
				all, addresses = append(all, a), append(addresses, src.Monitor)
			}
		}
	}
	return all, addresses
}

// ask asks with HEAD, and then for the first bytes: a page in the place of a file
// has a good status. A monitor is asked for its text.
func (i *InvestigateImport) ask(ctx context.Context, address string, a *sourceAnswer) {
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	if !a.Monitor {
		if _, status, err := i.get(ctx, http.MethodHead, address, 0); err == nil && status == http.StatusNotFound {
			a.Status = fmt.Sprint(status, " ", http.StatusText(status))
			return
		}
	}
	n := int64(512)
	if a.Monitor {
		n = maxMonitor
	}
	body, status, err := i.get(ctx, http.MethodGet, address, n)
	if err != nil {
		a.Error = importlog.Redact(err.Error())
		return
	}
	a.Status = fmt.Sprint(status, " ", http.StatusText(status))
	if status/100 != 2 {
		return
	}
	a.Page = strings.HasPrefix(http.DetectContentType(body), "text/html")
	if text := strings.TrimSpace(string(body)); a.Monitor && !a.Page {
		a.Version = strings.ToValidUTF8(text, "\uFFFD")
	}
}

// get asks for the first bytes of an address.
func (i *InvestigateImport) get(ctx context.Context, method, address string, n int64) ([]byte, int, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, 0, errors.New("it is no address")
	}
	if method == http.MethodGet {
		req.Header.Set("Range", fmt.Sprintf("bytes=0-%d", n-1))
	}
	resp, err := i.HTTP.Do(req)
	if err != nil {
		var e *url.Error // repeats the address, with what may be secret in it
		if errors.As(err, &e) {
			err = e.Err
		}
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, n))
	if err != nil && len(body) == 0 {
		return nil, 0, err
	}
	return bytes.Clone(body), resp.StatusCode, nil
}

// says is the answer in words.
func (a sourceAnswer) says() string {
	switch {
	case a.Error != "":
		return "no answer: " + a.Error
	case a.Page:
		return "a page in the place of a file"
	case a.Version != "":
		return "it answers " + oneLine(a.Version)
	case strings.HasPrefix(a.Status, "2"):
		return "it answers"
	}
	return a.Status
}

// place is what the source is of, where that is known.
func (a sourceAnswer) place() []importlog.Place {
	if a.Channel == "" {
		return nil
	}
	return []importlog.Place{{Channel: a.Channel, Device: a.Device}}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (a sourceAnswer) bad() bool { return a.Error != "" || a.Page || !strings.HasPrefix(a.Status, "2") }

// judgeSources adds what the sources answered to what the log has about them, and
// compares the versions of monitors with what is published.
func judgeSources(r *importlog.Report, answers []sourceAnswer, newest []published) {
	for _, a := range answers {
		what := "the payload"
		if a.Monitor {
			what = "the monitor"
		}
		r.Looked = append(r.Looked, fmt.Sprintf("%s %s, asked from here: %s", what, a.URL, a.says()))
		switch {
		case a.Failed && !a.bad():
			r.Notice("%s answers now: the next import may well succeed", a.URL)
		case a.Failed:
		case a.bad() && !explained(r, a):
			f := importlog.NewFinding(importlog.AboutSource, "source-bad", fmt.Sprintf("%s %s does not give what is needed (asked from here, which the server may not be): %s", what, a.URL, a.says()),
				"upload it, or correct the address in etc/config; the next import tries again", a.place()...)
			if ask, err := command.Quote([]string{"curl", "-sSIL", "--max-time", "20", a.URL}); err == nil {
				f.Commands = []string{ask}
			}
			r.Add(f)
		case a.Monitor && !a.bad() && strings.Contains(a.Version, "\n"):
			r.Add(importlog.NewFinding(importlog.AboutSource, "monitor-text", fmt.Sprintf("the monitor %s answers more than one line: %s", a.URL, oneLine(a.Version)),
				"it must answer with one line, the version", a.place()...))
		case a.Monitor:
			judgeMonitor(r, a, answers, newest)
		}
	}
}

// explained reports whether something is known that is wrong with the same source.
func explained(r *importlog.Report, a sourceAnswer) bool {
	return slices.ContainsFunc(r.Findings, func(f importlog.Finding) bool {
		return f.About == importlog.AboutSource && strings.Contains(f.Problem, a.URL)
	})
}

// judgeMonitor compares what a monitor says with the published images.
func judgeMonitor(r *importlog.Report, a sourceAnswer, all []sourceAnswer, newest []published) {
	for _, p := range newest {
		if p.Channel != a.Channel || a.Device != "" && p.Device != a.Device || p.Error != "" || a.Version == "" {
			continue
		}
		own := func(o sourceAnswer) bool { return o.Channel == a.Channel && o.Name == a.Name && o.Device == p.Device }
		if a.Device == "" && slices.ContainsFunc(all, own) {
			continue // the device has an entry of its own
		}
		has, ok := systemimage.Image{VersionDetail: p.Detail}.Detail().Get(a.Name)
		if !ok || has == a.Version || publishedNow(r, p) {
			continue
		}
		r.Notice("%s for %s: the monitor says %s=%s, and image %d has %s=%s", p.Channel, p.Device, a.Name, oneLine(a.Version), p.Version, a.Name, has)
		if len(r.Findings) == 0 {
			r.Verdict = importlog.StillMissing
			r.Notice("the importer is due to take it: wait for its next run, or run it by hand with -run; it is not there after that: give the log to the owner of the importer")
		}
	}
}

// publishedNow reports whether the log has a newer image.
func publishedNow(r *importlog.Report, p published) bool {
	return slices.ContainsFunc(r.Outcomes, func(t importlog.Turn) bool {
		return t.Channel == p.Channel && t.Device == p.Device && t.Version > p.Version
	})
}
