package systemimagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/landingteam/landing/runbook/command"
)

// Programs are the names of the server's own programs that the fake plays.
func Programs() []string {
	return []string{"cleanup-tree", "copy-image", "import-images", "re-sign-indexes", "set-phased-percentage", "tag-image"}
}

// Run runs a command on the server's machine. It makes a Server a
// [command.Runner].
//
// The server's own programs, given as ROOT/bin/NAME, bin/NAME or NAME and
// perhaps behind env with assignments, are played inside this process.
// Everything else is really executed, in the server's folder, with a home and a
// TMPDIR of its own and a PATH in which crontab keeps its table in ROOT/crontab. The name
// of a job is ignored.
func (s *Server) Run(ctx context.Context, c command.Command) (command.Output, error) {
	if len(c.Argv) == 0 {
		return command.Output{}, errors.New("systemimagetest: a command without a program")
	}
	if err := ctx.Err(); err != nil {
		return command.Output{}, err
	}
	if c.Attach { // a job ends with the call that has started it
		return command.Output{}, command.ErrNoJob
	}
	if p, ok := readPhasingMany(c.Argv); ok {
		return p.run(ctx, s, c)
	}
	if p, ok := readPhasing(c.Argv); ok {
		unlock, err := p.lock()
		if err != nil {
			return command.Output{}, err
		}
		defer unlock()
		if p.unless != "" && exists(p.unless) {
			return command.Output{Stderr: []byte("landing-phase: error: " + p.unless + " is there\n"), Exit: 2}, nil
		}
		if exists(filepath.Dir(p.index)) && missingOrEmpty(p.index) {
			return command.Output{Stderr: []byte("landing-phase: " + p.index + " is missing or empty\n"), Exit: 74}, nil
		}
		c.Argv = p.argv
	}
	env, argv := splitEnv(c.Argv)
	var stdout, stderr bytes.Buffer
	if len(argv) > 0 && s.plays(argv[0]) {
		if s.Before != nil {
			if err := s.Before(argv); err != nil {
				return command.Output{}, err
			}
		}
		p := s.process(filepath.Base(argv[0]), &stdout, &stderr)
		p.ctx, p.args = ctx, argv[1:]
		for _, e := range env {
			if root, ok := strings.CutPrefix(e, "SYSTEM_IMAGE_ROOT="); ok {
				p.root = root
			}
		}
		status := p.main()
		if s.After != nil {
			s.After(argv, status)
		}
		return command.Output{Stdout: stdout.Bytes(), Stderr: stderr.Bytes(), Exit: status}, nil
	}
	return s.execute(ctx, c)
}

// A phasing is "sh -c SCRIPT landing-phase LOCK UNLESS INDEX PROGRAM ARG...", as which
// the operator's side keeps its own programs apart.
type phasing struct {
	file, unless, index string
	argv                []string
}

func readPhasing(argv []string) (p phasing, ok bool) {
	if len(argv) < 8 || argv[0] != "sh" || argv[3] != "landing-phase" {
		return p, false
	}
	return phasing{file: argv[4], unless: argv[5], index: argv[6], argv: argv[7:]}, true
}

func missingOrEmpty(path string) bool {
	st, err := os.Stat(path)
	return err != nil || st.Size() == 0
}

// lock holds the lock as flock(1) would.
func (p phasing) lock() (unlock func(), err error) {
	f, err := os.OpenFile(p.file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// splitEnv takes "env NAME=VALUE..." off a command line.
func splitEnv(argv []string) (env, rest []string) {
	if filepath.Base(argv[0]) != "env" {
		return nil, argv
	}
	for n, a := range argv[1:] {
		if !strings.Contains(a, "=") {
			return argv[1 : n+1], argv[n+1:]
		}
	}
	return nil, argv
}

// plays says whether a program is one of the server's own, named as such.
func (s *Server) plays(program string) bool {
	name := filepath.Base(program)
	if !slices.Contains(Programs(), name) {
		return false
	}
	dir := filepath.Dir(program)
	return program == name || dir == "bin" || dir == filepath.Join(s.root, "bin")
}

// execute really runs a command of the machine.
func (s *Server) execute(ctx context.Context, c command.Command) (command.Output, error) {
	var stdout, stderr bytes.Buffer
	tools := filepath.Join(s.root, toolsDir)
	name := c.Argv[0]
	if own := filepath.Join(tools, name); !strings.Contains(name, "/") && exists(own) {
		name = own
	}
	cmd := exec.CommandContext(ctx, name, c.Argv[1:]...)
	cmd.Dir = s.root
	cmd.Env = append(os.Environ(), "PATH="+tools+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+tools, "TMPDIR="+tools, "LC_ALL=C")
	cmd.Stdin = bytes.NewReader(c.Stdin)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	out := command.Output{Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	var failed *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &failed):
		out.Exit = failed.ExitCode()
		if w, ok := failed.Sys().(syscall.WaitStatus); ok && w.Signaled() {
			out.Exit = 128 + int(w.Signal())
		}
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist):
		// What a shell on the machine would answer.
		out.Exit = 127
		out.Stderr = fmt.Appendf(out.Stderr, "sh: 1: %s: not found\n", c.Argv[0])
	default:
		return out, fmt.Errorf("systemimagetest: %w", err)
	}
	return out, nil
}

// Program runs one of the server's programs, chosen by the base name of
// argv[0], and returns its exit status: 137 when [Faults] killed it, 127 when
// there is no such program. It is for a program that stands in for the
// server's own ones: see [Server.Install]. An empty root means the folder above
// the one that argv[0] lies in.
func Program(ctx context.Context, root string, argv []string, stdin io.Reader, stdout, stderr io.Writer) int {
	_ = stdin // none of the programs reads it
	if len(argv) == 0 || !slices.Contains(Programs(), filepath.Base(argv[0])) {
		fmt.Fprintf(stderr, "sh: 1: %s: not found\n", strings.Join(argv[:min(1, len(argv))], ""))
		return 127
	}
	if root == "" {
		root = filepath.Dir(filepath.Dir(argv[0]))
	}
	root, err := realDir(root)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	p := (&Server{root: root}).process(filepath.Base(argv[0]), stdout, stderr)
	p.ctx, p.args = ctx, argv[1:]
	return p.main()
}

// Install puts the server's programs into ROOT/bin, as links to executable.
// That program must call [Program] when its own name is one of [Programs].
// With it, shell scripts can call the server's programs. More are names of others that
// executable is, too.
func (s *Server) Install(executable string, more ...string) error {
	executable, err := filepath.Abs(executable)
	if err != nil {
		return err
	}
	for _, name := range append(Programs(), more...) {
		path := filepath.Join(s.root, "bin", name)
		if to, err := os.Readlink(path); err == nil && to == executable {
			continue // never away: what a killed program began may be about to run it
		}
		if err := os.Remove(path + ".new"); err != nil && !os.IsNotExist(err) {
			return err
		}
		if err := errors.Join(os.Symlink(executable, path+".new"), os.Rename(path+".new", path)); err != nil {
			return err
		}
	}
	return nil
}

// main runs the program from its arguments to its exit status.
func (p *process) main() int {
	if b, err := readFile(filepath.Join(p.home, eraFile)); err == nil && strings.TrimSpace(string(b)) == "2016" {
		p.era = 2016
	}
	var err error
	if p.fault, err = readFaults(p.home); err != nil {
		fmt.Fprintln(p.err, err)
		return 1
	}
	programs := map[string]func() error{
		"cleanup-tree":          p.cleanupTree,
		"copy-image":            p.copyImage,
		"import-images":         p.importImages,
		"re-sign-indexes":       p.reSignIndexes,
		"set-phased-percentage": p.setPhasedPercentage,
		"tag-image":             p.tagImage,
	}
	program, ok := programs[p.name]
	if !ok {
		fmt.Fprintf(p.err, "sh: 1: %s: not found\n", p.name)
		return 127
	}
	return p.finish(p.guard(program))
}

// guard makes an exception of what a file of another shape than the server's
// does to a program. The real one stumbles over the types as well.
func (p *process) guard(program func() error) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runtime.Error:
			err = raise("TypeError", "%v", r)
		default:
			panic(r)
		}
	}()
	return program()
}
