package runbook

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"
)

// FileJournal is a journal in one file: JSON lines that one can read with less.
// Beside it stands, while a run is under way, a file with ".lock" behind its
// name that says who runs it.
type FileJournal struct {
	path string

	locked bool
	file   *os.File // while locked, once there is one
	size   int64    // of what is stored well
	torn   bool     // there is more in the file, to be cut before the next line
	broken error
}

// OpenFile returns the journal in path. Nothing is created or locked before it
// is executed; the folder must exist.
func OpenFile(path string) (*FileJournal, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, journalError(err, "cannot be opened")
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real // one journal has one lock, by whatever name it is called
	}
	switch info, err := os.Stat(abs); {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(abs)); err != nil {
			return nil, &Error{Kind: ErrJournal, Text: "its folder is missing", Err: err, Hint: "make the folder first"}
		}
	case err != nil:
		return nil, journalError(err, "cannot be opened")
	case !info.Mode().IsRegular():
		return nil, &Error{Kind: ErrJournal, Text: path + " is not a file", Hint: "name the journal's file"}
	}
	return &FileJournal{path: abs}, nil
}

// Path is where the journal is.
func (j *FileJournal) Path() string { return j.path }

// Lines implements Journal.
func (j *FileJournal) Lines(context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		f, err := os.Open(j.path)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		readLines(f, yield)
	}
}

// readLines yields the lines of r that have an end, and an error at one that
// is too long to be a record. A text without any line end is a torn first record
// or somebody's file, which must not be taken for an empty journal.
func readLines(r io.Reader, yield func([]byte, error) bool) {
	in := bufio.NewReaderSize(r, 64<<10)
	var long []byte
	for n := 1; ; {
		part, err := in.ReadSlice('\n')
		switch {
		case err == nil:
			line := part[:len(part)-1]
			if long != nil {
				line = append(long, line...)
				long = nil
			}
			if !yield(line, nil) {
				return
			}
			n++
		case errors.Is(err, bufio.ErrBufferFull):
			if long = append(long, part...); len(long) > maxLine {
				yield(nil, &Error{Kind: ErrJournal, Line: n, Text: fmt.Sprintf("line longer than %d bytes", maxLine), Hint: "this is no journal"})
				return
			}
		case errors.Is(err, io.EOF):
			if long = append(long, part...); n == 1 && !maybeTorn(long) {
				yield(nil, &Error{Kind: ErrJournal, Line: 1, Text: "not a journal line", Hint: "name another file: this is no journal, and is left as it is"})
			}
			return // what is left was being written when the writer died
		default:
			yield(nil, err)
			return
		}
	}
}

// firstText is what every first record begins with, whatever it says.
const firstText = `{"format":`

// maybeTorn reports whether text can be what is left of a first record.
func maybeTorn(text []byte) bool {
	n := min(len(text), len(firstText))
	return string(text[:n]) == firstText[:n]
}

// lockText is what stands in the lock file.
type lockText struct {
	Owner string    `json:"owner"`
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

func (t lockText) String() string {
	return fmt.Sprintf("%s, process %d on %s, since %s", t.Owner, t.PID, t.Host, t.Since.Format(time.RFC3339))
}

// Lock implements Journal. The lock ends with the process that has it, however
// that ends. A lock of another host cannot be checked from here and is never
// taken over.
func (j *FileJournal) Lock(_ context.Context, owner string) (unlock func() error, err error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	path := j.path + ".lock"
	lock, err := lockFile(path)
	if errors.Is(err, errInUse) {
		return nil, inUse(path, host)
	}
	if err != nil {
		return nil, err
	}
	if old, ok := readLock(path); ok && old.Host != host {
		lock.abandon()
		return nil, inUse(path, host)
	}
	text, err := json.Marshal(lockText{Owner: owner, PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		err = lock.write(append(text, '\n'))
	}
	if err == nil {
		err = j.open()
	}
	if err != nil {
		lock.remove()
		return nil, err
	}
	return func() error {
		return errors.Join(j.close(), lock.remove())
	}, nil
}

// Running says who runs this journal now; "" is nobody. A lock of another host
// counts, as it cannot be checked from here.
func (j *FileJournal) Running() string {
	host, err := os.Hostname()
	lock := j.path + ".lock"
	t, ok := readLock(lock)
	if ok && (err != nil || t.Host != host || lockHeld(lock, t)) {
		return t.String()
	}
	return ""
}

func readLock(path string) (lockText, bool) {
	var t lockText
	f, err := os.Open(path)
	if err != nil {
		return t, false
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil || json.Unmarshal(text, &t) != nil {
		return t, false
	}
	return t, t.Host != ""
}

func inUse(path, host string) error {
	t, ok := readLock(path)
	e := &Error{Kind: ErrLocked, Text: "by a process that has not said yet who it is", Hint: "try again in a moment"}
	if !ok {
		return e
	}
	e.Text = "by " + t.String()
	e.Hint = "wait for it, or ask its owner to end it"
	if t.Host != host {
		e.Hint = fmt.Sprintf("if `ssh %s ps -p %d` shows that it is gone, remove %s and start again", t.Host, t.PID, path)
	}
	return e
}

// open opens the file for appending, if there is one. A torn last line is cut
// by the first append: by then the engine has read the lines before it, and has
// refused what is no journal.
func (j *FileJournal) open() (err error) {
	j.locked, j.file, j.size, j.torn, j.broken = true, nil, 0, false, nil
	f, err := os.OpenFile(j.path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	end, err := lastEnd(f, size)
	if err != nil {
		return err
	}
	j.file, j.size, j.torn = f, end, end < size
	return nil
}

// create makes the file for the first line. Its name must survive too. It is its
// owner's alone: a journal may tell of a fix that is not public yet.
func (j *FileJournal) create() (err error) {
	j.file, err = os.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(j.path))
}

// lastEnd finds where the last whole line of a file ends.
func lastEnd(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for size > 0 {
		n := min(size, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], size-n); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return size - n + int64(i) + 1, nil
		}
		size -= n
	}
	return 0, nil
}

func (j *FileJournal) close() error {
	j.locked = false
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	return err
}

// Append implements Journal.
func (j *FileJournal) Append(_ context.Context, line []byte) error {
	if !j.locked {
		return errors.New("the journal is not locked")
	}
	if j.broken == nil {
		j.broken = j.append(line)
	}
	return j.broken
}

func (j *FileJournal) append(line []byte) error {
	if j.file == nil {
		if err := j.create(); err != nil {
			return err
		}
	}
	if j.torn {
		if err := errors.Join(j.file.Truncate(j.size), j.file.Sync()); err != nil {
			return err
		}
		j.torn = false
	}
	mine, err := j.file.Stat()
	if err != nil {
		return err
	}
	there, err := os.Stat(j.path)
	if err != nil {
		return err
	}
	if !os.SameFile(mine, there) || there.Size() != j.size {
		return fmt.Errorf("%s was changed by somebody else while it was in use", j.path)
	}
	buf := append(make([]byte, 0, len(line)+1), line...)
	buf = append(buf, '\n')
	if _, err := j.file.WriteAt(buf, j.size); err != nil {
		// A full disk may have taken a part. Cut it, so that nobody reads it;
		// failing that, the missing line end marks it as torn.
		return errors.Join(err, j.file.Truncate(j.size))
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	j.size += int64(len(buf))
	return nil
}
