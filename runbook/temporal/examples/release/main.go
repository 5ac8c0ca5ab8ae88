// Release on Temporal, on the lab: a worker, and what people type.
//
//	go run ./examples/release worker                # as many as you like
//	go run ./examples/release start OTA-5
//	go run ./examples/release look OTA-5
//	go run ./examples/release answer OTA-5 yes "tested on five phones"
//	go run ./examples/release schedule nightly "0 3 * * *"   # a copyrc each night
//
// TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where the server is; without them it is
// a development server on this machine (temporal server start-dev). LANDING_KEY, 64
// hexadecimal digits, encrypts what goes to the server: all of us need the same.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/temporal"
)

const queue = "landing"

func main() {
	if lab.Program() { // this process is one of the lab's server programs
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// A verb is what one of us may ask for.
type verb struct {
	args string
	do   func(ctx context.Context, c client.Client, args []string, out io.Writer) error
}

var verbs = map[string]verb{
	"worker":   {"[-lab DIR]", work},
	"start":    {"NAME", start},
	"look":     {"NAME", look},
	"answer":   {"NAME yes|no REASON", answer},
	"go-on":    {"NAME retry|settle|abandon", goOn},
	"schedule": {"NAME CRON", schedule},
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || verbs[args[0]].do == nil {
		return errors.New("want worker [-lab DIR], start NAME, look NAME, answer NAME yes|no REASON, go-on NAME retry|settle|abandon, schedule NAME CRON")
	}
	options := client.Options{Logger: log.NewStructuredLogger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))),
		HostPort: os.Getenv("TEMPORAL_ADDRESS"), Namespace: os.Getenv("TEMPORAL_NAMESPACE")}
	if key := os.Getenv("LANDING_KEY"); key != "" {
		converter, err := encrypted(key)
		if err != nil {
			return err
		}
		options.DataConverter = converter
		// what a run failed of is in plain otherwise
		options.FailureConverter = sdk.NewDefaultFailureConverter(sdk.DefaultFailureConverterOptions{DataConverter: converter, EncodeCommonAttributes: true})
	}
	c, err := client.DialContext(ctx, options)
	if err != nil {
		return fmt.Errorf("no Temporal server at %s: %w", cmp.Or(options.HostPort, client.DefaultHostPort), err)
	}
	defer c.Close()
	err = verbs[args[0]].do(ctx, c, args[1:], out)
	if errors.Is(err, errUsage) {
		return fmt.Errorf("%s: want %s", args[0], verbs[args[0]].args)
	}
	return err
}

var errUsage = errors.New("usage")

// work serves the queue until it is interrupted. What it has begun goes on on another
// worker.
func work(ctx context.Context, c client.Client, args []string, out io.Writer) error {
	fs := flag.NewFlagSet("worker", flag.ContinueOnError)
	dir := fs.String("lab", filepath.Join(os.TempDir(), "landing-lab"), "the folder `DIR` of the lab's world, the same for all workers")
	if err := fs.Parse(args); err != nil || fs.NArg() > 0 {
		return errUsage
	}
	w := worker.New(c, queue, temporal.Options())
	(&temporal.Worker{Client: c, Procedures: procedures(*dir),
		Observe: func(rec runbook.Record) {
			if rec.Kind != runbook.Progress {
				fmt.Fprintln(out, rec)
			}
		},
		Archive: func(_ context.Context, id string, lines iter.Seq2[[]byte, error]) error {
			return archive(*dir, id, lines)
		},
	}).Register(w)
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	fmt.Fprintf(out, "at work on the lab in %s; interrupt to end\n", *dir)
	<-ctx.Done()
	return nil
}

// procedures are what a worker knows. On a site they would have the clients of the site
// in place of those of the lab.
func procedures(dir string) map[string]temporal.Build {
	return map[string]temporal.Build{
		"release": build(dir, func(l *lab.Lab, in procedure.ReleaseInput) runbook.Procedure {
			return (&procedure.Release{Server: l.Server(), Importer: l.Importer(), Input: in}).Run
		}),
		"copyrc": build(dir, func(l *lab.Lab, in procedure.CopyRCInput) runbook.Procedure {
			return (&procedure.CopyRC{Server: l.Server(), Importer: l.Importer(), Input: in}).Run
		}),
	}
}

// build makes a procedure from the input of a run.
func build[I any](dir string, f func(*lab.Lab, I) runbook.Procedure) temporal.Build {
	return func(ctx context.Context, input json.RawMessage) (runbook.Procedure, any, error) {
		var in I
		if err := json.Unmarshal(input, &in); err != nil {
			return nil, nil, err
		}
		l, err := lab.Open(dir, lab.Candidates())
		if err != nil {
			return nil, nil, err
		}
		context.AfterFunc(ctx, func() { l.Close() })
		return f(l, in), "the lab in " + dir, nil
	}
}

// archive writes the journal to a file, whole or not at all: the server forgets what
// has ended.
func archive(dir, id string, lines iter.Seq2[[]byte, error]) error {
	path := filepath.Join(dir, id+".journal")
	f, err := os.CreateTemp(dir, "archive-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(temporal.WriteLines(f, lines), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// order is a run of a procedure. That it is looked at every minute lets a rollout see
// its stop file and its health while it waits.
func order(name string, in any) (temporal.Run, error) {
	input, err := json.Marshal(in)
	return temporal.Run{Procedure: name, Input: input, Operator: whoami(), Recheck: time.Minute}, err
}

func start(ctx context.Context, c client.Client, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errUsage
	}
	schedule, err := phasing.ParseSchedule("1% 5s ask, 30% 5s, 100%")
	if err != nil {
		return err
	}
	r, err := order("release", procedure.ReleaseInput{Tag: "OTA-5", From: "rc", To: "stable", Schedule: schedule})
	if err != nil {
		return err
	}
	if _, err := temporal.Start(ctx, c, queue, args[0], r); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is begun; look %[1]s shows it\n", args[0])
	return err
}

// schedule begins a copyrc each time that a line of a crontab says.
func schedule(ctx context.Context, c client.Client, args []string, out io.Writer) error {
	if len(args) != 2 {
		return errUsage
	}
	r, err := order("copyrc", procedure.CopyRCInput{Tag: "nightly-rc", From: "rc-proposed", To: "rc"})
	if err != nil {
		return err
	}
	_, err = c.ScheduleClient().Create(ctx, client.ScheduleOptions{ID: args[0],
		Spec: client.ScheduleSpec{CronExpressions: []string{args[1]}}, Action: temporal.Action(queue, args[0], r)})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s begins by itself: %s UTC\n", args[0], args[1])
	return err
}

func look(ctx context.Context, c client.Client, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errUsage
	}
	s, err := temporal.Status(ctx, c, args[0])
	if err != nil {
		return err
	}
	return s.WriteReport(out)
}

// answer answers the one question that is open. Who answers is the user of this
// machine: in earnest, whoever your login says.
func answer(ctx context.Context, c client.Client, args []string, out io.Writer) error {
	if len(args) < 3 {
		return errUsage
	}
	s, err := temporal.Look(ctx, c, args[0])
	if err != nil {
		return err
	}
	switch n := len(s.Last.Waiting); {
	case s.Phase != temporal.Waiting || n == 0:
		return fmt.Errorf("nothing is asked now: the run is %s", s.Phase)
	case n > 1:
		return fmt.Errorf("%d questions are open; this example answers runs with one", n)
	}
	q := s.Last.Waiting[0]
	a := runbook.Answer{Verdict: runbook.Verdict(args[1]), By: whoami(), Account: whoami(), Reason: strings.Join(args[2:], " "), Digest: q.Digest}
	if err := temporal.Answer(ctx, c, args[0], q.Step, a); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %s\n", q.Text, a.Verdict)
	return err
}

func goOn(ctx context.Context, c client.Client, args []string, _ io.Writer) error {
	if len(args) != 2 {
		return errUsage
	}
	return temporal.GoOn(ctx, c, args[0], temporal.Decision(args[1]))
}

func whoami() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "somebody"
}
