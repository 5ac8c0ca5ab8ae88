package systemimagetest

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/landingteam/landing/systemimage/channelconfig"
)

// A process is one run of one of the server's programs.
type process struct {
	ctx      context.Context
	home     string // the server's folder: where the program stands
	root     string // SYSTEM_IMAGE_ROOT, may be empty
	dir      string // current directory
	name     string // base name of the program
	args     []string
	out      *bufio.Writer // like the real one's: path lines wait for the next record
	err      io.Writer
	level    level // records below it are not printed
	era      int   // 2016: the command line and verbosity of that time
	now      func() time.Time
	conf     *channelconfig.Settings
	fault    Faults
	commits  int                // commits begun in this run
	payloads int                // written in this run
	metadata int                // likewise, of a .json beside one
	sign     map[string]*signer // signing keys read so far, by name
	docs     *documents
	known    map[string]string // versions of URLs seen in this run
}

// An exception ends a program with a traceback and status 1.
type exception struct{ class, text string }

func (e *exception) Error() string {
	if e.text == "" {
		return e.class
	}
	return e.class + ": " + e.text
}

func raise(class, format string, args ...any) error {
	return &exception{class, fmt.Sprintf(format, args...)}
}

// An exit ends a program with a status and nothing printed.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// errKilled ends a program on the spot, as signal 9 does: no cleanup, no last words.
var errKilled = errors.New("killed")

type level int

const (
	debug level = iota + 1
	info
	warning
	failure
	silent
)

var levelNames = map[level]string{debug: "DEBUG", info: "INFO", warning: "WARNING", failure: "ERROR"}

// verbosity sets what is printed after n times -v.
func (p *process) verbosity(n int) {
	p.level = []level{silent, failure, warning, info, debug}[min(n, 4)]
}

// record prints one line of the program's log.
func (p *process) record(l level, format string, args ...any) {
	if l < p.level {
		return
	}
	t := p.now()
	fmt.Fprintf(p.out, "%s,%03d %s %s\n", t.Format("2006-01-02 15:04:05"), t.Nanosecond()/1e6, levelNames[l], fmt.Sprintf(format, args...))
	p.out.Flush()
}

// caught prints a record about an exception that the program survives, with its traceback.
func (p *process) caught(e error, class string) {
	p.record(failure, "%v\nTraceback (most recent call last):\n  File %q\n%s: %v", e, filepath.Join(p.home, "bin", p.name), class, e)
}

// complain prints a line on standard error, in order with what is on standard output.
func (p *process) complain(line string) {
	p.out.Flush()
	fmt.Fprintln(p.err, line)
}

func (p *process) debug(format string, args ...any) { p.record(debug, format, args...) }
func (p *process) info(format string, args ...any)  { p.record(info, format, args...) }

// finish prints what the interpreter prints at the end of a program that
// ended with err, and returns its exit status. A traceback names the program
// and the exception; the lines of the real program's source in between have
// no meaning to a client and are left out.
func (p *process) finish(err error) int {
	var x exit
	switch {
	case errors.Is(err, errKilled):
		return 137
	case err == nil:
	case errors.As(err, &x):
	default:
		var e *exception
		if !errors.As(err, &e) {
			e = &exception{"OSError", err.Error()}
		}
		p.out.Flush()
		fmt.Fprintf(p.err, "Traceback (most recent call last):\n  File %q, in <module>\n%s\n", filepath.Join(p.home, "bin", p.name), e.Error())
		x = 1
	}
	if err := p.out.Flush(); err != nil {
		fmt.Fprintf(p.err, "Exception ignored in: <_io.TextIOWrapper name='<stdout>' mode='w' encoding='utf-8'>\nBrokenPipeError: [Errno 32] Broken pipe\n")
		return 120
	}
	return int(x)
}

// realpath is path made absolute, with doubled slashes removed.
func (p *process) realpath(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.dir, path)
	}
	return filepath.Clean(path)
}

// process is a program of the server about to run.
func (s *Server) process(name string, stdout, stderr io.Writer) *process {
	return &process{
		ctx: context.Background(), home: s.root, root: s.root, dir: s.root, name: name, level: silent,
		out: bufio.NewWriterSize(stdout, 8192), err: stderr, now: timeOrNow(s.Now),
		sign: map[string]*signer{}, docs: cmp.Or(s.docs, newDocuments()), known: map[string]string{},
	}
}
