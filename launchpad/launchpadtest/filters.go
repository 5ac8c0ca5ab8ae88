package launchpadtest

import (
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/launchpad/debversion"
)

var statuses = [...]string{"Pending", "Published", "Superseded", "Deleted", "Obsolete"}

var pockets = [...]string{"Release", "Security", "Updates", "Proposed", "Backports"}

// filters are the parameters both listings of publications have.
type filters struct {
	name, version, status, pocket, component string
	exact                                    bool
	since                                    time.Time
	newest, oldest                           bool
}

func (q *query) filters(name string) filters {
	f := filters{name: q.text(name), version: q.text("version"), status: q.choice("status", statuses[:]...), pocket: q.choice("pocket", pockets[:]...),
		component: q.text("component_name"), exact: q.flag("exact_match", false), since: q.time("created_since_date"),
		newest: q.flag("order_by_date", false), oldest: q.flag("order_by_date_ascending", false)}
	if f.version != "" && f.name == "" {
		q.fail("The 'version' parameter can be used only together with the 'name' parameter.")
	}
	return f
}

func (f filters) match(r *Row, name, version string) bool {
	return (f.name == "" || name == f.name || !f.exact && strings.Contains(name, f.name)) && (f.version == "" || version == f.version) &&
		(f.status == "" || string(r.Status) == f.status) && (f.pocket == "" || f.pocket == r.pocket()) &&
		(f.component == "" || f.component == "main") && !r.Created.Before(f.since)
}

// order sorts rows in place; by name is what Launchpad does unasked.
func order[T any](f filters, rows []T, row func(T) (*Row, string, string)) {
	slices.SortStableFunc(rows, func(x, y T) int {
		a, an, av := row(x)
		b, bn, bv := row(y)
		switch {
		case f.newest:
			if c := b.Created.Compare(a.Created); c != 0 {
				return c
			}
		case f.oldest:
			if c := a.Created.Compare(b.Created); c != 0 {
				return c
			}
			return a.ID - b.ID
		default:
			if c := strings.Compare(an, bn); c != 0 {
				return c
			}
			if c := debversion.Compare(bv, av); c != 0 {
				return c
			}
		}
		return b.ID - a.ID
	})
}
