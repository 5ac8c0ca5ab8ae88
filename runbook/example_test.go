package runbook_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/runbook/terminal"
)

// A run that failed goes on where it stopped: the first copy is not repeated.
func ExampleRunner_Execute() {
	dir, err := os.MkdirTemp("", "runbook")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	journal, err := runbook.OpenFile(filepath.Join(dir, "copy.journal"))
	if err != nil {
		fmt.Println(err)
		return
	}
	online := false
	copyTo := func(device string) runbook.Step[int] {
		return runbook.Step[int]{Name: "copy to " + device, Intent: "copy build 42 to rc for " + device,
			Do: func(context.Context) (int, error) {
				if device == "bacon" && !online {
					return 0, errors.New("no route to host")
				}
				fmt.Println("copying to", device)
				return 7, nil
			}}
	}
	procedure := func(ctx context.Context, r *runbook.Run) error {
		for _, device := range []string{"arale", "bacon"} {
			version, err := runbook.Do(ctx, r, copyTo(device))
			if err != nil {
				return err
			}
			fmt.Println(device, "has version", version)
		}
		return nil
	}
	runner := &runbook.Runner{Name: "copy", Journal: journal}
	fmt.Println(runner.Execute(context.Background(), procedure))
	online = true
	fmt.Println(runner.Execute(context.Background(), procedure))
	// Output:
	// copying to arale
	// arale has version 7
	// copy to bacon: no route to host
	// arale has version 7
	// copying to bacon
	// bacon has version 7
	// <nil>
}

func ExampleRunner_WritePlan() {
	runner := &runbook.Runner{Name: "copy"}
	err := runner.WritePlan(context.Background(), os.Stdout, func(ctx context.Context, r *runbook.Run) error {
		build, err := runbook.Read(ctx, r, "latest", func(context.Context) (int, error) { return 42, nil })
		if err != nil {
			return err
		}
		if err := r.Gate(ctx, runbook.Gate{Name: "go", Question: "copy to stable?", Evidence: build}); err != nil {
			return err
		}
		version, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: fmt.Sprint("copy build ", build), Predict: 7,
			Do: func(context.Context) (int, error) { return 0, errors.New("a plan does not act") }})
		if err != nil {
			return err
		}
		return r.Note(fmt.Sprint("stable has version ", version))
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// ask        copy to stable?
	// do         copy build 42
	// note       stable has version 7
}

// A process was killed with the importer off. Settle turns it on again, and
// does nothing else.
func ExampleRunner_Settle() {
	importer := "on"
	procedure := func(ctx context.Context, r *runbook.Run) error {
		return r.Hold(ctx, runbook.Hold{Name: "importer", Intent: "pause the importer",
			Acquire: func(context.Context) error { importer = "off"; return nil },
			Release: func(context.Context) error { importer = "on"; return nil },
		}, func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: "copy build 42", Do: func(context.Context) (int, error) {
				fmt.Println("copying with the importer", importer)
				return 7, nil
			}})
			return err
		})
	}
	journal := killedAt("started", procedure)
	importer = "off"
	fmt.Println((&runbook.Runner{Name: "copy", Journal: journal}).Settle(context.Background(), procedure))
	fmt.Println("the importer is", importer)
	// Output:
	// copying with the importer off
	// <nil>
	// the importer is on
}

// killedAt is the journal of a process that died after a record of that kind.
func killedAt(kind string, p runbook.Procedure) runbook.Journal {
	whole, part := &runbooktest.Memory{}, &runbooktest.Memory{}
	ctx := context.Background()
	(&runbook.Runner{Name: "copy", Journal: whole}).Execute(ctx, p)
	unlock, err := part.Lock(ctx, "")
	if err != nil {
		panic(err)
	}
	defer unlock()
	for line := range whole.Lines(ctx) {
		part.Append(ctx, line)
		if strings.Contains(string(line), `"kind":"`+kind+`"`) {
			break
		}
	}
	return part
}

// The connection was lost after the copy was requested. The probe finds it on
// the server, so it is not made twice.
func ExampleDo() {
	published := 0
	procedure := func(ctx context.Context, r *runbook.Run) error {
		version, err := runbook.Do(ctx, r, runbook.Step[int]{
			Name:   "copy",
			Intent: "copy build 42 to rc",
			Do: func(context.Context) (int, error) {
				published = 7
				return 0, fmt.Errorf("connection lost: %w", runbook.ErrInDoubt)
			},
			Probe: func(context.Context) (int, bool, error) { return published, published > 0, nil },
		})
		if err == nil {
			fmt.Println("rc has version", version)
		}
		return err
	}
	runner := &runbook.Runner{Name: "copy", Journal: &runbooktest.Memory{}}
	fmt.Println(runner.Execute(context.Background(), procedure))
	fmt.Println(runner.Execute(context.Background(), procedure))
	// Output:
	// copy: connection lost: in doubt; the next start looks, or asks, whether it happened
	// rc has version 7
	// <nil>
}

// One device fails, and the others are done.
func ExampleEach() {
	devices := func(yield func(string, int) bool) {
		_ = yield("arale", 41) && yield("bacon", 0) && yield("krillin", 43)
	}
	procedure := func(ctx context.Context, r *runbook.Run) error {
		return runbook.Each(ctx, r, devices, 1, func(ctx context.Context, r *runbook.Run, device string, build int) error {
			_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: fmt.Sprint("copy build ", build),
				Do: func(context.Context) (int, error) {
					if build == 0 {
						return 0, errors.New("no image")
					}
					fmt.Println("copying", build, "to", device)
					return build, nil
				}})
			return err
		})
	}
	fmt.Println((&runbook.Runner{Name: "copy", Journal: &runbooktest.Memory{}}).Execute(context.Background(), procedure))
	// Output:
	// copying 41 to arale
	// copying 43 to krillin
	// bacon/copy: no image
}

// The importer is given back although the copy fails.
func ExampleRun_Hold() {
	procedure := func(ctx context.Context, r *runbook.Run) error {
		return r.Hold(ctx, runbook.Hold{
			Name:    "importer",
			Intent:  "pause the importer",
			Acquire: func(context.Context) error { fmt.Println("importer off"); return nil },
			Release: func(context.Context) error { fmt.Println("importer on"); return nil },
		}, func(ctx context.Context, r *runbook.Run) error {
			_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: "copy build 42",
				Do: func(context.Context) (int, error) { return 0, errors.New("no space left on device") }})
			return err
		})
	}
	fmt.Println((&runbook.Runner{Name: "copy", Journal: &runbooktest.Memory{}}).Execute(context.Background(), procedure))
	// Output:
	// importer off
	// importer on
	// copy: no space left on device
}

// Nobody is there at first; the run ends, and a later start finds an answer.
func ExampleRun_Gate() {
	procedure := func(ctx context.Context, r *runbook.Run) error {
		if err := r.Gate(ctx, runbook.Gate{
			Name:     "stable",
			Question: "copy build 42 to stable?",
			Evidence: map[string]int{"tests passed": 17, "tests failed": 0},
			Not:      []string{"operator"}, // who built it
		}); err != nil {
			return err
		}
		fmt.Println("copying")
		return nil
	}
	journal := &runbooktest.Memory{}
	runner := &runbook.Runner{Name: "copy", Journal: journal, Operator: "operator"}
	fmt.Println(runner.Execute(context.Background(), procedure))
	runner.Human = &terminal.Human{In: strings.NewReader("yes\ntested on two devices\n"), Out: &strings.Builder{}, By: "qa"}
	fmt.Println(runner.Execute(context.Background(), procedure))
	// Output:
	// stable: waiting for an answer: copy build 42 to stable?; start again when it is answered
	// copying
	// <nil>
}

func ExampleWait() {
	looks := 0
	procedure := func(ctx context.Context, r *runbook.Run) error {
		version, err := runbook.Wait(ctx, r, runbook.Poll[int]{
			Name:     "published",
			Intent:   "wait until the index has build 42",
			Every:    time.Millisecond,
			Deadline: time.Minute,
			Check:    func(context.Context) (int, bool, error) { looks++; return 7, looks == 3, nil },
		})
		fmt.Println("version", version, "after", looks, "looks")
		return err
	}
	fmt.Println((&runbook.Runner{Name: "copy", Journal: &runbooktest.Memory{}}).Execute(context.Background(), procedure))
	// Output:
	// version 7 after 3 looks
	// <nil>
}

// What a file says about its run, for colleagues.
func ExampleReadStatus() {
	dir, err := os.MkdirTemp("", "runbook")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "copy.journal")
	journal, err := runbook.OpenFile(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	runner := &runbook.Runner{Name: "copy", Journal: journal}
	err = runner.Execute(context.Background(), func(ctx context.Context, r *runbook.Run) error {
		build, err := runbook.Read(ctx, r, "newest build", func(context.Context) (int, error) { return 42, nil })
		if err != nil {
			return err
		}
		return r.Require(ctx, "importer is off", func(context.Context) error { return fmt.Errorf("it is on, and build %d waits", build) })
	})
	fmt.Println(err)
	status, err := runbook.ReadStatus(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(status.Procedure, status.Ending, "after", status.Starts, "start")
	for _, step := range status.Steps {
		fmt.Println(step)
	}
	// Output:
	// importer is off: it is on, and build 42 waits
	// copy failed after 1 start
	// look       newest build
	// FAILED     importer is off: it is on, and build 42 waits
}
