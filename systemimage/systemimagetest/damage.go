package systemimagetest

import (
	"os"
	"path/filepath"
	"time"
)

const awayExt = ".away"

// ExpireKey puts an expired key in the place of one of the server's keys,
// such as "image-signing". Signing then fails and leaves an empty signature.
func (s *Server) ExpireKey(name string) error {
	old, err := newKey(name, timeOrNow(s.Now)().AddDate(-3, 0, 0), 365*24*time.Hour)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.root, keysDir, name)
	if err := os.Rename(filepath.Join(dir, keyFile), filepath.Join(dir, keyFile+awayExt)); err != nil {
		return err
	}
	return old.save(dir)
}

// RestoreKey takes back [Server.ExpireKey].
func (s *Server) RestoreKey(name string) error {
	file := filepath.Join(s.root, keysDir, name, keyFile)
	return os.Rename(file+awayExt, file)
}
