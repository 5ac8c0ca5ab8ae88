// Phase shows what phased percentages mean: the true share of the devices
// behind a percentage, which devices are in, and how a schedule rises.
//
//	go run ./examples/phase                                   # shares
//	go run ./examples/phase -schedule "1% 2h ask, 10% 6h, 100%" -svg ramp.svg
//	go run ./examples/phase -version 42 -alias ubuntu-touch/stable -ids ids.txt -at 10
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/landingteam/landing/phasing"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "phase:", err)
		var usage usageError
		if errors.As(err, &usage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// usageError is one of the flags' or arguments'.
type usageError struct{ error }

func run(args []string, stdin io.Reader, out, errOut io.Writer) error {
	fs := flag.NewFlagSet("phase", flag.ContinueOnError)
	fs.SetOutput(errOut)
	schedule := fs.String("schedule", "", "show how `SCHEDULE` rises, such as \"1% 2h ask, 10% 6h, 100%\" or \"linear 24h every 2h\"")
	start := fs.String("start", "", "`TIME` at which the schedule starts (none: that of its first step, or 2026-01-01T00:00Z)")
	svg := fs.String("svg", "", "draw the ramp into `FILE`: nominal percentage and true share over time")
	ids := fs.String("ids", "", "number the machine ids in `FILE`, one a line; - is standard input")
	alias := fs.String("alias", "", "alias `NAME` of the channel, the word that devices put into the seed (none: the word None)")
	version := fs.Int("version", 0, "`NUMBER` of the image that is phased")
	at := fs.String("at", "100", "`PERCENTAGE`: list who is in at it")
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return usageError{errors.New("see -help")}
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case fs.NArg() > 0:
		return usageError{fmt.Errorf("%q: no arguments are taken, see -help", fs.Arg(0))}
	case given["ids"] && given["schedule"]:
		return usageError{errors.New("-ids and -schedule are two questions: one at a time")}
	case (given["svg"] || given["start"]) && !given["schedule"]:
		return usageError{errors.New("-svg and -start belong to a -schedule")}
	case (given["alias"] || given["version"] || given["at"]) && !given["ids"]:
		return usageError{errors.New("-alias, -version and -at belong to a list of -ids")}
	case given["ids"]:
		return who(*ids, stdin, out, phasing.SeedChannel(*alias, ""), *version, *at)
	case given["schedule"]:
		return ramp(*schedule, *start, *svg, out)
	}
	return shares(out)
}

// shares prints what a percentage really is.
func shares(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprintln(w, "percentage   devices that may update")
	for _, p := range []phasing.Percent{0, 1, 2, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 95, 99, 100} {
		fmt.Fprintf(w, "%10v   %8.3f %%\n", p, 100*p.Share())
	}
	fmt.Fprintln(w, "\nA device draws one of 101 numbers and is in when it is not above the percentage,\n"+
		"which must be above 0. There is no share between 0 and 1.98 %: a halt is 0, never 1.")
	return w.Flush()
}

// who numbers devices and says who is in.
func who(path string, stdin io.Reader, out io.Writer, channel string, version int, at string) error {
	if version < 1 {
		return usageError{errors.New("-ids needs -version NUMBER, the image that is phased")}
	}
	p, err := phasing.ParsePercent(at)
	if err != nil {
		return usageError{err}
	}
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	w := bufio.NewWriter(out)
	var census phasing.Census
	var odd oddIDs
	lines, failed := machineIDs(in, &odd)
	fmt.Fprintln(w, "number  enters at  in at "+p.String()+"  machine id")
	for id, number := range phasing.Draws(channel, version, lines) {
		census.Add(number)
		in := "no"
		if p.Admits(number) {
			in = "yes"
		}
		fmt.Fprintf(w, "%6d  %9v  %-*s  %s\n", number, phasing.EntersAt(number), len("in at "+p.String()), in, id)
	}
	if err := failed(); err != nil {
		return errors.Join(w.Flush(), err)
	}
	if n := census.Total(); n > 0 {
		fmt.Fprintf(w, "\n%d of %d devices are in (%.2f %%; expected %.2f %%)\n",
			census.Admitted(p), n, 100*float64(census.Admitted(p))/float64(n), 100*p.Share())
	}
	odd.remark(w)
	return w.Flush()
}

// oddIDs are lines that are no device of their own: they spoil the count, and two
// devices that share an id are always in or out together.
type oddIDs struct {
	first    map[string]int // line of each id
	repeated []string       // remarks, up to a few
	more     int            // beyond these
	none     []int          // lines with what stands for an id that was not made yet
}

func (o *oddIDs) look(id string, line int) {
	switch before, again := o.first[id]; {
	case id == "uninitialized" || strings.Trim(id, "0") == "":
		o.none = append(o.none, line)
	case again && len(o.repeated) < 5:
		o.repeated = append(o.repeated, fmt.Sprintf("line %d: %s stands in line %d already", line, id, before))
	case again:
		o.more++
	default:
		if o.first == nil {
			o.first = map[string]int{}
		}
		o.first[id] = line
	}
}

func (o *oddIDs) remark(w io.Writer) {
	if n := len(o.repeated) + o.more; n > 0 {
		fmt.Fprintf(w, "\n%d ids are repeated and were counted each time: one device listed twice, or devices made from one image, which are in or out together\n", n)
		for _, text := range o.repeated {
			fmt.Fprintln(w, "  "+text)
		}
		if o.more > 0 {
			fmt.Fprintf(w, "  and %d more\n", o.more)
		}
	}
	if n := len(o.none); n > 0 {
		fmt.Fprintf(w, "\n%d lines are no id but what stands for one before the first boot (the first is line %d): such devices all draw one number\n", n, o.none[0])
	}
}

// machineIDs yields the lines of a list of machine ids, read as devices read
// their own.
func machineIDs(in io.Reader, odd *oddIDs) (ids iter.Seq[string], failed func() error) {
	var err error
	ids = func(yield func(string) bool) {
		sc := bufio.NewScanner(in)
		n := 1
		for ; sc.Scan(); n++ {
			if len(bytes.TrimSpace(sc.Bytes())) == 0 {
				continue
			}
			var id string
			if id, err = phasing.MachineID(sc.Bytes()); err != nil {
				err = fmt.Errorf("line %d: %w", n, err)
				return
			}
			odd.look(id, n)
			if !yield(id) {
				return
			}
		}
		if err = sc.Err(); err == bufio.ErrTooLong {
			err = fmt.Errorf("line %d: more than %d bytes are no machine id", n, bufio.MaxScanTokenSize)
		}
	}
	return ids, func() error { return err }
}

// ramp prints a schedule as a table, and draws it.
func ramp(text, start, svg string, out io.Writer) error {
	s, err := phasing.ParseSchedule(text)
	if err != nil {
		return usageError{err}
	}
	begin := s.Steps()[0].At
	if start != "" {
		if begin, err = parseTime(start); err != nil {
			return usageError{err}
		}
	} else if begin.IsZero() {
		begin = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	w := bufio.NewWriter(out)
	fmt.Fprintln(w, "time                         after  percentage  true share")
	for at, step := range s.Timeline(begin) {
		ask := ""
		if step.Ask {
			ask = "  then ask"
		}
		fmt.Fprintf(w, "%-22s %11s  %10v  %8.2f %%%s\n", at.Format(stamp), short(at.Sub(begin)), step.Percent, 100*step.Percent.Share(), ask)
	}
	if err := w.Flush(); err != nil || svg == "" {
		return err
	}
	return os.WriteFile(svg, draw(s, begin), 0o644)
}

// stamp is how times are written, with their zone.
const stamp = "2006-01-02T15:04Z07:00"

func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, stamp} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time such as 2026-01-01T00:00Z", s)
}

// short writes whole days from two on as days, and leaves out what is zero.
func short(d time.Duration) string {
	const day = 24 * time.Hour
	if d == 0 {
		return "0"
	}
	if d >= 2*day {
		return strings.TrimSuffix(fmt.Sprintf("%dd%s", d/day, short(d%day)), "0")
	}
	s := d.Round(time.Second).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
