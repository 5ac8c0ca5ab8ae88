package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/runbook/notice"
)

// A notifier runs the command of -notify for each notice of a run.
type notifier struct {
	line   string
	stderr io.Writer
	wg     sync.WaitGroup
}

// send starts the command; the run does not wait for it.
func (n *notifier) send(told notice.Notice) {
	n.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		cmd := shell(ctx, n.line)
		cmd.Stdin = strings.NewReader(told.Text + "\n")
		cmd.Env = append(os.Environ(), "SUBJECT="+told.Subject, "EVENT="+string(told.Event))
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(n.stderr, "-notify: %v: %s\n", err, Printable(firstLine(out)))
		}
	})
}
