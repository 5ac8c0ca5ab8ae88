package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook/command"
)

// FailedBuild is what the image builder of a lab built last: one architecture
// could not be downloaded, and publishing again would mend it. The same project
// without "-custom" has a build of which a live file system failed.
var FailedBuild = cdimage.ImageSet{Project: "ubuntu-touch-custom", Series: "vivid", Type: "daily-preinstalled"}

// builds is the image builder's side of a lab.
type builds struct {
	root   string // stands for builder.HostRoot
	url    string
	http   *http.Server
	runner command.Runner
}

// Builds starts builds on the lab's image host. The host begins with some
// history: see [FailedBuild]; what comes next is said by cdimagetest.SetKnobs
// with [Lab.BuildRoot].
func (l *Lab) Builds() (*builder.Builder, error) {
	b, err := l.imageBuilder()
	if err != nil {
		return nil, err
	}
	return &builder.Builder{Runner: b.runner, Root: b.root, Poll: 200 * time.Millisecond}, nil
}

// BuildLogs reads the logs of the lab's builds, as the public mirror shows them.
func (l *Lab) BuildLogs() (*cdimage.Client, error) {
	b, err := l.imageBuilder()
	if err != nil {
		return nil, err
	}
	return &cdimage.Client{BaseURL: b.url + logTree}, nil
}

// LivefsLogs reads the livefs logs of the lab's builds from the lab's Launchpad.
func (l *Lab) LivefsLogs() (cdimage.LivefsLogs, error) {
	b, err := l.imageBuilder()
	if err != nil {
		return nil, err
	}
	return &launchpad.Client{BaseURL: b.url + launchpadTree}, nil
}

// BuildRoot is the folder of the lab's image host.
func (l *Lab) BuildRoot() (string, error) {
	b, err := l.imageBuilder()
	if err != nil {
		return "", err
	}
	return b.root, nil
}

const (
	logTree       = "/cd-build-logs/"
	launchpadTree = "/devel/"
)

// imageBuilder makes or opens the image host when it is asked for first: most
// labs are made for the image server alone.
func (l *Lab) imageBuilder() (*builds, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.builds != nil {
		return l.builds, nil
	}
	b, err := l.makeBuilds()
	if err == nil {
		l.builds = b
	}
	return b, err
}

func (l *Lab) makeBuilds() (*builds, error) {
	b := &builds{root: filepath.Join(l.Images.Root(), "builder")}
	if _, err := os.Stat(b.root); errors.Is(err, os.ErrNotExist) {
		// Made beside its place, so that it is there whole or not at all.
		making := b.root + ".making"
		if err := os.RemoveAll(making); err != nil {
			return nil, err
		}
		if err := history(making, time.Now().UTC()); err != nil {
			return nil, fmt.Errorf("cannot make the image host of the lab: %w", err)
		}
		if err := os.Rename(making, b.root); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	b.runner = l.builder
	if b.runner == nil {
		b.runner = &programs{root: b.root}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.url = "http://" + ln.Addr().String()
	mux := http.NewServeMux()
	mux.Handle(logTree, &cdimagetest.LogTree{Dir: filepath.Join(b.root, "log"), Prefix: strings.TrimSuffix(logTree, "/"),
		Now: func() time.Time { return clock(b.root) }})
	mux.Handle(launchpadTree, &cdimagetest.Launchpad{Root: b.root})
	mux.Handle("/", &cdimagetest.Launchpad{Root: b.root}) // the web pages, with the logs
	b.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = b.http.Serve(ln) }() // ends with Close
	l.closes = append(l.closes, b.http.Close)
	return b, nil
}

// clock is that of the image host.
func clock(root string) time.Time {
	if k, err := cdimagetest.GetKnobs(root); err == nil && !k.Now.IsZero() {
		return k.Now
	}
	return time.Now()
}

// programs runs the image host's commands as calls in this process. A job runs as
// long as its call.
type programs struct {
	root string

	mu   sync.Mutex
	kept map[string]command.Output
}

// Run implements command.Runner.
func (p *programs) Run(ctx context.Context, c command.Command) (command.Output, error) {
	if c.Attach || c.Begun {
		p.mu.Lock()
		out, ok := p.kept[c.Job]
		p.mu.Unlock()
		switch {
		case ok:
			return out, nil
		case c.Attach:
			return command.Output{}, command.ErrNoJob
		}
	}
	var stdout, stderr bytes.Buffer
	exit := cdimagetest.Program(ctx, p.root, c.Argv, nil, bytes.NewReader(c.Stdin), &stdout, &stderr)
	out := command.Output{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Exit: exit}
	if c.Keep && ctx.Err() == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.kept == nil {
			p.kept = map[string]command.Output{}
		}
		p.kept[c.Job] = out
	}
	return out, ctx.Err()
}

// Reap removes a kept job.
func (p *programs) Reap(_ context.Context, name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.kept, name)
	return nil
}

// history lets a new image host build for two days: all was well yesterday, and
// today, an hour ago if the day is that old, one architecture of each image set
// failed.
func history(root string, now time.Time) error {
	midnight := now.Truncate(24 * time.Hour)
	today := now.Add(-time.Hour)
	if today.Before(midnight) {
		today = midnight
	}
	plain := FailedBuild
	plain.Project = strings.TrimSuffix(plain.Project, "-custom")
	for _, run := range []struct {
		set   cdimage.ImageSet
		knobs cdimagetest.Knobs
	}{
		{plain, cdimagetest.Knobs{Now: today.AddDate(0, 0, -1)}},
		{FailedBuild, cdimagetest.Knobs{Now: today.AddDate(0, 0, -1)}},
		{plain, cdimagetest.Knobs{Now: today, States: map[string]string{"i386": "Failed to build"}}},
		{FailedBuild, cdimagetest.Knobs{Now: today, Downloads: map[string]string{"i386": "404"}}},
	} {
		run.knobs.Today = true
		if err := cdimagetest.SetKnobs(root, run.knobs); err != nil {
			return err
		}
		argv, err := builder.Request{ImageSet: run.set}.Argv()
		if err != nil {
			return err
		}
		var stderr bytes.Buffer
		if exit := cdimagetest.Program(context.Background(), root, argv, nil, &bytes.Buffer{}, &bytes.Buffer{}, &stderr); exit != 0 {
			return fmt.Errorf("%s: exit status %d: %s", run.set.Project, exit, &stderr)
		}
	}
	return cdimagetest.SetKnobs(root, cdimagetest.Knobs{Today: true})
}
