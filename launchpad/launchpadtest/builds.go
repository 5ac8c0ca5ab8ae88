package launchpadtest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/launchpad"
)

// hideBuild is the entry of a build, or nil for who may not see its archive.
func (s *Server) hideBuild(q *query, b *Build) any {
	if a := s.world.archive(b.Archive); a == nil || !s.sees(q, a) {
		return nil
	}
	return s.buildEntry(q, b)
}

func (s *Server) buildRecords(q *query, a *Archive) *answer {
	state, name := q.text("build_state"), q.text("source_name")
	if state != "" && !launchpad.BuildState(state).Known() {
		q.fail(`build_state: Invalid value "%s".`, state)
	}
	if bad := q.failed(); bad != nil {
		return bad
	}
	var rows []*Build
	for _, b := range s.world.Builds {
		if b.Archive == a.Ref && (state == "" || string(b.State) == state) && strings.Contains(b.SourceName, name) {
			rows = append(rows, b)
		}
	}
	slices.SortFunc(rows, func(x, y *Build) int {
		if state == "" || launchpad.BuildState(state) == launchpad.SupersededSource {
			return cmp.Or(y.Created.Compare(x.Created), x.ID-y.ID)
		}
		return cmp.Or(y.Ended.Compare(x.Ended), x.ID-y.ID)
	})
	return s.page(q, listing{n: len(rows), entry: func(i int) any { return s.hideBuild(q, rows[i]) }})
}

// buildCounters counts builds; one that is cancelled, or about to be, is in no count.
func (s *Server) buildCounters(q *query, a *Archive) *answer {
	waiting := q.flag("include_needsbuild", true)
	if bad := q.failed(); bad != nil {
		return bad
	}
	c := map[string]int{"total": 0, "pending": 0, "failed": 0, "succeeded": 0, "superseded": 0}
	for _, b := range s.world.Builds {
		if b.Archive != a.Ref || b.State == launchpad.NeedsBuilding && !waiting {
			continue
		}
		kind := "pending"
		switch b.State {
		case launchpad.Cancelled, launchpad.Cancelling:
			continue
		case launchpad.Built:
			kind = "succeeded"
		case launchpad.SupersededSource:
			kind = "superseded"
		case launchpad.FailedToBuild, launchpad.DependencyWait, launchpad.ChrootProblem, launchpad.FailedToUpload:
			kind = "failed"
		}
		c[kind]++
		c["total"]++
	}
	return jsonAnswer(c)
}

// buildsOf are the builds of a source publication: those made in its archive, and
// those made elsewhere that have a binary here, ordered by architecture.
func (w *World) buildsOf(src *SourceRow) (rows []*Build) {
	for _, b := range w.Builds {
		if b.Series != src.Series || b.Upload != src.Upload {
			continue
		}
		if b.Archive == src.Archive || slices.ContainsFunc(w.Binaries, func(v *BinaryRow) bool { return v.Archive == src.Archive && v.Build == b.ID }) {
			rows = append(rows, b)
		}
	}
	slices.SortStableFunc(rows, func(a, b *Build) int { return strings.Compare(a.Arch, b.Arch) })
	return rows
}

// buildSets are the states that a summary tells apart. The first of which there is
// a build is the summary, with those builds alone. Cancelled and superseded builds
// are in none.
var buildSets = [...]struct {
	status string
	states []launchpad.BuildState
}{
	{"BUILDING", []launchpad.BuildState{launchpad.Building, launchpad.Gathering, launchpad.Uploading}},
	{"NEEDSBUILD", []launchpad.BuildState{launchpad.NeedsBuilding}},
	{"FAILEDTOBUILD", []launchpad.BuildState{launchpad.FailedToBuild, launchpad.DependencyWait, launchpad.ChrootProblem, launchpad.FailedToUpload}},
}

// summary is how the builds of a source stand.
func (w *World) summary(src *SourceRow) (status string, builds []*Build) {
	all := w.buildsOf(src)
	in := func(states ...launchpad.BuildState) (rows []*Build) {
		for _, state := range states {
			for _, b := range all {
				if b.State == state {
					rows = append(rows, b)
				}
			}
		}
		return rows
	}
	for _, set := range buildSets {
		if rows := in(set.states...); len(rows) > 0 {
			return set.status, rows
		}
	}
	built := in(launchpad.Built)
	unpublished := slices.DeleteFunc(slices.Clone(built), func(b *Build) bool {
		return slices.ContainsFunc(w.Binaries, func(v *BinaryRow) bool {
			return v.Archive == src.Archive && v.Series == src.Series && v.Build == b.ID && !v.Published.IsZero()
		})
	})
	if src.Status.Active() && len(unpublished) > 0 {
		return "FULLYBUILT_PENDING", unpublished
	}
	return "FULLYBUILT", built
}

func (s *Server) buildSummaries(q *query, a *Archive) *answer {
	out := object{}
	for _, id := range q.list("source_ids") {
		n, err := strconv.Atoi(id)
		src := find(s.world.Sources, func(v *SourceRow) bool { return v.ID == n && v.Archive == a.Ref })
		if err != nil || src == nil {
			continue
		}
		status, rows := s.world.summary(src)
		builds := []object{}
		for _, b := range rows {
			builds = append(builds, s.buildEntry(q, b))
		}
		out[id] = object{"status": status, "builds": builds, "date_published": when(src.Published), "source_package_name": src.SourceName}
	}
	return jsonAnswer(out)
}

func (s *Server) buildResource(q *query, a *Archive, b *Build) *answer {
	if !s.sees(q, a) {
		return denied("BinaryPackageBuild", "buildstate", "launchpad.View")
	}
	if q.Method == "POST" && !s.may(q, a.Owner) {
		return denied("BinaryPackageBuild", q.op, "launchpad.Edit")
	}
	switch q.Method + " " + q.op {
	case "POST retry":
		if !b.State.Failed() {
			return text(400, "Build %d cannot be retried.", b.ID)
		}
		b.State, b.Started, b.Ended, b.Due = launchpad.NeedsBuilding, zero, zero, s.world.Now.Add(orTime(s.world.BuildTime, 600e9))
		return jsonAnswer(nil)
	case "POST cancel":
		s.world.cancel(&b.State, &b.Ended, &b.Due)
		return jsonAnswer(nil)
	}
	return s.entryAnswer(q, func() object { return s.buildEntry(q, b) }, nil)
}

// cancellable are the states in which a build can be cancelled.
func cancellable(state launchpad.BuildState) bool {
	return state == launchpad.NeedsBuilding || state == launchpad.Building
}

// cancel stops a build that waits, and asks the builder to stop one that runs. Any
// other is left alone.
func (w *World) cancel(state *launchpad.BuildState, ended, due *time.Time) {
	switch *state {
	case launchpad.NeedsBuilding:
		*state, *ended, *due = launchpad.Cancelled, w.Now, zero
	case launchpad.Building:
		*state, *due = launchpad.Cancelling, w.Now.Add(time.Minute)
	}
}

// logText is what a build printed.
func logText(title string, failed bool) string {
	end := "Build finished"
	if failed {
		end = "E: Build killed"
	}
	return fmt.Sprintf("%s\n\x1b[1mRUN: /usr/share/launchpad-buildd/bin\x1b[0m\nbad byte: \xff\n%s\n", title, end)
}
