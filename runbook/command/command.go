package command

import (
	"context"
	"fmt"
	"strings"
	"unicode"
)

// A Command is one program to run on the host.
type Command struct {
	Argv  []string // program and arguments
	Stdin []byte   // given to the program; nil is an empty standard input

	// Job, when set, names the command as a job that outlives the connection:
	// run again with the same name while it runs, or before its result was
	// fetched, the runner attaches to it instead of starting a second one. Letters,
	// digits, ".", "_" and "-" are allowed, up to 100 of them, the first one no
	// "." or "-".
	Job string

	// Reads says that the command only looks, so that it may be run twice: a runner that
	// loses the link before it has seen the end runs it once more.
	Reads bool

	// Line, if set, is told each line of the standard output as soon as it is
	// there, without its end, before Run returns. It must not wait. A runner that
	// cannot say lines early need not call it: the Output has them all.
	Line func(line string)

	// Keep leaves a job that has ended on the host, with its result, for who may have
	// to ask again: see Attach. It goes when a command is started under its name
	// again, or when the runner is told to reap it.
	Keep bool

	// Begun says of a job that is kept that an earlier start of this command may still
	// be on its way: a job of its name that has ended meanwhile is attached to, and not
	// started again.
	Begun bool

	// Attach asks for a job that was started earlier, running or ended, and starts
	// none: without it the error is [ErrNoJob].
	Attach bool
}

// String returns the command as it may be shown in a log or a plan: the
// arguments, quoted for a shell, and the size of the standard input, never its
// content.
func (c Command) String() string {
	s, err := Quote(c.Argv)
	if err != nil {
		s = fmt.Sprintf("%q", c.Argv)
	}
	if c.Job != "" {
		s += " (job " + c.Job + ")"
	}
	if len(c.Stdin) > 0 {
		s += fmt.Sprintf(" (%d bytes on standard input)", len(c.Stdin))
	}
	return s
}

// Script is "sh -c TEXT NAME ARG...": what no single program of the host answers.
// The text is constant; data reaches it as arguments and standard input, never as
// text. The name tells a fake host which script it is asked to run.
func Script(name, text string, args ...string) Command {
	return Command{Argv: append([]string{"sh", "-c", text, name}, args...)}
}

// Look is a Script that only looks: see Command.Reads.
func Look(name, text string, args ...string) Command {
	c := Script(name, text, args...)
	c.Reads = true
	return c
}

// An Output is what a finished command left behind.
type Output struct {
	Stdout, Stderr []byte
	Exit           int  // exit status; 128+N when signal N ended the command
	Truncated      bool // the runner's limit cut Stdout or Stderr
}

// LastWords is ": " and the last line that the command wrote on standard error, fit
// to end a message with: bounded, and without control characters. It is "" when there
// is none.
func (o Output) LastWords() string {
	text := strings.TrimSpace(string(o.Stderr))
	text = text[strings.LastIndexByte(text, '\n')+1:]
	if text == "" {
		return ""
	}
	return ": " + strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text[:min(len(text), 300)])
}

// A Runner runs commands on the host and is safe for use by several goroutines:
// one command may be run while another is at work. A status other than zero is
// not an error. An error says that the command could not be started or that its
// end was not seen; then nothing is known about its effect.
type Runner interface {
	Run(ctx context.Context, c Command) (Output, error)
}

// Func makes a function a [Runner].
type Func func(ctx context.Context, c Command) (Output, error)

// Run calls f.
func (f Func) Run(ctx context.Context, c Command) (Output, error) { return f(ctx, c) }
