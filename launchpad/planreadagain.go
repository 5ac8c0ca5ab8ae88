package launchpad

import (
	"context"
	"slices"
	"time"
)

// fewSuspects are read one by one; each takes some three requests.
const fewSuspects = 20

// again looks for what came into the origin while it was read, and for sources
// and binaries that do not fit together, which a page that shifted may cause.
// Their names are read once more, one by one; it reports false if they are too
// many for that.
func (p *planner) again(ctx context.Context) (bool, error) {
	if p.req.Replay != nil {
		return true, nil
	}
	suspects := map[string]bool{}
	p.suspectMoved(suspects)
	if p.req.literal() == nil && !p.req.SourceOnly {
		p.suspectTorn(suspects)
	}
	if len(suspects) > fewSuspects {
		return false, nil
	}
	var tasks []task
	for name := range suspects {
		delete(p.sources, name)
		delete(p.moving, name)
		for v := range p.binaries {
			if v.name == name {
				delete(p.binaries, v)
			}
		}
		tasks = append(tasks, func(ctx context.Context) error { return p.byName(ctx, name) })
	}
	return true, sideBySide(ctx, tasks...)
}

// rows are those of the origin for a name, published and pending.
func (p *planner) rows(name string) []Publication {
	return slices.Concat(p.sources[name], p.moving[name])
}

// suspectMoved names the sources of which a row came, got on or went while the
// lists were read.
func (p *planner) suspectMoved(suspects map[string]bool) {
	fresh := p.began.Add(-5 * time.Minute) // clocks differ
	for _, s := range p.recent {
		if !p.req.picks(s.SourceName) {
			continue
		}
		rows := p.rows(s.SourceName)
		at := slices.IndexFunc(rows, func(o Publication) bool { return o.SelfLink == s.SelfLink })
		changed := at >= 0 && rows[at].Status != s.Status || at < 0 && s.Status.Active()
		if changed || s.Status.Active() && s.DateCreated.After(fresh) {
			suspects[s.SourceName] = true
		}
	}
}

// suspectTorn names binaries without their source, and sources without binaries.
func (p *planner) suspectTorn(suspects map[string]bool) {
	for v := range p.binaries {
		if len(p.sources[v.name]) == 0 && !slices.ContainsFunc(p.moving[v.name], func(s Publication) bool { return s.SourceVersion == v.version }) {
			suspects[v.name] = true
		}
	}
	for name, rows := range p.sources {
		if len(p.binaries[version{name, highest(rows).SourceVersion}]) == 0 {
			suspects[name] = true
		}
	}
}
