package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage/cdimagetest"
	"github.com/landingteam/landing/runbook/remote"
	"github.com/landingteam/landing/runbook/remote/remotetest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// Program reports whether this process was started as one of a lab's server
// programs: then it runs that program and ends the process. Otherwise it returns
// false. Call it first thing in main, and in TestMain of tests that use [Open].
func Program() bool {
	switch name := filepath.Base(os.Args[0]); {
	case name == forProject:
		os.Exit(cdimagetest.Program(context.Background(), os.Getenv(buildRoot), os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	case slices.Contains(systemimagetest.Programs(), name):
		os.Exit(systemimagetest.Program(context.Background(), os.Getenv("SYSTEM_IMAGE_ROOT"), os.Args, os.Stdin, os.Stdout, os.Stderr))
	}
	return false
}

// The image builder's program that is found in the PATH, and the variable that
// names its folder.
const (
	forProject = "for-project"
	buildRoot  = "CDIMAGE_ROOT"
)

// host makes the folder a machine that is reached over SSH. Its server programs
// are this very executable, kept as a link or a copy: "go run" removes its own, and a
// job may outlive it.
func (l *Lab) host(dir string) error {
	exe := filepath.Join(dir, ".machine", "programs")
	if err := keepSelf(exe); err != nil {
		return fmt.Errorf("cannot make the programs of the lab: %w", err)
	}
	if err := l.Images.Install(exe, forProject); err != nil {
		return err
	}
	s := &remotetest.Server{
		Dir:  dir,
		Temp: filepath.Join(dir, ".machine"),
		Env: []string{
			"PATH=" + strings.Join([]string{filepath.Join(dir, ".machine"), filepath.Join(dir, "bin"), os.Getenv("PATH")}, string(os.PathListSeparator)),
			"LC_ALL=C",
			buildRoot + "=" + filepath.Join(dir, "builder"),
		},
	}
	if err := s.Start(); err != nil {
		return err
	}
	l.closes = append(l.closes, s.Close)
	h := s.Host()
	h.JobDir = filepath.Join(dir, "state", "jobs")
	l.closes = append(l.closes, h.Close)
	l.SSH = s
	l.runner, l.builder = h, h
	return nil
}

// Host is the machine of a lab made by [Open], which closes it; nil in one made by
// [New], where commands are called directly.
func (l *Lab) Host() *remote.Host {
	h, _ := l.runner.(*remote.Host)
	return h
}

// keepSelf puts this executable at path, whole or not at all: by another name for it
// where that can be had, which costs nothing.
func keepSelf(path string) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if same(self, path) || os.Link(self, path) == nil {
		return nil
	}
	src, err := os.Open(self)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.CreateTemp(filepath.Dir(path), "programs-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(dst.Name())
		}
	}()
	_, err = io.Copy(dst, src)
	if err = errors.Join(err, dst.Chmod(0o755), dst.Close()); err != nil {
		return err
	}
	return os.Rename(dst.Name(), path)
}

// same reports whether path is a link to self, or a copy of it, already. A build gives each
// executable another time or size, which is all that is looked at.
func same(self, path string) bool {
	a, err := os.Stat(self)
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && a.Size() == b.Size() && !b.ModTime().Before(a.ModTime())
}

// Client reads the published tree and verifies it against the root keyring of the
// lab's server, as a device does that was shipped with it.
func (l *Lab) Client() *systemimage.Client {
	c := l.Images.Client()
	if l.http != nil {
		c.BaseURL, c.HTTP = l.url, nil
	}
	return c
}

// Server operates the image server.
func (l *Lab) Server() *operate.Server {
	return &operate.Server{Runner: l.runner, Root: l.Images.Root(), Client: l.Client()}
}

// Importer pauses and resumes the importer in the lab's crontab.
func (l *Lab) Importer() *operate.Importer {
	return &operate.Importer{Runner: l.runner, Root: l.Images.Root()}
}
