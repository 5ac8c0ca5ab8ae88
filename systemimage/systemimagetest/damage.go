package systemimagetest

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A Damage is a broken state that the server's files can be found in.
type Damage string

// What can be broken in a published tree.
const (
	StaleNew       Damage = "stale .new"      // a killed commit's .new and .new.asc lie beside the file: no commit gets through
	NoSignature    Damage = "no signature"    // the .asc is gone
	EmptySignature Damage = "empty signature" // the .asc is there and empty
	Truncated      Damage = "truncated"       // the file is cut in its middle, its signature is the old one
	Missing        Damage = "missing"         // the file is gone, its signature is there
)

// Break damages a published file, named by its path below www, such as
// "ubuntu-touch/stable/bq-aquaris.en/krillin/index.json".
func (s *Server) Break(d Damage, path string) error {
	if !filepath.IsLocal(path) {
		return fmt.Errorf("systemimagetest: break: %q is no path below www", path)
	}
	file := filepath.Join(s.root, "www", path)
	data, err := readFile(file)
	if err != nil {
		return fmt.Errorf("systemimagetest: break: %w", err)
	}
	switch d {
	case StaleNew:
		if err := replaceFile(file+".new", data); err != nil {
			return err
		}
		return copyFile(file+".asc", file+".new.asc")
	case NoSignature:
		return os.Remove(file + ".asc")
	case EmptySignature:
		return replaceFile(file+".asc", nil)
	case Truncated:
		return replaceFile(file, data[:len(data)/2])
	case Missing:
		return os.Remove(file)
	}
	return fmt.Errorf("systemimagetest: break: unknown damage %q", d)
}

// replaceFile writes a new file in place of an old one.
func replaceFile(path string, data []byte) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return writeFile(path, data)
}

const awayExt = ".away"

// ExpireKey puts an expired key in the place of one of the server's keys,
// such as "image-signing". Signing then fails and leaves an empty signature.
func (s *Server) ExpireKey(name string) error {
	old, err := newKey(name, timeOrNow(s.Now)().AddDate(-3, 0, 0), 365*24*time.Hour)
	if err != nil {
		return err
	}
	if err := s.RemoveKey(name); err != nil {
		return err
	}
	return old.save(filepath.Join(s.root, keysDir, name))
}

// RemoveKey takes one of the server's keys away. Signing then fails, and what
// was to be signed stays without a signature.
func (s *Server) RemoveKey(name string) error {
	dir := filepath.Join(s.root, keysDir, name)
	return os.Rename(dir, dir+awayExt)
}

// RestoreKey takes back [Server.ExpireKey] or [Server.RemoveKey].
func (s *Server) RestoreKey(name string) error {
	dir := filepath.Join(s.root, keysDir, name)
	if _, err := os.Stat(dir + awayExt); err != nil {
		return fmt.Errorf("systemimagetest: the key is in its place: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(dir+awayExt, dir)
}
