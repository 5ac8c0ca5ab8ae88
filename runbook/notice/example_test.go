package notice_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/notice"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// Who is not there is told what a run wants of them.
func ExampleObserver() {
	tell := func(n notice.Notice) { fmt.Printf("%s: %s\n", n.Event, n.Subject) } // or a mail
	runner := &runbook.Runner{Name: "copy", Journal: &runbooktest.Memory{}, Observe: notice.Observer(tell)}
	runner.Execute(context.Background(), func(ctx context.Context, r *runbook.Run) error {
		return r.Hold(ctx, runbook.Hold{Name: "importer", Intent: "pause the importer",
			Acquire: func(context.Context) error { return nil },
			Release: func(context.Context) error { return errors.New("no route to host") },
		}, func(ctx context.Context, r *runbook.Run) error {
			if _, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Do: func(context.Context) (int, error) { return 42, nil }}); err != nil {
				return err
			}
			return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Copy build 42 to stable?"})
		})
	})
	// Output:
	// question: asked: Copy build 42 to stable?
	// owed: STILL HELD: pause the importer
}
