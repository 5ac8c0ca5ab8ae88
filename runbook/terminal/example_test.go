package terminal_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/runbook/terminal"
)

// A program asks whoever started it. Here somebody has typed already.
func ExampleHuman() {
	typed := strings.NewReader("yes\ntested on two devices\n")
	runner := &runbook.Runner{Name: "promote", Journal: &runbooktest.Memory{}, Human: &terminal.Human{In: typed, Out: os.Stdout, By: "qa"}}
	err := runner.Execute(context.Background(), func(ctx context.Context, r *runbook.Run) error {
		return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Copy build 42 to stable?", Evidence: map[string]int{"build": 42}})
	})
	fmt.Println(err)
	// Output:
	// go
	//     build: 42
	//
	//   Copy build 42 to stable?
	//   yes (go on), no (end this run for good), later (leave it open):   reason (Enter: none): <nil>
}
