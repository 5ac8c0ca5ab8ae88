package operate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"golang.org/x/sync/errgroup"
)

// A PhaseMany sets the percentages of several images with one command on the host.
type PhaseMany struct {
	Images []PhaseRequest // their own Quick, Blind and Unless do not count
	Quick  bool           // see [PhaseRequest]
	Blind  bool
	Unless string

	// Note, if set, is a file on the host that the same command writes before it
	// sets anything. When it cannot be written, the percentages are set all the same.
	Note *HostNote

	// Ended is told how each ended, by its number in Images, as soon as that is
	// known: confirmed in the published index, as by [Server.Phase], or why not. It
	// may be called by several goroutines.
	Ended func(n int, r PhaseResult, err error)
}

// A HostNote is a small file on the host, of one line.
type HostNote struct {
	Path, Text string

	// Join is how a text begins whose rest is kept behind the new one: what others
	// have noted in the same words. "" keeps nothing.
	Join string

	// Written is told what the file says then, or why it could not be written.
	Written func(text string, err error)
}

const (
	phaseManyScriptName = "landing-phase-many"

	// landing-phase-many ROOT UNLESS LAST NOTE TEXT JOIN PROGRAM ARG... <LINES: writes
	// the file NOTE, if it is not empty, and runs the program once for each line
	// "CHANNEL<tab>DEVICE<tab>VERSION<tab>PERCENTAGE", one after the other, while it
	// holds the lock of landing-phase. It says "landing-note 0 TEXT" or "landing-note 1
	// WHY", and for each line what the program said, then "landing-phase N EXIT". A
	// device whose index is missing is left alone (exit 74): the program would begin its
	// history again. With UNLESS there, or when the program has said LAST, nothing more
	// is run (exit 2 of the rest). It does not end with the link: whoever stops images
	// wants all of them stopped.
	phaseManyScript = `
trap '' HUP PIPE
root=$1 unless=$2 last=$3 note=$4 text=$5 join=$6; shift 6
if [ -n "$note" ]; then
	if [ -n "$join" ]; then
		old=$(head -c 60000 -- "$note" 2>/dev/null)
		case $old in "$join"*) text=$text${old#"$join"} ;; esac
	fi
	why=$( { mkdir -p -- "$(dirname -- "$note")" && printf '%s\n' "$text" >"$note.new" && mv -f -- "$note.new" "$note"; } 2>&1 )
	if [ "$(head -c 60000 -- "$note" 2>/dev/null)" = "$text" ]; then printf 'landing-note 0 %s\n' "$text"
	else printf 'landing-note 1 %s\n' "$(printf %s "$why" | tr '\n' ' ')"
	fi
fi
lock=$root/state/landing-phase.lock
` + holdPhaseLock + `
n=0 over=
tab=$(printf '\t')
while IFS=$tab read -r channel device version percentage; do
	index=$root/www/$channel/$device/index.json
	if [ -n "$unless" ] && [ -e "$unless" ]; then
		echo "landing-phase: error: $unless is there"; code=2
	elif [ -n "$over" ]; then
		echo "landing-phase: error: $over"; code=2
	elif ` + noIndex + `; then
		echo "landing-phase: $index is missing or empty"; code=74
	else
		said=$("$@" "$channel" "$device" "$version" "$percentage" 2>&1 </dev/null); code=$?
		printf '%s\n' "$said"
		if [ -n "$last" ]; then case $said in *"$last"*) over=$last ;; esac; fi
	fi
	echo "landing-phase $n $code"
	n=$((n + 1))
done
`

	exitNoIndex = 74 // of landing-phase-many and landing-phase
)

var errNoIndex = errors.New("its index is missing or empty on the host: nothing was run")

// PhaseMany sets the phased percentages of several images, one after the other, with
// one command on the host: see [Server.Phase] for one. What is there already is
// left alone; an image that cannot be set does not hold up the others, except that
// nothing is raised behind one that is not the newest any more. Each is read back
// while the next is set. How each ended is told to Ended.
//
// Of a session, what it has read counts as read just now: who has looked at the images a
// moment ago gives that look along, and no index is read twice before the command.
//
// Its error is about all of them: the command was not run, and nothing happened. A
// lost link does not end the command: then those whose end was not seen are
// ErrInDoubt.
func (s *Server) PhaseMany(ctx context.Context, r PhaseMany) error {
	if err := s.usable(phaseOp, true); err != nil {
		return err
	}
	m := &manyPhases{Server: s, r: r, before: make([]int, len(r.Images)), over: make([]bool, len(r.Images))}
	if !r.Blind && !r.Quick {
		begun := slices.DeleteFunc(slices.Clone(r.Images), func(q PhaseRequest) bool { return !q.Begun })
		switch err := s.mendPercentages(ctx, r.Unless, begun...); {
		case errors.Is(err, systemimage.ErrRefused): // as each would be by itself
			for n := range r.Images {
				m.tell(n, PhaseResult{}, err)
			}
			return nil
		case err != nil:
			return err
		}
	}
	if err := m.check(ctx); err != nil {
		return err
	}
	if len(m.todo) == 0 && r.Note == nil {
		return nil
	}
	m.run(ctx)
	return nil
}

// A manyPhases is one call of PhaseMany.
type manyPhases struct {
	*Server
	r      PhaseMany
	todo   []int // numbers of the images that are to be set, in the order of the lines
	before []int

	mu   sync.Mutex
	over []bool // its end was told

	// of the command, line by line
	said  []string
	noted bool
	ended int // of todo
	reads sync.WaitGroup
	slots chan struct{}
	later []heldResult // told when it is known whether they stay
	left  []leftPhase  // that were not set
}

type heldResult struct {
	n int
	p PhaseResult
}

type leftPhase struct {
	n int
	e ending
}

func (m *manyPhases) tell(n int, p PhaseResult, err error) {
	m.mu.Lock()
	told := m.over[n]
	m.over[n] = true
	m.mu.Unlock()
	if !told {
		m.r.Ended(n, p, err)
	}
}

// request is what is asked for an image.
func (m *manyPhases) request(n int) PhaseRequest {
	q := m.r.Images[n]
	q.Quick, q.Blind, q.Unless = m.r.Quick, m.r.Blind, m.r.Unless
	return q
}

// check finds out which images are left to be set, and what is in their way.
func (m *manyPhases) check(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(readsAtOnce)
	may := make([]bool, len(m.r.Images))
	for n, q := range m.r.Images {
		if m.r.Blind {
			if err := q.refuseBlind(); err != nil {
				m.tell(n, PhaseResult{}, err)
			} else {
				may[n] = true
			}
			continue
		}
		g.Go(func() error {
			p, done, err := m.checkPercentage(ctx, m.request(n))
			switch {
			case err != nil:
				m.tell(n, PhaseResult{}, m.explain(ctx, phaseOp, err, q.Channel, q.Channel, q.Device))
			case done:
				m.tell(n, p, nil)
			default:
				m.before[n], may[n] = p.Before, true
			}
			return nil
		})
	}
	_ = g.Wait() // each tells its own
	for n := range m.r.Images {
		if may[n] {
			m.todo = append(m.todo, n)
		}
	}
	if m.r.Blind || len(m.todo) == 0 {
		return nil
	}
	return m.inspectAll(ctx)
}

// inspectAll looks at the tree for all images at once. Where more devices than before
// would be offered an image, every index counts, else its own.
func (m *manyPhases) inspectAll(ctx context.Context) error {
	l, err := m.Client.Channels(ctx)
	if err != nil {
		return err
	}
	var look inspection
	folder := map[int]string{}
	for _, n := range m.todo {
		q := m.r.Images[n]
		d, err := l.Lookup(q.Channel, q.Device)
		if err != nil {
			return err
		}
		folder[n] = d.Folder()
		look.dirs = append(look.dirs, d.Folder())
		if q.Percentage > m.before[n] {
			look.indexes = allIndexes(l)
		}
	}
	slices.Sort(look.dirs)
	look.dirs = slices.Compact(look.dirs)
	findings, err := m.inspect(ctx, phaseOp, look)
	if err != nil {
		return err
	}
	m.todo = slices.DeleteFunc(m.todo, func(n int) bool {
		q := m.r.Images[n]
		own := slices.DeleteFunc(slices.Clone(findings), func(f systemimage.Finding) bool {
			ownFolder := strings.HasPrefix(f.Place, folder[n]+"/")
			if q.Percentage > m.before[n] {
				return !ownFolder && !everyIndex(f)
			}
			return !ownFolder || f.Class == wrongSignature || f.Class == olderIndex // looked at only for those that are raised
		})
		err := blocked(phaseOp, q.Channel, q.Device, own)
		if err != nil {
			m.tell(n, PhaseResult{}, err)
		}
		return err != nil
	})
	return nil
}

// run runs the command, and reads back what comes of it.
func (m *manyPhases) run(ctx context.Context) {
	m.slots = make(chan struct{}, readsAtOnce)
	c := m.settingMany()
	heard := 0
	c.Line = func(line string) {
		heard++
		m.line(ctx, line)
	}
	m.log().InfoContext(ctx, "run", "program", "set-phased-percentage", "images", len(m.todo))
	out, err := m.Runner.Run(ctx, c)
	lines := strings.Split(strings.TrimSuffix(string(out.Stdout), "\n"), "\n")
	for _, line := range lines[min(heard, len(lines)):] {
		m.line(ctx, line)
	}
	m.log().InfoContext(ctx, "ended", "program", "set-phased-percentage", "images", m.ended, "error", err)
	m.reads.Wait()
	if m.r.Note != nil && !m.noted {
		m.r.Note.Written("", errors.Join(err, fmt.Errorf("exit status %d: %s", out.Exit, bytes.TrimSpace(out.Stderr))))
	}
	if !m.r.Quick {
		m.whetherTheyStay(ctx)
	}
	for _, h := range m.later {
		m.tell(h.n, h.p, nil)
	}
	for _, l := range m.left {
		m.single(ctx, l)
	}
	for _, n := range m.todo[m.ended:] {
		e := ending{program: "set-phased-percentage", Output: out, err: err}
		kind := systemimage.ErrInDoubt
		if err == nil {
			kind = systemimage.ErrBroken // it says that it did not get so far
		}
		m.tell(n, PhaseResult{}, m.r.Images[n].fail(kind, errors.Join(errors.New(e.String()), err)))
	}
}

// settingMany is the command.
func (m *manyPhases) settingMany() command.Command {
	last := ""
	var in bytes.Buffer
	for _, n := range m.todo {
		q := m.r.Images[n]
		if q.Percentage > 0 {
			last = phaseNotLatest.of()
		}
		fmt.Fprintf(&in, "%s\t%s\t%d\t%d\n", q.Channel, q.Device, q.Version, q.Percentage)
	}
	note := HostNote{}
	if m.r.Note != nil {
		note = *m.r.Note
	}
	c := command.Script(phaseManyScriptName, phaseManyScript, m.root(), m.r.Unless, last, note.Path, note.Text, note.Join)
	c.Argv = append(c.Argv, m.command("", "set-phased-percentage", "-vvv").Argv...)
	c.Stdin = in.Bytes()
	return c
}

// line takes one line of what the command says.
func (m *manyPhases) line(ctx context.Context, line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case word == "landing-note" && !m.noted && m.r.Note != nil:
		m.noted = true
		code, text, _ := strings.Cut(rest, " ")
		if code == "0" {
			m.r.Note.Written(text, nil)
		} else {
			m.r.Note.Written("", errors.New("the file "+m.r.Note.Path+" cannot be written: "+text))
		}
		return
	case word == "landing-phase" && m.ended < len(m.todo):
		number, code, _ := strings.Cut(rest, " ")
		exit, err := strconv.Atoi(code)
		if number != strconv.Itoa(m.ended) || err != nil {
			break
		}
		out := command.Output{Stdout: []byte(strings.Join(m.said, "\n")), Exit: exit}
		m.said = nil
		n := m.todo[m.ended]
		m.ended++
		e := ending{program: "set-phased-percentage", Output: out, transcript: readTranscript(out)}
		m.reads.Go(func() {
			m.slots <- struct{}{}
			defer func() { <-m.slots }()
			m.readBack(ctx, n, e)
		})
		return
	}
	m.said = append(m.said, line)
}

// readBack looks what the program has brought about.
func (m *manyPhases) readBack(ctx context.Context, n int, e ending) {
	q := m.request(n)
	m.Client.Forget(q.Device)
	p, done, err := m.checkPercentage(ctx, q)
	p.Before = m.before[n]
	switch {
	case err == nil && done && m.r.Quick:
		m.tell(n, p, nil)
	case err == nil && done:
		m.mu.Lock()
		m.later = append(m.later, heldResult{n, p})
		m.mu.Unlock()
	case e.refusal != "":
		m.tell(n, PhaseResult{}, q.fail(systemimage.ErrRefused, fmt.Errorf("nothing happened: %s", e.refusal)))
	case err != nil && (errors.Is(err, systemimage.ErrRefused) || errors.Is(err, systemimage.ErrNotFound)):
		m.tell(n, PhaseResult{}, err)
	case errors.Is(err, systemimage.ErrTorn), errors.Is(err, systemimage.ErrBroken): // by the program's end, as it seems
		m.mu.Lock()
		m.left = append(m.left, leftPhase{n, e})
		m.mu.Unlock()
	case err != nil && e.complete:
		m.tell(n, PhaseResult{}, q.fail(systemimage.ErrInDoubt, fmt.Errorf("the server's program says that it is set to %d %%, but the published index cannot be read: %w", q.Percentage, err)))
	case err != nil:
		m.tell(n, PhaseResult{}, q.fail(systemimage.ErrInDoubt, fmt.Errorf("%v, and the published index cannot be read: %w", e, err)))
	default:
		m.mu.Lock()
		m.left = append(m.left, leftPhase{n, e})
		m.mu.Unlock()
	}
}

// single sees to an image that was not set. With time, it is asked for alone.
func (m *manyPhases) single(ctx context.Context, l leftPhase) {
	q := m.request(l.n)
	if !m.r.Quick && !m.r.Blind {
		p, err := m.Phase(ctx, q)
		m.tell(l.n, p, err)
		return
	}
	if l.e.Exit == exitNoIndex {
		m.tell(l.n, PhaseResult{}, q.fail(systemimage.ErrBroken, errNoIndex))
		return
	}
	p, _, err := m.checkPercentage(ctx, q)
	if err == nil {
		p, err = m.phaseFailed(ctx, q, p, l.e, 1)
	}
	m.tell(l.n, p, err)
}

// whetherTheyStay looks again at what was set while something that writes indexes is
// seen to run. What does not stay is set again.
func (m *manyPhases) whetherTheyStay(ctx context.Context) {
	if len(m.later) == 0 || !viewLock(ctx, m.Runner, m.root()).held {
		return
	}
	var stay []heldResult
	for _, h := range m.later {
		q := m.request(h.n)
		p, done, err := m.stays(ctx, q, ending{})
		switch {
		case err != nil:
			m.tell(h.n, p, q.fail(systemimage.ErrInDoubt, err))
		case done:
			stay = append(stay, h)
		default:
			m.left = append(m.left, leftPhase{h.n, ending{}})
		}
	}
	m.later = stay
}
