package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// openServer makes or opens the image server's folder. A folder that holds
// something else is left alone.
func openServer(dir string, w systemimagetest.World) (*systemimagetest.Server, error) {
	making := dir + makingSuffix
	killed, err := makerKilled(making)
	if err != nil {
		return nil, err
	}
	if killed {
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
		if err := os.Remove(making); err != nil {
			return nil, err
		}
	} else if config, err := os.ReadFile(filepath.Join(dir, "etc", "config")); err == nil {
		s, err := systemimagetest.Open(dir)
		if err != nil {
			return nil, err
		}
		return s, stays(s.Root(), config)
	}
	left, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot make a lab: %w", err)
	}
	if len(left) > 0 {
		return nil, fmt.Errorf("%s is not empty and holds no lab: name an empty or a new folder", dir)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("cannot make a lab: %w", err)
	}
	if err := mark(making); errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("another process is making the lab %s: try again in a moment", dir)
	} else if err != nil {
		return nil, fmt.Errorf("cannot make a lab: %w", err)
	}
	s, err := systemimagetest.Create(dir, w)
	if err != nil {
		return nil, err
	}
	return s, os.Remove(making)
}

// stays makes sure that a lab is where it was made: the programs of a copy would
// work on the original.
func stays(root string, config []byte) error {
	c, err := channelconfig.Parse(config)
	if err != nil {
		return nil // broken on purpose: the server's programs say so themselves
	}
	made, ok := c.Get("global", "base_path")
	if !ok || made.List != nil || made.Text == root {
		return nil
	}
	return fmt.Errorf("the lab in %s was made in %s, and its programs work there: it cannot be moved or copied; make a new one", root, made.Text)
}

// While a lab is being made, a file beside its folder says so, and by which
// process: one whose maker was killed is made again from the start.
const (
	makingSuffix = ".making"
	makingText   = "a lab is being made in the folder of this name by process %d\n"
)

// mark makes the file, whole or not at all, unless it is there.
func mark(making string) error {
	f, err := os.CreateTemp(filepath.Dir(making), filepath.Base(making)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintf(f, makingText, os.Getpid())
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), making)
}

// makerKilled reports whether the file is there and its process is not; one with
// our own number had it before us. A file
// that says something else was not made here: nothing is removed for its sake.
func makerKilled(making string) (bool, error) {
	text, err := os.ReadFile(making)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var pid int
	if _, err := fmt.Sscanf(string(text), makingText, &pid); err != nil || pid < 1 {
		return false, fmt.Errorf("%s is in the way: it does not look like the mark of a lab that is being made", making)
	}
	if p, err := os.FindProcess(pid); err == nil && pid != os.Getpid() && !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone) {
		return false, fmt.Errorf("process %d is making a lab in this folder: try again in a moment; if there is no such program, remove %s", pid, making)
	}
	return true, nil
}
