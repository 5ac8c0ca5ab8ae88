package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"strings"
	"syscall"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// The exit statuses of all programs.
const (
	ExitDone    = 0 // done, or nothing was to be done
	ExitFailed  = 1 // something failed; the report says what
	ExitUsage   = 2 // wrong flags, arguments or site file; nothing was touched
	ExitPending = 3 // waits for a person or a time; start it again
	ExitOwed    = 4 // something was taken and could not be given back
)

// A Program is one example program.
type Program struct {
	Name  string   // of the program, the procedure, and its section in the site file
	About string   // what it does, one line
	Args  string   // what stands after the flags, for the usage
	Keys  []string // of its section in the site file

	// Needs names the servers that it works on, by their sections in the site
	// file, which must be there: "image-server" when nil. "tree" is what the image
	// server publishes, for programs that need not get at its host, and "whatever" all
	// that the site file names.
	Needs []string
	// Unopened, if set, is told why the world cannot be opened, in place of an error of
	// usage: for a program that is about that.
	Unopened func(err error, asJSON bool, out io.Writer) error

	// Urgent programs act at once: the plan is shown with -plan only.
	Urgent bool

	// Lab is what a new lab holds; the sample world when nil.
	Lab func() systemimagetest.World
	// Flags adds the program's own flags.
	Flags func(fs *flag.FlagSet)
	// Procedure says what to run on w, once flags and arguments are known. An
	// error is one of usage.
	Procedure func(w *World, args []string) (input any, p runbook.Procedure, err error)
	// Result, if set, prints what the procedure came to, after a plan or a run that
	// got to its end. In JSON it is one line. Its error is that of the program.
	Result func(asJSON bool, out io.Writer) error
	// Status, if set, says from the journal what a run that ended well came to: its
	// error is that of Result.
	Status func(s runbook.Status) error
	// Look is for a program that only looks and prints. An error is one of usage
	// when made by [Usage]. A program that has a Procedure as well says in Looks
	// with which arguments it only looks.
	Look  func(ctx context.Context, w *World, args []string, asJSON bool, out io.Writer) error
	Looks func(args []string) bool
	// Alone, if set, is asked first: with some flags a program needs no world at
	// all. It says whether it has done everything; its error is as that of Look.
	Alone func(ctx context.Context, args []string, asJSON bool, stdin io.Reader, out io.Writer) (done bool, err error)
}

// errUsage marks errors of usage.
var errUsage = errors.New("usage")

// Usage makes err one of usage.
func Usage(err error) error { return fmt.Errorf("%w: %w", errUsage, err) }

// A StatusError ends a program that looks with an exit status of its own.
type StatusError struct {
	Status int
	Err    error // what is printed; nil when all was said
}

func (e *StatusError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit status %d", e.Status)
	}
	return e.Err.Error()
}

// Unwrap returns what is printed.
func (e *StatusError) Unwrap() error { return e.Err }

// options are the flags that all programs have.
type options struct {
	site, journal, lab, operator  string
	runs, mailbox, notify         string
	plan, status, settle, json, y bool
	verbose, untilDone            bool
	log                           string // "", text or json
	report                        reportFile
}

func (o *options) register(fs *flag.FlagSet, runs bool) {
	fs.StringVar(&o.site, "site", "", "run on the real site that `FILE` describes, not on the lab")
	fs.StringVar(&o.lab, "lab", "", "keep the lab's world in the folder `DIR`")
	fs.BoolVar(&o.verbose, "v", false, "log what is sent to the servers, on standard error")
	if !runs {
		fs.BoolVar(&o.json, "json", false, "print JSON")
		return
	}
	fs.BoolVar(&o.json, "json", false, "print JSON, a value a line; questions go to standard error")
	fs.StringVar(&o.journal, "journal", "", "write the run down in `FILE`; started again with it, the run goes on")
	fs.StringVar(&o.runs, "runs", "", "name the journal in the folder `DIR`: a run that has not ended goes on with the same words; questions are in its mailbox too")
	fs.StringVar(&o.mailbox, "mailbox", "", "put questions into the folder `DIR` too, and take answers from there (default: mailbox in the folder of -runs)")
	fs.StringVar(&o.notify, "notify", "", "`COMMAND` that is run when a question opens, a run fails or something is owed: $EVENT, $SUBJECT, and the text on standard input")
	fs.StringVar(&o.operator, "operator", "", "`NAME` of who runs this, for journal and marks (default: the user's)")
	fs.BoolVar(&o.plan, "plan", false, "show what would be done; change nothing")
	fs.BoolVar(&o.status, "status", false, "show what the journal says; change nothing")
	fs.BoolVar(&o.settle, "settle", false, "only give back what the journal says is owed")
	fs.BoolVar(&o.untilDone, "until-done", false, "wait for the times that the run waits for, and go on; questions end the program as ever")
	o.report.register(fs)
	fs.BoolVar(&o.y, "yes", false, "answer every question with yes (lab only)")
}

// check finds flags that contradict each other.
func (o *options) check(runs bool) error {
	if err := errors.Join(checkLog(o.log), o.report.check(o.plan)); err != nil {
		return err
	}
	n := 0
	for _, b := range []bool{o.plan, o.status, o.settle} {
		if b {
			n++
		}
	}
	kept := o.journal != "" || o.runs != ""
	for _, c := range []struct {
		wrong bool
		text  string
	}{
		{n > 1, "only one of -plan, -status and -settle at a time"},
		{n > 0 && o.untilDone, "-until-done belongs to a run, not to -plan, -status or -settle"},
		{o.site != "" && o.lab != "", "-site and -lab exclude each other"},
		{o.site != "" && o.y, "-yes is for the lab only: on a site people answer"},
		{o.journal != "" && o.runs != "", "-journal and -runs exclude each other: -runs names the journal"},
		{o.status && o.journal == "", "-status needs -journal FILE; the program runs lists those of a folder"},
		{o.settle && !kept, "-settle needs -journal FILE or -runs DIR"},
		{runs && o.site != "" && !o.plan && !kept, "a run on a site needs -journal FILE or -runs DIR, so that it can go on when it is cut off"},
	} {
		if c.wrong {
			return errors.New(c.text)
		}
	}
	return nil
}

// Main runs a program with the process's arguments and exits.
func Main(p Program) {
	if lab.Program() { // this process is one of the lab's server programs
		return
	}
	ctx, stop := withSignals(context.Background())
	// Nobody needs to read on: a reader that is gone must not end it half-way.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	code := p.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// flagsFirst refuses flags behind an argument, which would be arguments too.
func flagsFirst(fs *flag.FlagSet) error {
	for _, arg := range fs.Args() {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && fs.Lookup(name) != nil {
			return fmt.Errorf("the flag %s stands behind an argument: flags go first", arg)
		}
	}
	return nil
}

// flags are those of all programs, and this one's.
func (p Program) flags(o *options, stderr io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	fs.SetOutput(stderr)
	o.register(fs, p.Procedure != nil)
	if p.Flags != nil {
		p.Flags(fs)
	}
	if fs.Lookup("log") == nil { // failedbuild and failedimport read a log of that name
		fs.StringVar(&o.log, "log", "", "log on standard error as `FORM`, text or json; with -v in every detail")
	}
	fs.Usage = func() {} // what is wrong would scroll away above all the flags
	return fs
}

// help prints all flags.
func (p Program) help(fs *flag.FlagSet, stderr io.Writer) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "usage: %s [flags] %s\n%s.\n\n", p.Name, p.Args, p.About)
	fs.SetOutput(&b)
	fs.PrintDefaults()
	b.WriteString("\nExit status: 0 done, 1 failed, 2 usage, 3 waits for a person or a time, 4 something is owed.\n")
	io.WriteString(newScreen(stderr).still(), strings.ReplaceAll(b.String(), "\t", "    "))
}

// usage says what is wrong with the flags, the arguments or the site file.
func (p Program) usage(stderr io.Writer, err error) int {
	text := strings.TrimPrefix(err.Error(), errUsage.Error()+": ")
	fmt.Fprintf(newScreen(stderr).still(), "%s: %s\n(%s -help lists the flags)\n", p.Name, Printable(text), p.Name)
	return ExitUsage
}

// ended is the end of what only looks: an error of usage is told apart.
func (p Program) ended(stderr io.Writer, err error) int {
	if errors.Is(err, errUsage) {
		return p.usage(stderr, err)
	}
	return p.end(stderr, err)
}

// Run is [Main] without the process: it returns the exit status.
func (p Program) Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var o options
	fs := p.flags(&o, stderr)
	fs.SetOutput(io.Discard) // usage says it
	usage := func(err error) int { return p.usage(stderr, err) }
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		p.help(fs, stderr)
		return ExitDone
	} else if err != nil {
		return usage(err)
	}
	if err := flagsFirst(fs); err != nil {
		return usage(err)
	}
	if p.Alone != nil {
		if done, err := p.Alone(ctx, fs.Args(), o.json, stdin, stdout); done || err != nil {
			return p.ended(stderr, err)
		}
	}
	looks := p.Look != nil && (p.Procedure == nil || p.Looks(fs.Args()))
	if err := o.check(!looks); err != nil {
		return usage(err)
	}
	if o.status {
		return p.status(o, stdout, stderr)
	}
	if looks && o.journal != "" {
		return usage(errors.New("this only looks, and writes nothing down: leave -journal out"))
	}
	w, err := p.world(o, stderr)
	if err != nil && p.Unopened != nil {
		return p.end(stderr, p.Unopened(err, o.json, stdout))
	} else if err != nil {
		return usage(err)
	}
	defer w.close()
	w.attended = isTerminal(stdin)
	if looks {
		return p.ended(stderr, p.Look(ctx, w, fs.Args(), o.json, stdout))
	}
	return p.begin(ctx, o, w, fs.Args(), stdin, stdout, stderr)
}

// end says how it went and turns it into an exit status.
func (p Program) end(stderr io.Writer, err error) int {
	own := (*StatusError)(nil)
	if err != nil && !(errors.As(err, &own) && own.Err == nil) {
		fmt.Fprintf(newScreen(stderr).still(), "%s: %s\n", p.Name, Printable(runbook.Status{Error: err.Error()}.Cause()))
	}
	if code := exitStatus(runbook.Ending(err)); code != ExitFailed || own == nil {
		return code
	}
	return own.Status
}

// exitStatus is that of a start that ended like this: the same when it ends and
// when its journal is asked later.
func exitStatus(ending string) int {
	switch ending {
	case "done":
		return ExitDone
	case "owed":
		return ExitOwed
	case "pending":
		return ExitPending
	}
	return ExitFailed
}

// status shows what a journal says. Its exit status is that of the last start. A
// run without an end, because it is under way, was cut off, or was settled, is
// pending, unless something is owed and nobody is at it.
func (p Program) status(o options, stdout, stderr io.Writer) int {
	s, err := runbook.ReadStatus(o.journal)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
		return ExitFailed
	}
	if o.json {
		err = json.NewEncoder(stdout).Encode(s)
	} else {
		err = s.WriteReport(newScreen(stdout).still())
	}
	if err == nil {
		err = o.report.write(s)
	}
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "%s: %v\n", p.Name, err)
		return ExitFailed
	case s.Running != "":
		return ExitPending
	case len(s.Owed()) > 0:
		return ExitOwed
	case s.Ending == "" || s.Ending == "settled":
		return ExitPending
	}
	if p.Status != nil && s.Ending == "done" {
		return p.end(stderr, p.Status(s))
	}
	return exitStatus(s.Ending)
}

// Whoami is the name of the user who runs the program.
func Whoami() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "somebody"
}
