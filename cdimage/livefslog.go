package cdimage

import (
	"bytes"
	"io"
	"regexp"
	"strings"

	"github.com/landingteam/landing/cdimage/cause"
)

// A LivefsLog is what a builder of Launchpad says about one live file system:
// which steps ran, which failed, and why.
type LivefsLog struct {
	Build   string `json:"build,omitempty"`   // number of the build in Launchpad, from LIVEFSBUILD-N
	Project string `json:"project,omitempty"` // the livefs project, "ubuntu-touch"
	Series  string `json:"series,omitempty"`
	Arch    string `json:"arch,omitempty"`

	// Steps are the programs of the builder and, inside buildlivefs, the steps of
	// live-build.
	Steps   []Stage `json:"steps,omitempty"`
	Failing string  `json:"failing,omitempty"` // "buildlivefs: lb_chroot_install-packages live"; empty: nothing failed

	// Causes holds the cause and, if another class stays possible, the weaker
	// one behind it. Empty when the build is good, and when the log does not
	// allow a verdict: see Incomplete.
	Causes []cause.Cause `json:"causes"`

	// Incomplete says why the log allows no verdict: empty, cut, no log at
	// all. Causes that were certain before the cut are given nevertheless.
	Incomplete string `json:"incomplete,omitempty"`

	// Missing says that Launchpad has no log at all. It keeps one of every
	// build that a builder lived to report on.
	Missing bool `json:"missing,omitempty"`

	Lines int   `json:"lines"`
	Bytes int64 `json:"bytes"` // unpacked
}

// OK reports whether the log is that of a good build.
func (l *LivefsLog) OK() bool {
	return l.Incomplete == "" && l.Failing == "" && len(l.Causes) == 0
}

// ParseLivefsLog reads a livefs build log, plain or gzip, in one pass with
// flat memory, and names the cause of its failure by the rules of
// [Rules.Livefs]. The log is returned also with an error, with what could be
// told; the error is an [Error]: ErrIncomplete for a gzip that ends early,
// ErrFormat for a page of HTML in the log's place, or that of r.
func ParseLivefsLog(r io.Reader) (*LivefsLog, error) { return (*Rules)(nil).ParseLivefsLog(r) }

// livefsMarks are the lines that give a livefs log its structure.
var livefsMarks = []string{
	"launchpad-buildd/", "] lb_build", "] lb_config", "] lb_clean", "] lb_bootstrap", "] lb_chroot", "] lb_binary", "] lb_source",
	"] lb build", "] lb config", "] lb clean", "] lb bootstrap", "] lb chroot", "] lb binary", "] lb source",
	"build_livefs.py", "P: Begin unmounting filesystems", "Traceback (most recent", "CalledProcessError: ", "Waiting 15 seconds and trying again",
	" URL:http:/", " URL:https:", " MB/s) - '", " KB/s) - '", " MB/s) - `", " KB/s) - `", " MB/s) - ‘", " KB/s) - ‘",
}

var (
	tidying    = regexp.MustCompile(`^(?:P: |Reading package lists|Building dependency tree|Reading state information|Del )`)
	buildFrame = regexp.MustCompile(`/buildlivefs"|/build_livefs\.py"`)
	optProject = regexp.MustCompile(`'?--(project|series|arch)'?[,= ]+'?([A-Za-z0-9.+/-]+)`)
)

// nearEnd is how far above the end of a failing step a network message may
// stand and still be believed before a message of another class. Hooks try
// again, and go on without.
const nearEnd = 60

// livefsParser is the state of one pass.
type livefsParser struct {
	log   *LivefsLog
	rules *matcher
	s     *scanner

	run, lb   string // current step and its part
	work      string // last step that does work
	reached   bool   // buildlivefs was reached
	frozen    int    // line at which the failing step ended, 0 while it runs
	unmounted int    // line at which live-build cleans up, as it does at the end of a good part too
	traceback bool   // buildlivefs died in Python, as it does when any step fails
	tb        int    // line of the last traceback, and what stands above it
	tbAbove   said
	scanned   bool // scan-for-processes was reached
	aborted   bool // buildlivefs died when it was
	killed    said // what its traceback then says
	removed   bool // remove-build was reached: the log is whole
	end       said // last line of the failing step

	hits    []hit // of the current part of the step
	carried []hit // index files of earlier steps that never arrived
	after   []hit // infrastructure, while cleaning
	frames  bool  // inside a Python traceback
	failed  bool  // something was not fetched since the last download that went well
	follow  bool  // the last line was a dpkg error, the next tells whose fault
}

// ParseLivefsLog is [ParseLivefsLog] with the rules rs.
func (rs *Rules) ParseLivefsLog(r io.Reader) (*LivefsLog, error) {
	t := rs.orDefault().livefs
	p := &livefsParser{log: &LivefsLog{Causes: []cause.Cause{}}, rules: t.matcher(true), s: &scanner{g: t.literals}}
	plain, err := unpack(r)
	if err == nil {
		err = p.s.scan(plain, p.visit)
	}
	p.finish(err)
	if err != nil {
		err = &Error{Op: "read livefs log", What: p.log.Build, Kind: kindOf(err), Err: err}
	}
	return p.log, err
}

func (p *livefsParser) visit(line []byte, number int) bool {
	if follower := p.follow && bytes.Contains(line, []byte("dependency problems")); p.follow {
		p.follow = false
		if follower && len(p.hits) > 0 {
			p.hits = p.hits[:len(p.hits)-1]
		}
	}
	if p.frames && (len(line) == 0 || line[0] == ' ') {
		p.frame(line)
		return true
	}
	p.frames = false
	if p.structure(line, number) {
		return p.frames
	}
	switch {
	case bytes.HasPrefix(line, []byte("Get:")) || bytes.HasPrefix(line, []byte("Hit")):
		p.arrived(itemKey(line))
	case saved(line):
		if p.failed {
			p.wentOn()
		}
	default:
		p.rules.match(line, number, p.counts, p.found)
	}
	// While something is missing, watch whether it arrives after all.
	return p.follow || p.frozen == 0 && p.missing()
}

// counts reports whether one more line of a rule can make a difference: the first
// of each rule in a step is enough, and for the network the last too, which tells
// how near to the end it still went wrong. Of many lines about the network only a
// better one counts.
func (p *livefsParser) counts(r *compiled) bool {
	if p.frozen > 0 {
		return r.Class == cause.DiskSpace && p.traceback && p.run == p.work || r.Class == cause.Infrastructure && len(p.after) < 8
	}
	many := len(p.hits) >= 64
	if r.Class == cause.Network && !many {
		return true
	}
	for i := range p.hits {
		of := p.hits[i].rule
		if of == r || many && r.Class == cause.Network && of.Class == cause.Network && of.Rank >= r.Rank {
			return false
		}
	}
	return true
}

func (p *livefsParser) found(h hit) {
	if !p.counts(h.rule) {
		return
	}
	if p.frozen > 0 && h.rule.Class == cause.Infrastructure {
		p.after = append(p.after, h)
		return
	}
	if h.rule.Class == cause.Network && h.item == "" && strings.TrimLeft(h.line, " \t") != h.line {
		for _, above := range p.s.above() {
			h.item = errItem(above)
			h.past = bytes.HasPrefix(above, []byte("Ign")) // apt tries again, or does without
			break
		}
	}
	p.hits = append(p.hits, h)
	p.failed = p.failed || h.rule.Class == cause.Network
	p.follow = h.rule.Class == cause.Package && strings.HasPrefix(h.line, "dpkg: error processing")
}

func (p *livefsParser) finish(err error) {
	l := p.log
	l.Lines, l.Bytes = p.s.lines, p.s.bytes
	switch {
	case err != nil:
		l.Incomplete = err.Error()
	case l.Bytes == 0:
		l.Incomplete = "the log is empty"
	case len(l.Steps) == 0:
		l.Incomplete = "no livefs build log: it has no step of a builder"
	case p.s.unterminated && !p.removed:
		l.Incomplete = "the log stops in the middle of a line"
	}
	if l.Incomplete != "" && !p.died() && !(p.scanned && !p.reached) {
		return // anything may have followed
	}
	p.decide()
}
