package systemimagetest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/landingteam/landing/systemimage/keyring"
)

// A Server is a system-image server in a folder: etc/config, www, secret,
// state, and the operator's crontab. All its state lies in the folder, so that
// several processes can work with one server.
type Server struct {
	// Now is the clock of programs run by this value; nil is the real one.
	Now func() time.Time

	// Before is called before each of the server's own programs that Run runs
	// in this process, After when it has ended; nil is nothing. An error of
	// Before is what Run returns, and the program does not run.
	Before func(argv []string) error
	After  func(argv []string, exit int)

	root string
	web  webFaults
	good *sync.Map // signatures that Snapshot has found good, shared with clones
	docs *documents
	tree []treeFile // what clones get; nil is what the folder holds

	trust *keyring.Trust // of which those of clients, and of clones, are fresh ones
}

// Create lays out a new server in dir, which must be empty or not exist.
func Create(dir string, w World) (*Server, error) {
	dir, err := emptyDir(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{root: dir, Now: w.Now, good: &sync.Map{}, docs: newDocuments(), trust: &keyring.Trust{}}
	if err := s.lay(w); err != nil {
		return nil, err
	}
	return s, nil
}

func emptyDir(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("systemimagetest: %s is not empty", dir)
	}
	return realDir(dir)
}

// realDir is dir as the server's programs name it.
func realDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// Open returns the server in a folder made by [Create], perhaps by another process.
func Open(dir string) (*Server, error) {
	dir, err := realDir(dir)
	if err != nil {
		return nil, err
	}
	if st, err := os.Stat(filepath.Join(dir, "www")); err != nil || !st.IsDir() {
		return nil, fmt.Errorf("systemimagetest: %s holds no server: make one with Create", dir)
	}
	return &Server{root: dir, good: &sync.Map{}, docs: newDocuments(), trust: &keyring.Trust{}}, nil
}

// New makes a server for a test, in a folder that the test removes.
func New(tb testing.TB, w World) *Server {
	tb.Helper()
	s, err := Create(TempDir(tb), w)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// Root is the server's folder.
func (s *Server) Root() string { return s.root }
