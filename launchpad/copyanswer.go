package launchpad

import (
	"context"
	"errors"
	"strings"
)

// answered records what became of a request. The error it returns ends the
// copy, or this round of it.
//
// Where the answer was lost, the package is looked for until it would have shown,
// and then asked for once more.
func (t *copier) answered(ctx context.Context, i *item, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.c.now()
	t.lastSent = now
	answer, sentence := accepted, ""
	var e *Error
	errors.As(err, &e)
	switch {
	case err == nil:
		i.requested(now)
	case e == nil || e.Kind == ErrReadOnly || e.Kind == ErrToken:
		answer = unsent
	case e.Doubt:
		answer = unknown
		i.State, i.notUntil = CopyRequested, now.Add(t.opt.Settle)
		if i.tries++; i.tries > 1 || i.Row != "" {
			i.requested(now)
		}
	case e.Kind == ErrServer || e.Kind == ErrTimeout: // it never left
		answer = unsent
		if i.tries++; i.tries > failedLooks {
			i.end(CopyRefused, "cannot be asked for: %v", e)
		}
	default:
		answer, sentence = refused, e.Message
		i.refuse(sentence)
	}
	// The note is for the next start; this one knows. Its context may be over.
	if noteErr := t.note(i, answer, sentence); noteErr != nil {
		return noteErr
	}
	if answer == unsent {
		return err
	}
	return ctx.Err()
}

// refuse ends a package for which Launchpad queued nothing.
func (i *item) refuse(sentence string) {
	if strings.Contains(sentence, "is obsolete and will not accept new uploads") {
		i.end(CopySeriesObsolete, "%s", sentence)
		return
	}
	i.end(CopyRefused, "%s", sentence)
}

func (t *copier) note(i *item, answer, sentence string) error {
	return t.ledger.note(version{i.Name, i.Version}, t.c.now(), answer, sentence)
}

// recall takes over what the ledger says was asked for.
func (t *copier) recall() {
	if t.ledger == nil {
		return
	}
	for _, i := range t.items {
		line, ok := t.ledger.seen[version{i.Name, i.Version}]
		if !ok || i.State != CopyNotRequested {
			continue
		}
		switch line.Answer {
		case accepted:
			i.requested(line.Time.Time)
		case refused:
			i.refuse(line.Sentence)
		case unsent:
		default:
			i.tries, i.State, i.notUntil = 1, CopyRequested, line.Time.Add(t.opt.Settle)
			if i.Row != "" {
				i.requested(line.Time.Time)
			}
		}
	}
}
