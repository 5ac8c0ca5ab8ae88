package procedure

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage/operate"
)

// stop sets every faulty image to 0 %. The same command writes the stop file first,
// so that a rollout raises nothing any more; when it cannot be written, the images are
// stopped all the same.
func (c *BackOut) stop(ctx context.Context, r *runbook.Run) error {
	if c.Stop != nil && r.Planning() {
		if err := c.Stop.note(ctx, r, nil); err != nil {
			return err
		}
	}
	return stopAll(ctx, r, c.Server, c.Input.Faulty, c.Patience, c.Stop)
}

// staysStopped says what keeps the images stopped after this run, and for how long.
func (c *BackOut) staysStopped(r *runbook.Run) error {
	if c.Stop == nil || r.Planning() {
		return nil
	}
	return r.Note(fmt.Sprintf("the stop file %s stays: it ends rollouts of these images, and halts any other. When nobody can raise them any more, "+
		"remove it on the host (rm %[1]s); a rollout that is told to resume removes it too", c.Stop.Path))
}

// whatNext says what to do when an image cannot be stopped.
func (c *BackOut) whatNext() string {
	return fmt.Sprintf("What is not listed here is stopped.\n"+
		"- A wrong name or number: start with the right ones and a new journal.\n"+
		"- Something broken: mend it first (imageinfo and checktree say what it is), then start again with the same journal: an index from a mirror or a backup "+
		"has its old percentage. For the others meanwhile, start a back-out of them alone with another journal.\n"+
		"- If the server's programs do not work at all: move the signature of the index away (mv %[1]s/www/CHANNEL/DEVICE/index.json.asc %[1]s/). "+
		"Without it devices take nothing from that index; re-sign-indexes puts it back.",
		strings.TrimRight(c.Server.Root, "/"))
}

// stillStopped looks on every start: a rollout that somebody resumed may have
// raised a percentage while this run was pending.
func (c *BackOut) stillStopped(ctx context.Context, now *operate.Server) error {
	if err := readAhead(ctx, now, c.Input.Faulty, false); err != nil {
		return err
	}
	var again []string
	for _, t := range c.Input.Faulty {
		who, err := whoGets(ctx, now.Client, t)
		if err != nil {
			return err
		}
		if who == "" {
			continue
		}
		if _, newer, err := offeredAs(ctx, now.Client, t); err != nil || newer.Version > 0 {
			return errors.Join(notOffered(t, newer, who), err)
		}
		again = append(again, who)
	}
	if len(again) > 0 {
		return fmt.Errorf("the faulty image is offered again: %s; start a new back-out with a new journal now: the first thing it does is to stop it", strings.Join(again, "; "))
	}
	return nil
}
