package launchpadtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	slices.SortStableFunc(rows, func(x, y *Build) int { return y.Ended.Compare(x.Ended) })
	return s.page(q, listing{n: len(rows), entry: func(i int) any { return s.hideBuild(q, rows[i]) }})
}

func (s *Server) buildCounters(a *Archive) *answer {
	c := map[string]int{"total": 0, "pending": 0, "failed": 0, "succeeded": 0, "superseded": 0}
	for _, b := range s.world.Builds {
		if b.Archive != a.Ref || b.State == launchpad.Cancelled {
			continue
		}
		c["total"]++
		switch {
		case b.State == launchpad.Built:
			c["succeeded"]++
		case b.State == launchpad.SupersededSource:
			c["superseded"]++
		case b.State.Failed():
			c["failed"]++
		default:
			c["pending"]++
		}
	}
	return jsonAnswer(c)
}

func (s *Server) buildSummaries(q *query, a *Archive) *answer {
	out := object{}
	for _, id := range q.list("source_ids") {
		n, err := strconv.Atoi(id)
		src := find(s.world.Sources, func(v *Source) bool { return v.ID == n && v.Archive == a.Ref })
		if err != nil || src == nil {
			continue
		}
		builds := []object{}
		building, needs, failed, unpublished := false, false, false, false
		for _, b := range s.world.Builds {
			if b.SourceName != src.SourceName || b.SourceVersion != src.SourceVersion || b.Series != src.Series || b.Upload != src.Upload {
				continue
			}
			builds = append(builds, s.buildEntry(q, b))
			switch {
			case b.State == launchpad.NeedsBuilding:
				needs = true
			case b.State.Failed():
				failed = true
			case b.State != launchpad.Built:
				building = true
			default:
				unpublished = unpublished || !slices.ContainsFunc(s.world.Binaries, func(v *Binary) bool { return v.Archive == a.Ref && v.Build == b.ID && !v.Published.IsZero() })
			}
		}
		status := "FULLYBUILT"
		switch {
		case building:
			status = "BUILDING"
		case needs:
			status = "NEEDSBUILD"
		case failed:
			status = "FAILEDTOBUILD"
		case unpublished:
			status = "FULLYBUILT_PENDING"
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
		if !b.State.Failed() || b.State == launchpad.SupersededSource {
			return text(400, "Build %d cannot be retried.", b.ID)
		}
		b.State, b.Started, b.Ended, b.Due = launchpad.NeedsBuilding, zero, zero, s.world.Now.Add(orTime(s.world.BuildTime, 600e9))
		return jsonAnswer(nil)
	case "POST cancel":
		if !b.State.Final() {
			b.State, b.Due, b.Ended = launchpad.Cancelled, zero, s.world.Now
		}
		return jsonAnswer(nil)
	}
	return s.entryAnswer(q, func() object { return s.buildEntry(q, b) }, nil)
}

// logText is what a build printed.
func logText(title string, failed bool) string {
	end := "Build finished"
	if failed {
		end = "E: Build killed"
	}
	return fmt.Sprintf("%s\n\x1b[1mRUN: /usr/share/launchpad-buildd/bin\x1b[0m\nbad byte: \xff\n%s\n", title, end)
}
