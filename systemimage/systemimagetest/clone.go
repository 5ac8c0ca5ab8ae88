package systemimagetest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A treeFile is a file, a folder or a link of a server.
type treeFile struct {
	path string // below the server's folder
	mode fs.FileMode
	data []byte // of a link, where it leads
}

// Freeze keeps what the server holds now: clones made from now on hold that, whatever
// becomes of the folder. It is for the template of many clones, whose files are then
// read once.
func (s *Server) Freeze() error {
	tree, err := readTree(s.root)
	s.tree = tree
	return err
}

// Clone copies a server with everything it holds into a new folder. It is
// cheaper than a second Create, and the keys are the same.
func (s *Server) Clone(dir string) (*Server, error) {
	dir, err := emptyDir(dir)
	if err != nil {
		return nil, err
	}
	tree := s.tree
	if tree == nil {
		if tree, err = readTree(s.root); err != nil {
			return nil, err
		}
	}
	for _, f := range tree {
		if err := f.copyTo(dir, s.root); err != nil {
			return nil, err
		}
	}
	return &Server{root: dir, Now: s.Now, good: s.good, docs: s.docs.clone(), trust: s.trust}, nil
}

// readTree reads all that a server holds, folders before their files.
func readTree(root string) ([]treeFile, error) {
	var tree []treeFile
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		f := treeFile{path: strings.TrimPrefix(path, root), mode: info.Mode()}
		switch {
		case e.IsDir():
		case e.Type()&fs.ModeSymlink != 0:
			var target string
			target, err = os.Readlink(path)
			f.data = []byte(target)
		default:
			f.data, err = readFile(path)
		}
		tree = append(tree, f)
		return err
	})
	return tree, err
}

// copyTo writes the file of the server in old for one in dir.
func (f treeFile) copyTo(dir, old string) error {
	to := dir + f.path
	switch {
	case f.path == "":
		return nil
	case f.mode.IsDir():
		return os.Mkdir(to, 0o755)
	case f.mode&fs.ModeSymlink != 0:
		return os.Symlink(string(f.data), to)
	}
	data := f.data
	switch filepath.ToSlash(f.path) {
	case "/etc/config":
		data = []byte(strings.ReplaceAll(string(data), old, dir))
	case "/crontab":
		data = []byte(strings.ReplaceAll(string(data), cronWord(old), cronWord(dir)))
	}
	return createFile(to, data, f.mode.Perm())
}

func copyFile(from, to string) error {
	data, err := readFile(from)
	if err != nil {
		return err
	}
	return writeFile(to, data)
}
