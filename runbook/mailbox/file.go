package mailbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// most bounds a file, in bytes: evidence can be long.
const most = 16 << 20

// readSmall reads a file that somebody may have written.
func readSmall(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is not a file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("%s is longer than %d bytes", path, most)
	}
	return text, info, err
}

// decode reads the one JSON value that a text is, without fields that v has not.
func decode(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("it holds more than one answer: leave the one that counts")
	}
	return nil
}

// write writes a file whole or not at all; place brings it to its path.
func (b *Box) write(path string, text []byte, place func(from, to string) error) error {
	dir, err := os.Stat(b.Dir)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(b.Dir, ".letter-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o600|dir.Mode()&0o060), f.Sync(), f.Close())
	if err == nil {
		err = place(f.Name(), path)
	}
	if e := os.Remove(f.Name()); e != nil && !errors.Is(e, fs.ErrNotExist) { // renamed, not linked
		err = errors.Join(err, e)
	}
	return errors.Join(err, syncDir(b.Dir))
}

// syncDir makes names survive the death of the machine, where folders can do that.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}
