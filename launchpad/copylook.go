package launchpad

import (
	"cmp"
	"context"
	"fmt"

	"github.com/landingteam/landing/launchpad/debversion"
)

// look reads the sources that came into the target after the plan was made, in
// whatever state they are now. Rows stay in this listing, newest first, so
// that none is missed while pages shift.
func (t *copier) look(ctx context.Context) error {
	p := t.plan
	rows := map[string][]Publication{}
	wanted := map[string]bool{}
	for _, i := range t.items {
		wanted[i.Name] = true
	}
	err := each(t.c.sources(ctx, p.To, PublicationFilter{Series: p.ToSeries, Since: p.Since.Time}, newest), func(s Publication) {
		if s.SelfLink.ID() > p.LastSource && wanted[s.SourceName] {
			rows[s.SourceName] = append(rows[s.SourceName], s)
		}
	})
	if err != nil {
		return err
	}
	for _, i := range t.items {
		if best := bestSource(rows[i.Name], i.Version); best != nil {
			t.apply(i, best, rows[i.Name])
		}
	}
	return nil
}

// apply draws what a row of the item's version says.
func (t *copier) apply(i *item, row *Publication, others []Publication) {
	if i.State.Ended() && i.State != CopyLost {
		return
	}
	i.row = row
	switch row.Status {
	case Deleted:
		i.end(CopyDeleted, "by %s: %s", cmp.Or(row.RemovedByLink.Name(), "somebody"), cmp.Or(row.RemovalComment, "no comment"))
	case Superseded:
		by := "another version"
		for _, o := range others {
			if debversion.Compare(o.SourceVersion, i.Version) > 0 {
				by = o.SourceVersion
				break
			}
		}
		i.end(CopySuperseded, "by %s", by)
	case Obsolete:
		i.end(CopySeriesObsolete, "%s ended", t.plan.ToSeries)
	default:
		if i.seen.IsZero() {
			i.seen = t.c.now()
		}
		i.State, i.Detail = CopyPublishing, ""
		if !row.Status.Active() {
			i.Detail = fmt.Sprintf("in a state unknown here: %.40s", row.Status)
		}
	}
}

func (i *item) end(s CopyState, format string, args ...any) {
	i.State, i.Detail, i.verified = s, fmt.Sprintf(format, args...), false
}

// bestSource prefers an active row, then the newest.
func bestSource(rows []Publication, version string) *Publication {
	var best *Publication
	for n := range rows {
		if r := &rows[n]; r.SourceVersion == version && (best == nil || better(r, best)) {
			best = r
		}
	}
	return best
}

// better prefers an active row, then the newest.
func better(a, b *Publication) bool {
	if a.Status.Active() != b.Status.Active() {
		return a.Status.Active()
	}
	return a.SelfLink.ID() > b.SelfLink.ID()
}
