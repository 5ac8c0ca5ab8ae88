package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/cause"
	"github.com/landingteam/landing/runbook/procedure"
)

// offline is what is read from files instead of the network.
type offline struct {
	log    string   // a cd-build-log
	livefs []string // livefs logs, [LABEL=]FILE
	now    string   // the image host's clock when the log was taken
	ended  bool     // the run is known to have ended
	stdin  io.Reader
}

func (o offline) used() bool { return o.log != "" || len(o.livefs) > 0 }

// check finds flags that make no sense together.
func (o offline) check(args []string) error {
	stdin := 0
	for _, f := range append([]string{o.log}, o.livefs...) {
		if _, file := labelled(f); file == "-" {
			stdin++
		}
	}
	switch {
	case len(args) > 0:
		return fmt.Errorf("%q: with -log or -livefs no address is taken", args[0])
	case stdin > 1:
		return errors.New("only one file can be -, the standard input")
	case o.log == "" && len(o.livefs) > 1:
		return errors.New("several -livefs need -log: the log of the build that they belong to")
	case o.log == "" && (o.now != "" || o.ended):
		return errors.New("-now and -ended are about -log")
	}
	return nil
}

// labelled splits "LABEL=FILE"; a file's own name may hold a "=" behind a "/".
func labelled(s string) (label, file string) {
	if label, file, ok := strings.Cut(s, "="); ok && !strings.Contains(label, "/") {
		return label, file
	}
	return "", s
}

// report diagnoses the log in a file. What flags say about the build goes before
// what the file's path says.
func (o offline) report(build cdimage.Build) (procedure.BuildReport, error) {
	var none procedure.BuildReport
	e := cdimage.Evidence{Ended: o.ended, Livefs: map[string]*cdimage.LivefsLog{}}
	if o.now != "" {
		var err error
		if e.Now, err = time.Parse(time.RFC3339, o.now); err != nil {
			return none, fmt.Errorf("-now %s: want a time such as 2016-09-06T23:10:00Z", o.now)
		}
	}
	e.Build = build
	err := o.read(o.log, func(r io.Reader) (err error) {
		e.Log, err = cdimage.ParseBuildLog(r)
		return err
	})
	if err != nil && !errors.Is(err, cdimage.ErrIncomplete) {
		return none, err
	}
	if build.Project == "" {
		e.Build = named(o.log, e.Log)
	}
	for _, arg := range o.livefs {
		label, file := labelled(arg)
		l, err := o.readLivefs(file)
		if err != nil {
			return none, err
		}
		if label == "" {
			label = labelOf(l, e.Log)
		}
		if label == "" {
			return none, fmt.Errorf("%s is about livefs build %s of %s, which the log does not name: say which architecture it is, with -livefs LABEL=%s", file, l.Build, l.Arch, file)
		}
		e.Livefs[label] = l
	}
	d := cdimage.Diagnose(e)
	if d.Running {
		d.Warnings = append(d.Warnings, "the log has no end: the run was at work when the log was taken, or it was killed; tell with -now or -ended")
	}
	return procedure.NewBuildReport(d, nil), nil
}

// named reads from the path of a log which build it is about. A log that was
// saved somewhere else has only its type and ID in its name.
func named(file string, log *cdimage.BuildLog) cdimage.Build {
	b, err := cdimage.ParseBuild(file)
	if err != nil || len(log.Arches) > 0 && !strings.HasPrefix(log.Arches[0].Label, b.Project+"-") {
		b = cdimage.Build{ImageSet: cdimage.ImageSet{Type: b.Type}, ID: b.ID}
	}
	return b
}

// labelOf finds the architecture of a run that a livefs log is about: by the
// number of the build in Launchpad, or by the only name that fits.
func labelOf(l *cdimage.LivefsLog, log *cdimage.BuildLog) string {
	var fits []string
	for _, a := range log.Arches {
		address := a.Link
		if address == "" {
			address = a.Reused
		}
		if l.Build != "" && path.Base(address) == l.Build {
			return a.Label
		}
		if l.Arch != "" && strings.HasSuffix(a.Label, "-"+l.Arch) && !a.Good() {
			fits = append(fits, a.Label)
		}
	}
	if len(fits) == 1 {
		return fits[0]
	}
	return ""
}

// livefsReport is what is said about one livefs log. Its JSON form has the
// field names of a build's.
type livefsReport struct {
	*cdimage.LivefsLog
	Remedy  string         `json:"remedy"`
	Actions []cause.Action `json:"actions"`
}

func (o offline) readLivefs(file string) (l *cdimage.LivefsLog, err error) {
	err = o.read(file, func(r io.Reader) (err error) {
		l, err = cdimage.ParseLivefsLog(r)
		return err
	})
	if errors.Is(err, cdimage.ErrIncomplete) {
		err = nil // Incomplete says so
	}
	return l, err
}

func newLivefsReport(l *cdimage.LivefsLog) livefsReport {
	r := l.Remedy()
	if l.Causes == nil {
		l.Causes = []cause.Cause{}
	}
	return livefsReport{l, r.Text, r.Actions}
}

func (r livefsReport) wrong() bool { return !r.OK() }

func (r livefsReport) String() string {
	var b strings.Builder
	what := "livefs build"
	for _, s := range []string{r.Build, r.Project, r.Series, r.Arch} {
		if s != "" {
			what += " " + s
		}
	}
	switch {
	case r.OK():
		fmt.Fprintf(&b, "%s: good\n", what)
	case r.Failing != "":
		fmt.Fprintf(&b, "%s: failed in %s\n", what, r.Failing)
	default:
		fmt.Fprintf(&b, "%s: no verdict\n", what)
	}
	head := "why"
	for _, c := range r.Causes {
		class := string(c.Class)
		if c.Underlying != "" {
			class += ", underlying " + string(c.Underlying)
		}
		if c.Package != "" {
			class += ", package " + c.Package
		}
		fmt.Fprintf(&b, "%s: %s\n", head, class)
		if c.Line != "" {
			fmt.Fprintf(&b, "  line %d> %s\n", c.Number, strings.TrimSpace(c.Line))
		}
		head = "or"
	}
	if r.Incomplete != "" {
		fmt.Fprintf(&b, "note: %s\n", r.Incomplete)
	}
	fmt.Fprintf(&b, "do: %s\n", r.Remedy)
	return b.String()
}

// read gives the content of a file, or with "-" the standard input, to f.
func (o offline) read(file string, f func(io.Reader) error) error {
	if file == "-" {
		return f(o.stdin)
	}
	r, err := os.Open(file)
	if err != nil {
		return err
	}
	defer r.Close()
	return f(r)
}
