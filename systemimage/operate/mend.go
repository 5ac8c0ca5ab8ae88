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

	// landing-mend WWW DIR FITS: brings the index in a device's folder to where a
	// commit can begin again. Exit 4: its files are changing just now. Exit
	// 6: FITS has to say whether the signature fits the index, yes or no. Otherwise
	// lines that say what was done.
	//
	// A commit writes .new, then .new.asc, removes .asc, moves .new.asc to .asc,
	// removes the index, moves .new there. Before the signature was moved nobody can
	// have seen the new index: it is undone. From there on it is finished: a .new
	// without .new.asc may belong to the signature unless it is the younger one.
	mendScript = `
cd "$1" || exit 3
see() { stat -c '%n %s %Y %i' -- "$1"/index.json* 2>/dev/null; }
before=$(see "$2")
sleep 1
[ "$before" = "$(see "$2")" ] || exit 4
finish() { mv -f -- "$2/index.json$1" "$2/index.json$3" && echo "moved index.json$1 to index.json$3"; }
if [ ! -e "$2/index.json" ] && [ -s "$2/index.json.new" ]; then
	finish .new "$2" ''
	[ ! -s "$2/index.json.new.asc" ] || finish .new.asc "$2" .asc
elif [ "$3" != yes ] && [ -s "$2/index.json.new" ] && [ ! -e "$2/index.json.new.asc" ] && [ -s "$2/index.json.asc" ] &&
	[ -z "$(find "$2/index.json.new" -newer "$2/index.json.asc")" ]; then
	[ "$3" = no ] || exit 6
	finish .new "$2" ''
fi
[ -e "$2/index.json" ] || exit 5
for f in "$2/index.json.new" "$2/index.json.new.asc"; do
	[ ! -e "$f" ] || { rm -f -- "$f" && echo "removed ${f##*/}"; }
done
[ -s "$2/index.json.asc" ] || echo unsigned
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
	m, err := s.mendIndex(ctx, channel, device)
	if err != nil {
		return m.done, err
	}
	if m.unsigned {
		if err := s.unsignedElsewhere(ctx, m); err != nil {
			return m.done, err
		}
		out, err := s.Runner.Run(ctx, s.command("", "re-sign-indexes", "-vvv"))
		if e := (ending{program: "re-sign-indexes", Output: out, transcript: readTranscript(out), err: err}); err != nil || out.Exit != 0 {
			return m.done, m.fail(systemimage.ErrBroken, fmt.Errorf("the index has no signature, and %v", e))
		}
		m.done = append(m.done, "signed the index again with re-sign-indexes")
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

// Unblock is Mend without a new signature: who sets a percentage next signs the index
// with it. Of an index without a signature devices take nothing, and somebody may have
// taken it away for that; an emergency stop must not publish what it comes to stop. What
// is left at the aliases of the channel goes too: the program that sets the percentage
// brings them up to date, and dies of it.
func (s *Server) Unblock(ctx context.Context, channel, device string) (done []string, err error) {
	m, err := s.mendIndex(ctx, channel, device)
	if err != nil {
		return m.done, err
	}
	left, err := s.leftOver(ctx, mendOp, aliasPlaces(m.listing, channel, device))
	if err == nil && len(left) > 0 {
		done, err = s.mendLeft(ctx, left)
	}
	return append(m.done, done...), err
}

// A mending is what was done to the files of an index.
type mending struct {
	channel, device string
	listing         *systemimage.Listing
	dir             string
	done            []string
	unsigned        bool
}

func (m *mending) fail(kind, err error) error {
	return &systemimage.Error{Op: mendOp, Channel: m.channel, Device: m.device, Kind: kind, Err: err}
}

// mendIndex brings the files of an index to where a commit can begin.
func (s *Server) mendIndex(ctx context.Context, channel, device string) (m mending, err error) {
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
	defer s.Client.Forget(device)
	out, err := s.mendFiles(ctx, m.listing, channel, device, m.dir)
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
	case out.Exit != 0:
		return m, m.fail(systemimage.ErrBroken, fmt.Errorf("exit status %d%s", out.Exit, out.LastWords()))
	}
	for line := range strings.Lines(string(out.Stdout)) {
		if line = strings.TrimSuffix(line, "\n"); line == "unsigned" {
			m.unsigned = true
		} else if line != "" {
			m.done = append(m.done, line)
		}
	}
	return m, nil
}

// mendFiles runs the script. Where it cannot tell by the files whether a signature fits
// the index, the client can.
func (s *Server) mendFiles(ctx context.Context, l *systemimage.Listing, channel, device, dir string) (command.Output, error) {
	run := func(fits string) (command.Output, error) {
		return s.Runner.Run(ctx, command.Script(mendScriptName, mendScript, s.root()+"/www", dir, fits))
	}
	out, err := run("")
	if err != nil || out.Exit != 6 {
		return out, err
	}
	s.Client.Forget(device)
	_, unfit := s.Client.IndexOf(ctx, l, channel, device)
	switch {
	case errors.Is(unfit, systemimage.ErrTorn):
		return run("no")
	case unfit != nil:
		return out, &systemimage.Error{Op: mendOp, Channel: channel, Device: device, Err: unfit}
	case s.Client.Unverified:
		return out, &systemimage.Error{Op: mendOp, Channel: channel, Device: device, Kind: systemimage.ErrBroken,
			Err: errors.New("whether index.json or index.json.new belongs to the signature is not known: read with a root of trust (Client.Trust), and start again")}
	}
	return run("yes")
}
