package web

import (
	"context"
	"net/url"
	"strings"
	"time"
)

// A Notice tells somebody who is not looking that a run needs a person.
type Notice struct {
	// ID is the same for the same occasion, also when it is told again after
	// the board was started again: keep those that were passed on.
	ID string
	// Kind says what it is about.
	Kind NoticeKind
	Run  string // its name in the source
	Text string // one line
	Link string // to the page of the run
}

// A NoticeKind is what a notice is about.
type NoticeKind string

// The kinds of notice.
const (
	NoticeAsked  NoticeKind = "asked"  // a question is open
	NoticeFailed NoticeKind = "failed" // a start failed, or left an effect in doubt
	NoticeOwed   NoticeKind = "owed"   // something is held, and nobody is at it
)

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
	add := func(kind NoticeKind, id, text string) {
		text = strings.ReplaceAll(printable(text), "\n", "; ")
		list = append(list, Notice{strings.Join([]string{r.Run, string(kind), id}, " "), kind, r.Name, r.Procedure + ": " + text, link})
	}
	for _, q := range r.Waiting {
		add(NoticeAsked, q.Step+" "+q.Digest, q.Text)
	}
	if r.Running != "" {
		return list
	}
	start := r.Last.UTC().Format(time.RFC3339Nano)
	for _, held := range r.Owed {
		add(NoticeOwed, start+" "+held, "still held: "+held)
	}
	if r.Ending == wordFailed || r.Ending == wordDoubt {
		add(NoticeFailed, start, r.Error)
	}
	return list
}
