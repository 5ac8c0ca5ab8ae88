package cdimage

import "context"

// A Command is one program to run on the image host. The type has the same
// fields as its namesakes in the packages that run commands, so that one
// converts into the other: remote.Command(c).
type Command struct {
	Argv  []string // program and arguments, never a line for a shell
	Stdin []byte   // given to the program; nil is an empty standard input

	// Job, when set, names the command as a job that outlives the connection:
	// run again with the same name while it runs, or before its result was
	// fetched, the runner attaches to it instead of starting a second one.
	Job string
}

// An Output is what a finished command left behind.
type Output struct {
	Stdout, Stderr []byte
	Exit           int  // exit status; 128+N when signal N ended the command
	Truncated      bool // the runner's limit cut Stdout or Stderr
}

// A Runner runs commands on the image host. A status other than zero is not an
// error: err says that the command could not be started or that its end was
// not seen, and then nothing is known about its effect. A [Builder] runs
// commands while another is at work, so a Runner must be safe for concurrent
// use.
type Runner interface {
	Run(ctx context.Context, c Command) (Output, error)
}

// RunnerFunc makes a function a [Runner].
type RunnerFunc func(ctx context.Context, c Command) (Output, error)

// Run calls f.
func (f RunnerFunc) Run(ctx context.Context, c Command) (Output, error) { return f(ctx, c) }
