package systemimagetest

import (
	"io"
	"io/fs"
	"os"
	"syscall"
)

// openFile is os.OpenFile for a regular file. The flag spares the calls by which package
// os finds out whether such a file can be waited for: half of what a small file costs.
func openFile(path string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(path, flag|syscall.O_NONBLOCK, mode)
}

// readFile is [os.ReadFile].
func readFile(path string) ([]byte, error) {
	f, err := openFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data := make([]byte, st.Size()+1)
	n, err := io.ReadFull(f, data)
	switch err {
	case io.EOF, io.ErrUnexpectedEOF:
		return data[:n], nil
	case nil: // it has grown meanwhile
		rest, err := io.ReadAll(f)
		return append(data, rest...), err
	}
	return nil, err
}

// createFile is [os.WriteFile].
func createFile(path string, data []byte, mode fs.FileMode) error {
	f, err := openFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
