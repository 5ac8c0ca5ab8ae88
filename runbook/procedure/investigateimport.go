package procedure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/importlog"
	"github.com/landingteam/landing/systemimage/operate"
)

// InvestigateImport finds out why an image did not appear on the image server:
//
//  1. is the importer on, or paused by a run, commented out by hand, missing;
//  2. is the channel of type auto, and what does the linter say of etc/config;
//  3. what is published, and are there left-overs of killed or failed programs;
//  4. what does a log say: the one that the crontab line writes, or that of a run
//     by hand, which is asked for first. The importer is held meanwhile: the run
//     of cron would only meet the lock, or let this one meet it;
//  5. what do the sources answer that failed, or that the channel is made of;
//  6. the cause and the remedy: see [importlog.Report].
//
// Everything but the run by hand only looks. That run is the importer's ordinary
// one, over all its channels; the program knows no other.
//
// Run returns nil when it got to a report, whatever that says.
type InvestigateImport struct {
	Server   *operate.Server   // the image server; its Client reads the published tree
	Importer *operate.Importer // held while the importer is run by hand
	HTTP     *http.Client      // asks the sources of files; nil asks none
	Input    InvestigateImportInput

	Report importlog.Report // set by Run
}

// InvestigateImportInput is what one run of [InvestigateImport] is asked. It is
// recorded in the journal.
type InvestigateImportInput struct {
	Channel string `json:"channel,omitempty"` // that misses an image; empty is all
	Device  string `json:"device,omitempty"`  // that misses it; empty is all
	// Log is the file that the crontab line of the importer writes to, on the
	// server, relative to its root; empty when there is none.
	Log string `json:"log,omitempty"`
	// RunImporter asks a person to let the importer be run by hand, with -vvv.
	RunImporter bool `json:"run,omitempty"`
}

// logSeen is what a log said.
type logSeen struct {
	Report importlog.Report `json:"report"`
	Absent string           `json:"absent,omitempty"` // why there is none
}

// Run is the procedure. See [runbook.Procedure].
func (i *InvestigateImport) Run(ctx context.Context, r *runbook.Run) error {
	in := i.Input
	state, err := runbook.Read(ctx, r, "state of the importer", i.lookAtImporter)
	if err != nil {
		return err
	}
	config, err := runbook.Read(ctx, r, "configuration", i.lookAtConfig)
	if err != nil {
		return err
	}
	tree, err := runbook.Read(ctx, r, "published tree", func(ctx context.Context) (treeSeen, error) {
		return i.lookAtTree(ctx, config.Auto)
	})
	if err != nil {
		return err
	}
	left, err := runbook.Read(ctx, r, "left-overs", func(ctx context.Context) ([]systemimage.Finding, error) {
		return i.lookForLeftOvers(ctx, tree.Newest)
	})
	if err != nil {
		return err
	}
	log, err := i.log(ctx, r, importBegan{state, config, tree, left})
	if err != nil {
		return err
	}
	if in.RunImporter && log.Absent == "" { // what was there before is of no use now
		if tree, err = runbook.Read(ctx, r, "published tree after the import", func(ctx context.Context) (treeSeen, error) {
			return i.lookAtTree(ctx, config.Auto)
		}); err != nil {
			return err
		}
		if left, err = runbook.Read(ctx, r, "left-overs after the import", func(ctx context.Context) ([]systemimage.Finding, error) {
			return i.lookForLeftOvers(ctx, tree.Newest)
		}); err != nil {
			return err
		}
	}
	answers, err := runbook.Read(ctx, r, "sources", func(ctx context.Context) ([]sourceAnswer, error) {
		return i.askSources(ctx, log.Report)
	})
	if err != nil {
		return err
	}
	i.Report, err = runbook.Read(ctx, r, importReportStep, func(context.Context) (importlog.Report, error) {
		report := importlog.Report{Channel: in.Channel, Device: in.Device}
		i.judgeImporter(&report, state)
		config.judge(&report)
		tree.judge(&report)
		report.Take(log.Report)
		if log.Absent != "" {
			report.Looked = append(report.Looked, "no log: "+log.Absent)
		}
		judgeLeftOvers(&report, left)
		judgeSources(&report, answers, tree.Newest)
		report.Conclude()
		return report, nil
	})
	if err != nil {
		return err
	}
	return r.Note(i.Report.Headline())
}

// importReportStep is the step that has the report as its result.
const importReportStep = "report"

// ImportReportOf is the report that the journal of an investigation has; ok is
// false when it did not come to one.
func ImportReportOf(s runbook.Status) (report importlog.Report, ok bool) {
	for _, step := range s.Steps {
		if step.Step == importReportStep && step.Kind == runbook.Done {
			return report, json.Unmarshal(step.Result, &report) == nil
		}
	}
	return report, false
}

// importBegan is what was there before a run by hand.
type importBegan struct {
	importer importerSeen
	config   configSeen
	tree     treeSeen
	left     []systemimage.Finding
}

// maxLog is how much of the end of the crontab line's log is read.
const maxLog = 4 << 20

const readLogScript = `[ -e "$1" ] || exit 3; [ -r "$1" ] || exit 4; tail -c "$2" -- "$1"`

// log reads the log on the server, or runs the importer by hand for another.
func (i *InvestigateImport) log(ctx context.Context, r *runbook.Run, began importBegan) (logSeen, error) {
	switch {
	case i.Input.RunImporter:
		return i.runImporter(ctx, r, began)
	case i.Input.Log == "":
		return logSeen{Absent: "none was named; -run makes one"}, nil
	}
	return runbook.Read(ctx, r, "log", func(ctx context.Context) (logSeen, error) {
		file := i.Input.Log
		if !path.IsAbs(file) {
			file = path.Join(i.Server.Root, file)
		}
		out, err := i.Server.Runner.Run(ctx, command.Look("landing-import-log", readLogScript, file, fmt.Sprint(maxLog)))
		switch {
		case err != nil:
			return logSeen{}, fmt.Errorf("reading %s: %w", file, err)
		case out.Exit == 3:
			return logSeen{Absent: file + " does not exist; -run makes one"}, nil
		case out.Exit != 0:
			return logSeen{Absent: fmt.Sprintf("%s cannot be read (exit status %d)", file, out.Exit)}, nil
		}
		seen, err := i.readLog(bytes.NewReader(out.Stdout), began)
		seen.Report.Looked = append([]string{"the log " + file}, seen.Report.Looked...)
		return seen, err
	})
}

// readLog is a diagnosis of a log with what the configuration and the tree tell
// besides.
func (i *InvestigateImport) readLog(log io.Reader, began importBegan) (logSeen, error) {
	cs := systemimage.Channels{}
	for name, devices := range began.tree.Devices {
		cs[name] = systemimage.Channel{Devices: map[string]systemimage.Device{}}
		for _, d := range devices {
			cs[name].Devices[d] = systemimage.Device{}
		}
	}
	report, err := importlog.Diagnose(log, importlog.Options{Channel: i.Input.Channel, Device: i.Input.Device, Auto: began.config.Auto, Channels: cs})
	return logSeen{Report: report}, err
}

// runEvidence is what is shown to who is asked for a run by hand.
type runEvidence struct {
	Command  string   `json:"command"`
	Channels []string `json:"channels"` // all of them: the program knows no other run
	Importer string   `json:"importer"`
	Lock     string   `json:"lock"`
}

// runImporter asks, and runs the importer by hand with its line in the crontab
// held.
func (i *InvestigateImport) runImporter(ctx context.Context, r *runbook.Run, began importBegan) (logSeen, error) {
	st := began.importer
	if st.State == operate.ImporterPaused { // whoever did is at work
		return logSeen{Absent: "the importer was not run: it is " + st.describe()}, nil
	}
	if at := slices.IndexFunc(began.left, func(f systemimage.Finding) bool { return f.Blocks }); at >= 0 {
		return logSeen{Absent: fmt.Sprintf("the importer was not run: %s; that comes first", began.left[at])}, nil
	}
	if channels := slices.Sorted(maps.Keys(began.tree.Devices)); len(channels) > 0 {
		if err := r.Require(ctx, "the tree is the one of this host", func(ctx context.Context) error {
			return OneServer(ctx, i.Server, channels[0], "")
		}); err != nil {
			return logSeen{}, err
		}
	}
	lock := st.Lock
	if lock == "" {
		lock = "free, or it cannot be seen"
	}
	several := st.State == operate.ImporterTwice
	line := "its line in the crontab is commented out meanwhile."
	if several {
		line = "the last line of the crontab that runs it is commented out meanwhile, the other goes on: the two may meet each other's lock."
	}
	err := r.Gate(ctx, runbook.Gate{
		Name:     "run by hand",
		Question: "Run the importer by hand now, over all its channels? It publishes what it finds, as cron's run would; " + line,
		Evidence: runEvidence{"bin/import-images -vvv", began.config.Auto, st.describe(), lock},
	})
	if err != nil {
		return logSeen{}, err
	}
	var seen logSeen
	begun := r.Last("run importer") != "" // what lies about may be what its killed program left
	body := func(ctx context.Context, r *runbook.Run) error {
		before, err := allNewest(ctx, r, i.Server.Client)
		if err != nil {
			return err
		}
		seen, err = runbook.Do(ctx, r, runbook.Step[logSeen]{
			Name:   "run importer",
			Intent: "run import-images -vvv by hand and read what it prints",
			// Cron does it every few minutes: nobody can say whose run an image is
			// of. A job of this run that is still at work is attached to, and one
			// begins only with every index in its place.
			Probe: func(context.Context) (logSeen, bool, error) { return logSeen{}, false, nil },
			Do: func(ctx context.Context) (logSeen, error) {
				seen, killed, err := i.importByHand(ctx, r, began, begun)
				if killed && err == nil { // before the end is on record
					err = killedImport{i.Server.Client, i.configFile(), before}.note(ctx, r)
				}
				return seen, err
			},
			Predict: logSeen{Absent: "the importer has not been run yet"},
		})
		return err
	}
	if st.State == operate.ImporterMissing {
		err = body(ctx, r) // there is nothing to hold
	} else {
		err = r.Hold(ctx, holdImporter(r, i.Importer, several), body)
	}
	return seen, err
}

// importByHand runs the importer and keeps what it prints; killed says that a run of it
// did not come to its end.
func (i *InvestigateImport) importByHand(ctx context.Context, r *runbook.Run, began importBegan, begun bool) (seen logSeen, killed bool, err error) {
	var printed []byte
	cut := false
	s := &operate.Server{
		Root: i.Server.Root, Client: i.Server.Client, ReadOnly: i.Server.ReadOnly, Held: i.Server.Held, Logger: i.Server.Logger,
		LockWait: -1, // who holds the lock is an answer too
		Runner: command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
			out, err := i.Server.Runner.Run(ctx, c)
			if c.Job != "" {
				printed, cut = append(slices.Clone(out.Stdout), out.Stderr...), out.Truncated
			}
			return out, err
		}),
	}
	run, err := s.Import(ctx, operate.ImportRequest{Job: jobName(r, "import"), Begun: begun, Observe: imported(r)})
	killed = begun || run != nil && !run.Complete
	switch {
	case printed == nil && errors.Is(err, systemimage.ErrBroken): // something has to be mended first
		report := importlog.Report{Channel: i.Input.Channel, Device: i.Input.Device}
		report.Add(importlog.NewFinding(importlog.AboutTree, "not-run", err.Error(), "mend that before anything else runs, then run the importer again"))
		report.Conclude()
		return logSeen{Report: report, Absent: "the importer was not run"}, false, nil
	case printed == nil && err != nil:
		return logSeen{}, false, err // it was not run
	}
	if errors.Is(err, systemimage.ErrInDoubt) {
		return logSeen{}, false, err
	}
	seen, readErr := i.readLog(bytes.NewReader(printed), began)
	if readErr != nil {
		return logSeen{}, false, readErr
	}
	seen.Report.Looked = append([]string{"the importer, run by hand with -vvv while its line in the crontab was commented out"}, seen.Report.Looked...)
	if cut {
		seen.Report.Notice("what the importer printed was longer than the runner keeps: a part of it is missing, and with it perhaps its end")
	}
	if err != nil && seen.Report.Verdict != importlog.CauseFound {
		// The log has it that all went well, and the published tree does not.
		seen.Report.Add(importlog.NewFinding(importlog.AboutTree, "not-as-announced", err.Error(), "look at the tree with checktree before the next import"))
		seen.Report.Verdict = importlog.CauseFound
	}
	return seen, killed, nil
}
