package web

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/notice"
)

// A Notice tells somebody who is not looking that a run needs a person: Event, Subject and
// Text are as those of notice.Observer, for all runs of the source.
type Notice struct {
	notice.Notice
	// ID is the same for the same occasion, also when it is told again after
	// the board was started again: keep those that were passed on.
	ID   string
	Name string // of the run in the source
	Link string // to the page of the run
}

// Watch calls notify for each occasion, once, until ctx ends; that is its error. What is
// so already when it begins is told too. Base is the address of the list, for links.
func (h *Handler) Watch(ctx context.Context, base string, notify func(context.Context, Notice)) error {
	h.start()
	pause := h.Every
	if pause == 0 {
		pause = every
	}
	var told map[string]bool
	for {
		rows, err := h.rows(ctx)
		if err != nil && ctx.Err() == nil {
			h.log().Warn("runs cannot be watched", "error", err)
		}
		if err == nil {
			now := map[string]bool{}
			for _, r := range rows {
				for _, n := range noticesOf(r, base) {
					now[n.ID] = true
					if !told[n.ID] {
						notify(ctx, n)
					}
				}
			}
			told = now
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// noticesOf are the occasions that a run is.
func noticesOf(r row, base string) (list []Notice) {
	link := strings.TrimSuffix(base, "/") + "/run/" + url.PathEscape(r.Name) + "/"
	add := func(event notice.Event, id, subject, text string) {
		subject = strings.ReplaceAll(printable(subject), "\n", "; ")
		list = append(list, Notice{notice.Notice{Event: event, Subject: subject, Text: printable(text)},
			strings.Join([]string{r.Run, string(event), id}, " "), r.Name, link})
	}
	for _, q := range r.Waiting {
		add(notice.Question, q.Step+" "+q.Digest, "asked: "+q.Text, q.Text)
	}
	if r.Running != "" {
		return list
	}
	start := r.Last.UTC().Format(time.RFC3339Nano)
	for _, held := range r.Owed {
		add(notice.Owed, start+" "+held, "STILL HELD: "+held, r.Error)
	}
	if r.Ending == wordFailed || r.Ending == wordDoubt {
		add(notice.Failed, start, r.Ending+": run "+r.Run, r.Error)
	}
	return list
}
