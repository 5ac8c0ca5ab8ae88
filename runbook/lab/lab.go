// Package lab joins the fakes into one world to practise on: a system-image
// server with its published tree over HTTP and its programs on a host, and an
// image builder with its logs over HTTP and a Launchpad that has those of live
// file systems.
//
// There are two ways to make one. [New] gives a test a lab in this process: the
// programs of the server are function calls, and so are requests to its tree, so that a
// procedure can be run hundreds of times, and in the virtual time of
// [testing/synctest]. [Open] gives a program a lab in a folder with the layout of
// a real server (etc/config, www/, state/, crontab, bin/), reached over SSH on
// the loopback interface: its programs are processes of their own, so that they
// go on when the program that asked for them is killed, and the folder is there
// to be looked at afterwards and to be opened again.
//
// A program that opens labs calls [Program] first thing in main: the server's
// programs in bin/ are links to the program itself.
//
//	situation                                     error
//	the folder holds something that is no lab     Open says so and touches nothing
//	another process is making a lab there         Open names it
//	the programs of the folder cannot be made     Open names the file
package lab

import (
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote/remotetest"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A Lab is one world of fakes. The clients that it hands out are the real ones.
type Lab struct {
	// Images is the image server's fake, with its knobs.
	Images *systemimagetest.Server
	// SSH is the server of the host's commands, of a lab made by Open; nil in one
	// made by New, where commands are called directly.
	SSH *remotetest.Server

	http    *http.Server // of a lab made by Open
	url     string
	runner  command.Runner
	builder command.Runner // nil where commands are called directly
	closes  []func() error

	mu     sync.Mutex
	lp     *launchpadtest.Server // made when first asked for
	builds *builds               // likewise
}

// New makes a lab in this process, with [systemimagetest.SampleWorld], and closes
// it at the end of the test.
func New(tb testing.TB) *Lab {
	tb.Helper()
	return NewWorld(tb, systemimagetest.SampleWorld())
}

// NewWorld is [New] with a world of the caller's.
func NewWorld(tb testing.TB, w systemimagetest.World) *Lab {
	tb.Helper()
	l, err := InProcess(systemimagetest.TempDir(tb), w)
	return l.until(tb, err)
}

// Clone makes another lab in this process, with a copy of what the image server
// and the Launchpad of this one hold, and closes it at the end of the test. For tests that need the
// same world a hundred times it is cheaper than [New].
func (l *Lab) Clone(tb testing.TB) *Lab {
	tb.Helper()
	s, err := l.Images.Clone(systemimagetest.TempDir(tb))
	if err != nil {
		tb.Fatal(err)
	}
	c := &Lab{Images: s, runner: inProcess{s, new(sync.Map)}}
	return c.until(tb, l.cloneLaunchpad(c))
}

// until closes the lab at the end of the test.
func (l *Lab) until(tb testing.TB, err error) *Lab {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
	})
	return l
}

// InProcess makes a lab in an empty or new folder whose server's programs are
// function calls in this process: what [New] gives a test.
func InProcess(dir string, w systemimagetest.World) (*Lab, error) {
	s, err := systemimagetest.Create(dir, w)
	if err != nil {
		return nil, err
	}
	return &Lab{Images: s, runner: inProcess{s, new(sync.Map)}}, nil
}

// Open makes a lab in a folder, or opens the one that is there. What a new one
// holds is said by w. Close stops its servers and leaves the folder.
func Open(dir string, w systemimagetest.World) (*Lab, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s, err := openServer(dir, w)
	if err != nil {
		return nil, err
	}
	l := &Lab{Images: s}
	if err := l.publish(); err != nil {
		return nil, err
	}
	if err := l.host(dir); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// publish serves the published tree on the loopback interface.
func (l *Lab) publish() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l.url = "http://" + ln.Addr().String()
	l.http = &http.Server{Handler: l.Images.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = l.http.Serve(ln) }() // ends with Close
	l.closes = append(l.closes, l.http.Close)
	return nil
}

// Close stops the lab's servers.
func (l *Lab) Close() error {
	var errs []error
	for i := len(l.closes) - 1; i >= 0; i-- {
		errs = append(errs, l.closes[i]())
	}
	l.closes = nil
	return errors.Join(errs...)
}
