// Package doctor looks over a site before it is needed: what can be reached, who we
// are there and what we may do, whether the programs and tools are there, whether the
// host and the URL are one server, and what somebody left behind. It changes nothing.
//
// The nouns, in reading order:
//
//   - A [Site] is what is examined: clients, and the hosts behind them.
//   - [Examine] makes every check that has something to look at and returns its
//     [Result]: [OK], [Warning], [Failed], or [Skipped] with what stood in the way.
//   - A check is an entry of a table; those of a host are judged from its facts, which
//     one command gathers.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// A State is what a check came to.
type State string

// The states.
const (
	OK      State = "ok"
	Warning State = "warning" // it works today, or not all of it
	Failed  State = "failed"  // a procedure would fail here, or do harm
	Skipped State = "skipped" // could not be looked at, because of what failed before
)

// A Result is what one check found.
type Result struct {
	Check string `json:"check"`           // what was looked at, such as "host key"
	Where string `json:"where,omitempty"` // part of the site, mostly a section of its file
	State State  `json:"state"`
	Text  string `json:"text"`           // what is there
	Mend  string `json:"mend,omitempty"` // what to do about it
}

// A Host is a machine that is reached over SSH.
type Host struct {
	Section string // of the site file: "image-server" or "cdimage"
	Runner  command.Runner
	Jobs    interface { // nil: jobs are not looked for
		Jobs(ctx context.Context) ([]command.Job, error)
	}
	Root string // of the server's or the builder's tree there
}

// A Site is what is examined. What is nil is not looked at.
type Site struct {
	Tree     *systemimage.Client
	Keyring  []byte // the pinned archive-master keyring; nil: read unverified
	Server   *operate.Server
	Importer *operate.Importer

	ImageServer *Host
	Builder     *Host
	BuildLogs   *cdimage.Client
	Images      cdimage.ImageSet

	Launchpad      *launchpad.Client
	LaunchpadError error // why there is no client with credentials

	Journals []string // folders in which journals are looked for

	Now func() time.Time // the clock; time.Now when nil
}

// An examination is one walk through the table. What a check finds out that later
// ones need stands here.
type examination struct {
	Site
	facts    map[string]facts // of hosts, by section
	listing  *systemimage.Listing
	importer *operate.ImporterStatus // nil: the crontab was not read
	closed   map[part]string         // parts that cannot be looked at, and why
	apart    bool                    // host and URL are two servers
}

// A check looks at one thing, of one part of the site.
type check struct {
	name string
	part part
	plan bool // also before every plan
	look func(ctx context.Context, x *examination) []Result
}

// A part of a site, whose first check says whether it can be looked at at all.
type part string

const (
	imageServer part = "image-server"
	tree        part = "tree"
	builder     part = "cdimage"
	buildLogs   part = "logs"
	launchpads  part = "launchpad"
	here        part = "here"
)

func checks() []check {
	var all []check
	for _, table := range [][]check{hostChecks(imageServer), imageServerChecks(), treeChecks(), bothChecks(), hostChecks(builder), builderChecks(), launchpadChecks(), hereChecks()} {
		all = append(all, table...)
	}
	return all
}

// there tells which parts of the site there are to look at.
func (s *Site) there(p part) bool {
	switch p {
	case imageServer:
		return s.ImageServer != nil
	case tree:
		return s.Tree != nil
	case builder:
		return s.Builder != nil
	case buildLogs:
		return s.BuildLogs != nil
	case launchpads:
		return s.Launchpad != nil || s.LaunchpadError != nil
	}
	return true
}

// Examine makes all checks, in an order in which a reader understands them, and hands
// each result to report as soon as it is known.
func Examine(ctx context.Context, s Site, report func(Result)) {
	s.examine(ctx, report, func(check) bool { return true })
}

// BeforePlan makes those checks without which the plan of a procedure on the site
// would mean little, and returns what failed.
func BeforePlan(ctx context.Context, s Site) (failed []Result) {
	s.examine(ctx, func(r Result) {
		if r.State == Failed {
			failed = append(failed, r)
		}
	}, func(c check) bool { return c.plan })
	return failed
}

func (s *Site) examine(ctx context.Context, report func(Result), wanted func(check) bool) {
	x := &examination{Site: *s, facts: map[string]facts{}, closed: map[part]string{}}
	for _, c := range checks() {
		if !s.there(c.part) || !wanted(c) {
			continue
		}
		if why := x.closed[c.part]; why != "" {
			report(Result{Check: c.name, Where: string(c.part), State: Skipped, Text: "not looked at: " + why})
			continue
		}
		found := c.look(ctx, x)
		if len(found) == 0 {
			found = []Result{{State: OK, Text: "nothing found"}}
		}
		for _, r := range found {
			r.Check = c.name
			if r.Where == "" && c.part != here {
				r.Where = string(c.part)
			}
			report(r)
			if r.State == Failed && opens(c.name) {
				x.closed[c.part] = c.name + " failed"
			}
		}
	}
}

// opens tells of a check whether nothing else of its part can be looked at when it
// fails.
func opens(name string) bool {
	return slices.Contains([]string{"reach", "root", "channels.json"}, name)
}

func (s *Site) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// one makes the results of a check that finds one thing.
func one(state State, mend, format string, args ...any) []Result {
	return []Result{{State: state, Text: fmt.Sprintf(format, args...), Mend: mend}}
}
