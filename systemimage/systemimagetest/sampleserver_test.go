package systemimagetest

import (
	"os"
	"path/filepath"
	gc "runtime/debug"
	"sync"
	"testing"
)

// sampleDir holds the template of the servers that sampleServer makes.
var sampleDir = sync.OnceValues(func() (string, error) {
	if dir, ok := inMemory(); ok {
		return dir, nil
	}
	return os.MkdirTemp("", "systemimagetest-")
})

var template = sync.OnceValues(func() (*Server, error) {
	dir, err := sampleDir()
	if err != nil {
		return nil, err
	}
	s, err := Create(filepath.Join(dir, "template"), SampleWorld())
	if err != nil {
		return nil, err
	}
	return s, s.Freeze()
})

// runTests runs all tests and removes the template.
func runTests(m *testing.M) int {
	gc.SetGCPercent(400) // worlds are small and many
	status := m.Run()
	if dir, err := sampleDir(); err == nil {
		os.RemoveAll(dir)
	}
	return status
}

// sampleServer is a server with the sample world, a clone of one that is made once.
func sampleServer(t *testing.T) *Server {
	t.Helper()
	s, err := template()
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.Clone(TempDir(t)); err != nil {
		t.Fatal(err)
	}
	return s
}
