package launchpad

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/landingteam/landing/launchpad/debversion"
	"github.com/landingteam/landing/launchpad/value"
)

// expire ends what has taken too long.
func (t *copier) expire(ctx context.Context) error {
	now := t.c.now()
	if err := t.askWhy(ctx, now); err != nil {
		return err
	}
	for _, i := range t.items {
		switch {
		case i.State.Ended() || i.verified:
		case i.row == nil && !i.sent.IsZero() && now.Sub(i.sent) >= t.opt.LostAfter:
			if err := t.lose(ctx, i); err != nil {
				return err
			}
		case i.hopeless && now.Sub(i.seen) >= t.opt.LostAfter:
			i.end(CopyStuck, "binaries are missing and no build is under way that could make them; copied again with a new plan, they may come")
		case i.row != nil && now.Sub(i.seen) >= t.opt.StuckAfter:
			why := cmp.Or(i.Detail, "rows do not become Published")
			i.end(CopyStuck, "%s for %v", why, now.Sub(i.seen).Round(time.Minute))
		}
	}
	return nil
}

// lose gives up a package that never came, after a last look for exactly it,
// with what can be seen of a reason.
func (t *copier) lose(ctx context.Context, i *item) error {
	var rows, fresh []Publication
	err := each(t.c.Sources(ctx, t.plan.To, PublicationFilter{Name: i.Name, Series: t.plan.ToSeries}), func(s Publication) {
		rows = append(rows, s)
		if s.SelfLink.ID() > t.plan.LastSource || s.Status.Active() {
			fresh = append(fresh, s)
		}
	})
	if err != nil {
		return err
	}
	if row := bestSource(fresh, i.Version); row != nil {
		t.apply(i, row, fresh)
		return nil
	}
	why := "the copy job failed or waits; the requester gets a mail, and the target's +packages page may show why"
	for _, s := range rows {
		if s.Status.Active() && debversion.Compare(s.SourceVersion, i.Version) > 0 {
			why = "the target has the newer " + s.SourceVersion
			break
		}
		if s.SourceVersion == i.Version {
			why = "the target had this version before (" + string(s.Status) + "): other files of it may stand in the way"
		}
	}
	i.end(CopyLost, "%s", why)
	return nil
}

// askWhy reads the target archive now and then while rows do not get on: its
// publishing may have been switched off.
func (t *copier) askWhy(ctx context.Context, now time.Time) error {
	const patience = 15 * time.Minute
	slow := slices.ContainsFunc(t.items, func(i *item) bool {
		return i.row != nil && !i.verified && !i.State.Ended() && now.Sub(i.seen) >= min(patience, t.opt.StuckAfter)
	})
	if !slow || now.Sub(t.askedWhy) < patience/2 {
		return nil
	}
	a, err := read[Archive](ctx, t.c, t.plan.To)
	if err != nil {
		return err
	}
	t.askedWhy = now
	if !a.Publish.Is(false) && (a.Status == "Active" || a.Status == "" || a.Status == string(value.Redacted)) {
		return nil
	}
	for _, i := range t.items {
		if i.row == nil || i.verified || i.State.Ended() {
			continue
		}
		if a.Publish.Is(false) {
			i.end(CopyPublishingOff, "somebody switched it off for %s", a.Reference)
		} else {
			i.end(CopyDeleted, "%s is %s", a.Reference, a.Status)
		}
	}
	return nil
}
