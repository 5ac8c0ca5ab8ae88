package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path"
	"strings"
	"time"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook/procedure"
)

// A List is a flag that may be given several times.
type List []string

// String joins the values.
func (l *List) String() string { return strings.Join(*l, " ") }

// Set adds a value.
func (l *List) Set(s string) error {
	*l = append(*l, s)
	return nil
}

// Phasing are the flags and keys of programs that phase images in.
type Phasing struct {
	procedure.Pace
	Schedule phasing.Schedule
	Not      []string
	Announce func(context.Context, procedure.Announcement) error

	schedule, health, stop, not, announce string
}

// Keys are the keys of the site file.
func (p *Phasing) Keys() []string { return []string{"schedule", "health", "stop_file", "not"} }

// Register adds the flags.
func (p *Phasing) Register(fs *flag.FlagSet) {
	fs.StringVar(&p.schedule, "schedule", "", "`SCHEDULE` such as \"1% 2h ask, 10% 6h, 100%\" or \"linear 24h\" (on the lab: a few seconds)")
	fs.StringVar(&p.health, "health", "", "`COMMAND` or URL that is asked before each step: a failure halts the rollout, its first line says why")
	fs.BoolVar(&p.Stay, "stay", false, "wait for the steps instead of being pending between them (the lab always waits)")
	p.RegisterStop(fs)
}

// RegisterStop adds the flags that a back-out has too.
func (p *Phasing) RegisterStop(fs *flag.FlagSet) {
	fs.StringVar(&p.stop, "stop-file", "", "`PATH` on the image server's host of the file that stops a rollout (default phased-state/done below its root)")
	fs.StringVar(&p.not, "not", "", "`NAMES`, with commas, of people who may not answer the questions")
}

// RegisterAnnounce adds the flag of programs that announce something; "announce"
// is its key in the site file.
func (p *Phasing) RegisterAnnounce(fs *flag.FlagSet) {
	fs.StringVar(&p.announce, "announce", "", "`COMMAND` that sends announcements: the text on standard input, $SUBJECT in the environment; default: a person sends them")
}

// Resolve fills in what flags and the site file say.
func (p *Phasing) Resolve(w *World) error {
	p.ResolveStop(w)
	text := p.schedule
	if text == "" {
		text = w.Option("schedule", "")
	}
	p.Every = time.Minute
	if w.OnLab() {
		p.Stay, p.Every = true, 200*time.Millisecond
		if text == "" {
			text = "1% 2s, 30% 2s ask, 100%"
		}
	}
	if text == "" {
		return errors.New("a schedule is needed: -schedule \"1% 2h ask, 10% 6h, 100%\", or schedule in the site file")
	}
	var err error
	if p.Schedule, err = phasing.ParseSchedule(text); err != nil {
		return err
	}
	health := p.health
	if health == "" {
		health = w.Option("health", "")
	}
	switch {
	case health == "":
	case strings.HasPrefix(health, "http://"), strings.HasPrefix(health, "https://"):
		p.Health = healthURL(health)
	default:
		p.Health = healthCommand(health)
	}
	return nil
}

// ResolveStop fills in what a back-out has too.
func (p *Phasing) ResolveStop(w *World) {
	if p.stop == "" {
		p.stop = w.Option("stop_file", path.Join(w.Root, "phased-state", "done"))
	}
	p.Stop = &procedure.StopFile{Runner: w.Server.Runner, Path: p.stop}
	if p.not == "" {
		p.not = w.Option("not", "")
	}
	p.Not = Names(p.not)
	if p.announce == "" {
		p.announce = w.Option("announce", "")
	}
	if p.announce != "" {
		p.Announce = announceCommand(p.announce)
	}
}

// announceCommand hands announcements to a command line of the operator's own on
// this machine.
func announceCommand(line string) func(context.Context, procedure.Announcement) error {
	return func(ctx context.Context, a procedure.Announcement) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		cmd := shell(ctx, line)
		cmd.Stdin = strings.NewReader(a.Body + "\n")
		cmd.Env = append(os.Environ(), "SUBJECT="+a.Subject)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("the command that sends announcements: %w: %s", err, firstLine(out))
		}
		return nil
	}
}

// Names splits a list with commas; blanks around names do not count.
func Names(s string) (names []string) {
	for _, name := range strings.Split(s, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// healthCommand runs a command line of the operator's own on this machine.
func healthCommand(line string) func(context.Context) (procedure.Health, error) {
	return func(ctx context.Context) (procedure.Health, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		out, err := shell(ctx, line).CombinedOutput()
		why := firstLine(out)
		var exit *exec.ExitError
		switch {
		case err == nil:
			return procedure.Health{Why: why}, nil
		case errors.As(err, &exit) && exit.Exited():
			if why == "" {
				why = fmt.Sprintf("exit status %d", exit.ExitCode())
			}
			return procedure.Health{Bad: true, Why: why}, nil
		}
		return procedure.Health{}, err
	}
}

// shell is a command line that ends with ctx, also when what it started does not.
func shell(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.WaitDelay = time.Second
	return cmd
}

// healthURL asks a URL: any answer but 2xx is bad. What may be secret in it, user,
// password and query, is in no error: those are journalled.
func healthURL(address string) func(context.Context) (procedure.Health, error) {
	return func(ctx context.Context) (procedure.Health, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		hidden := func(err error) error {
			if e := (*url.Error)(nil); errors.As(err, &e) {
				err = e.Err
			}
			return fmt.Errorf("%s: %w", cmp.Or(bare(address), "the address of -health"), err)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return procedure.Health{}, hidden(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return procedure.Health{}, hidden(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1000)) // what there is of it
		why := firstLine(body)
		if res.StatusCode/100 != 2 {
			return procedure.Health{Bad: true, Why: strings.TrimSpace(res.Status + " " + why)}, nil
		}
		return procedure.Health{Why: why}, nil
	}
}

func firstLine(b []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(b), []byte("\n"))
	return string(bytes.TrimSpace(line[:min(len(line), 200)]))
}
