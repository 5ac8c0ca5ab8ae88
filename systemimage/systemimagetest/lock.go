package systemimagetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errLocked says that the global lock is held.
var errLocked = errors.New("systemimagetest: something else holds the global lock")

// start reads the configuration and takes the global lock. A program that
// does not get it says so, and ends with status 0.
func (p *process) start(busy string) (release func(), err error) {
	if err := p.loadConfig(); err != nil {
		return nil, err
	}
	path := filepath.Join(p.conf.StatePath, "global.lock")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, raise("FileNotFoundError", "[Errno 2] No such file or directory: %s", repr(path))
	}
	if err := lockFile(f, filepath.Base(os.Args[0]) == p.name); err != nil {
		f.Close()
		if busy == "" {
			p.info("Something else holds the global lock. exiting.")
		} else {
			fmt.Fprint(p.out, busy)
		}
		return nil, exit(0)
	}
	release = func() {
		unlockFile(f)
		f.Close()
	}
	if err := p.openTree(); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// HoldLock takes the server's global lock, as an importer does while it
// works, and holds it until release is called. It is a record lock on
// state/global.lock, seen by every process of the machine. On Linux it also
// excludes programs run inside this process.
func (s *Server) HoldLock() (release func() error, err error) {
	f, err := os.OpenFile(filepath.Join(s.root, "state", "global.lock"), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f, false); err != nil {
		f.Close()
		return nil, err
	}
	return func() error {
		unlockFile(f)
		return f.Close()
	}, nil
}
