package operate

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

const mendOp = "mend index"

const (
	mendScriptName = "landing-mend"

	// landing-mend WWW DIR FITS HOW UNLESS: brings the index in a device's folder to where
	// a commit can begin again. Exit 4: its files are changing just now. Exit
	// 6: FITS has to say whether the signature fits the index, yes or no. Exit 7: the
	// file UNLESS is there, and a commit would have to be finished. Otherwise
	// lines that say what was done. "unsigned" is that the index has no signature,
	// "unfinished" that a commit has lost it, which shows by what it left: with the HOW
	// signed that stays until the index is signed.
	//
	// A commit writes .new, then .new.asc, removes .asc, moves .new.asc to .asc,
	// removes the index, moves .new there. Before the signature was moved nobody can
	// have seen the new index: it is undone. From there on it is finished: a .new
	// without .new.asc may belong to the signature unless it is the younger one. With
	// the HOW unsigned its signature goes first, so that devices go on to take nothing.
	mendScript = `
cd "$1" || exit 3
index=$2/index.json fits=$3 how=$4 unless=$5
see() { stat -c '%n %s %Y %i' -- "$index"* 2>/dev/null; }
before=$(see)
sleep 1
[ "$before" = "$(see)" ] || exit 4
move() { mv -f -- "$index$1" "$index$2" && echo "moved index.json$1 to index.json$2"; }
drop() { [ ! -e "$index$1" ] || { rm -f -- "$index$1" && echo "removed index.json$1"; }; }
finish() {
	[ -z "$unless" ] || [ ! -e "$unless" ] || exit 7
	if [ "$how" = unsigned ]; then drop .asc; drop .new.asc; fi
	move .new ''
	[ ! -s "$index.new.asc" ] || move .new.asc .asc
}
if [ ! -e "$index" ] && [ -s "$index.new" ]; then
	finish
elif [ "$fits" != yes ] && [ -s "$index.new" ] && [ ! -e "$index.new.asc" ] && [ -s "$index.asc" ] &&
	[ -z "$(find "$index.new" -newer "$index.asc")" ]; then
	[ "$fits" = no ] || exit 6
	finish
fi
[ -e "$index" ] || exit 5
if [ "$how" = signed ] && [ ! -s "$index.asc" ] && [ -e "$index.new.asc" ]; then echo unfinished; exit; fi
drop .new; drop .new.asc
[ -s "$index.asc" ] || echo unsigned
`
)

// Mend repairs what a killed commit left of a device's index: it finishes one
// whose signature has taken the place of the old one, removes the left-overs that make every further commit fail, and has
// an unsigned index signed again. It returns what it did, in words; nothing when
// nothing was wrong.
//
// cleanup-tree and the next commit would do most of it too, but need the global
// lock, which an import may hold for an hour while a faulty image is out. Mend
// takes no lock; it signs nothing while another index is in doubt (ErrBroken), which
// re-sign-indexes would publish with it; it touches nothing that is changing at that moment (ErrLocked).
// What else is broken is ErrBroken with the remedy of [Server.Preflight].
func (s *Server) Mend(ctx context.Context, channel, device string) (done []string, err error) {
	return s.mend(ctx, channel, device, mendRules{})
}

func (s *Server) mend(ctx context.Context, channel, device string, rules mendRules) (done []string, err error) {
	first := rules
	first.signed = true
	m, err := s.mendIndex(ctx, channel, device, first)
	if err != nil {
		return m.done, err
	}
	if m.unsigned && rules.explained {
		return m.done, m.fail(systemimage.ErrBroken, errors.New("the index has no signature, and no killed program has left it so: look what devices would be offered, then run re-sign-indexes"))
	}
	if m.unsigned || m.unfinished {
		if err := s.unsignedElsewhere(ctx, m); err != nil {
			return m.done, err
		}
		out, err := s.Runner.Run(ctx, s.command("", "re-sign-indexes", "-vvv"))
		if e := (ending{program: "re-sign-indexes", Output: out, transcript: readTranscript(out), err: err}); err != nil || out.Exit != 0 {
			return m.done, m.fail(systemimage.ErrBroken, fmt.Errorf("the index has no signature, and %v", e))
		}
		m.done = append(m.done, "signed the index again with re-sign-indexes")
	}
	if m.unfinished {
		rest, err := s.mendIndex(ctx, channel, device, rules)
		if m.done = append(m.done, rest.done...); err != nil {
			return m.done, err
		}
	}
	findings, err := s.inspect(ctx, mendOp, inspection{dirs: []string{m.dir}})
	if err == nil {
		err = blocked(mendOp, channel, device, findings)
	}
	if err != nil || len(m.done) == 0 {
		return m.done, err
	}
	s.Client.Forget(device)
	if _, err := s.Client.IndexOf(ctx, m.listing, channel, device); errors.Is(err, systemimage.ErrTorn) {
		return m.done, m.fail(systemimage.ErrBroken, fmt.Errorf("the index is in place, but its signature does not fit: look whether it is what should be published, "+
			"then run re-sign-indexes (%w)", err))
	}
	return m.done, nil
}

// unsignedElsewhere keeps re-sign-indexes from signing what it is not called for: it
// signs every index, also one whose signature somebody took away so that devices take
// nothing from it.
func (s *Server) unsignedElsewhere(ctx context.Context, m mending) error {
	findings, err := s.inspect(ctx, mendOp, inspection{dirs: []string{m.dir}, indexes: allIndexes(m.listing)})
	if err != nil {
		return err
	}
	var others []string
	for _, f := range findings {
		if everyIndex(f) && path.Dir(f.Place) != m.dir {
			others = append(others, f.Place+" "+f.Problem)
		}
	}
	if len(others) == 0 {
		return nil
	}
	return m.fail(systemimage.ErrBroken, fmt.Errorf("the index has no signature, and re-sign-indexes would publish others, too: %s. Look what devices would be offered there, then run re-sign-indexes", strings.Join(others, "; ")))
}

// mendRules are what a mending must not do.
type mendRules struct {
	signed    bool   // who mends signs the index
	unsigned  bool   // a commit that is finished is not published: its signature goes first
	unless    string // a file on the host; while it is there, no commit is finished. "" is none
	explained bool   // an index is signed again only where a killed commit has lost its signature
}

// A mending is what was done to the files of an index.
type mending struct {
	channel, device string
	listing         *systemimage.Listing
	dir             string
	done            []string
	unsigned        bool
	unfinished      bool
}

func (m *mending) fail(kind, err error) error {
	return &systemimage.Error{Op: mendOp, Channel: m.channel, Device: m.device, Kind: kind, Err: err}
}

// mendable finds the folder of an index.
func (s *Server) mendable(ctx context.Context, channel, device string) (m mending, err error) {
	m = mending{channel: channel, device: device}
	if err := s.usable(mendOp, true); err != nil {
		return m, err
	}
	if m.listing, err = s.Client.Channels(ctx); err != nil {
		return m, err
	}
	d, err := m.listing.Lookup(channel, device)
	if err != nil {
		return m, err
	}
	m.dir = d.Folder()
	if !plainPath(m.dir) {
		return m, m.fail(systemimage.ErrRefused, fmt.Errorf("%q is no path below the published tree", m.dir))
	}
	return m, nil
}

// mendIndex brings the files of an index to where a commit can begin.
func (s *Server) mendIndex(ctx context.Context, channel, device string, rules mendRules) (m mending, err error) {
	if m, err = s.mendable(ctx, channel, device); err != nil {
		return m, err
	}
	defer s.Client.Forget(device)
	out, err := s.mendFiles(ctx, m, rules)
	var own *systemimage.Error
	switch {
	case errors.As(err, &own):
		return m, own
	case err != nil:
		return m, m.fail(systemimage.ErrInDoubt, err)
	case out.Exit == 4:
		return m, m.fail(systemimage.ErrLocked, errors.New("the index is being written just now: try again when that program has ended"))
	case out.Exit == 5:
		return m, m.fail(systemimage.ErrBroken, errors.New("there is no index and no successor of it: put it back from a mirror or a backup before anything else runs"))
	case out.Exit == 7:
		return m, m.fail(systemimage.ErrRefused, fmt.Errorf("a commit of a killed program is not finished: %s is there", rules.unless))
	case out.Exit != 0:
		return m, m.fail(systemimage.ErrBroken, fmt.Errorf("exit status %d%s", out.Exit, out.LastWords()))
	}
	for line := range strings.Lines(string(out.Stdout)) {
		switch line = strings.TrimSuffix(line, "\n"); line {
		case "unsigned":
			m.unsigned = true
		case "unfinished":
			m.unfinished = true
		case "":
		default:
			m.done = append(m.done, line)
		}
	}
	return m, nil
}

// mendFiles runs the script. Where it cannot tell by the files whether a signature fits
// the index, the client can.
func (s *Server) mendFiles(ctx context.Context, m mending, rules mendRules) (command.Output, error) {
	how := ""
	if rules.unsigned {
		how = "unsigned"
	} else if rules.signed {
		how = "signed"
	}
	run := func(fits string) (command.Output, error) {
		return s.Runner.Run(ctx, command.Script(mendScriptName, mendScript, s.root()+"/www", m.dir, fits, how, rules.unless))
	}
	out, err := run("")
	if err != nil || out.Exit != 6 {
		return out, err
	}
	s.Client.Forget(m.device)
	_, unfit := s.Client.IndexOf(ctx, m.listing, m.channel, m.device)
	switch {
	case errors.Is(unfit, systemimage.ErrTorn):
		return run("no")
	case unfit != nil:
		return out, m.fail(nil, unfit)
	case s.Client.Unverified:
		return out, m.fail(systemimage.ErrBroken, errors.New("whether index.json or index.json.new belongs to the signature is not known: read with a root of trust (Client.Trust), and start again"))
	}
	return run("yes")
}
