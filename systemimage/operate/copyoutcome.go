package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// settle finds out what a run of copy-image or tag-image brought about: by the
// published index, with what the program said as a hint. The files are looked at while
// the index is read.
func (s *Server) settle(ctx context.Context, op string, p *copyPlan, e ending) (CopyResult, error) {
	fail := func(kind, err error) (CopyResult, error) {
		return CopyResult{}, &systemimage.Error{Op: op, Channel: p.want.Channel, Device: p.want.Device, Kind: kind, Err: err}
	}
	if e.refusal != "" && e.version == 0 {
		return fail(systemimage.ErrRefused, fmt.Errorf("nothing happened: %s", e.refusal))
	}
	seen := s.filesAhead(ctx, op, p, e)
	after, found, err := s.look(ctx, p, e)
	files := <-seen
	if err != nil {
		return fail(s.unreadable(ctx, op, p, e, err))
	}
	if !found {
		if text := refuseNull(after.Index); text != "" {
			return fail(systemimage.ErrBroken, fmt.Errorf("%v, and %s", e, text))
		}
		return fail(notPublished(e))
	}
	got, wrong, err := s.compare(ctx, p, after, e)
	if err != nil {
		return got, err
	}
	damage, err := s.damage(ctx, op, after.Index, got.Version, files)
	if err != nil {
		return got, err
	}
	wrong = append(wrong, damage...)
	if !e.complete && (e.err != nil || e.Exit != 0 && e.Exit != exitReaderGone) {
		text := "mirrors were not told and old files not removed: run cleanup-tree"
		if hint := e.hint(); hint != "" {
			text += " (" + hint + ")"
		}
		wrong = append(wrong, text)
	}
	if len(wrong) == 0 {
		if e.Exit != 0 || e.err != nil {
			s.log().WarnContext(ctx, "published as asked all the same", "version", got.Version, "how", e.String())
		}
		return got, nil
	}
	return got, &systemimage.Error{Op: op, Channel: got.Channel, Device: got.Device, Kind: systemimage.ErrPartial,
		Err: fmt.Errorf("published as version %d at %d %%, but %v: %s", got.Version, got.Percentage, e, strings.Join(wrong, "; "))}
}

// unreadable says what it means that the index cannot be read after a run.
func (s *Server) unreadable(ctx context.Context, op string, p *copyPlan, e ending, err error) (kind, why error) {
	kind = systemimage.ErrInDoubt
	if errors.Is(err, systemimage.ErrTorn) && e.err == nil {
		kind = systemimage.ErrTorn
	}
	for _, f := range s.whyTorn(ctx, op, err, p.want.Channel, p.want.Channel, p.want.Device) {
		if f.Blocks {
			err = fmt.Errorf("%v: %w", f, err)
		}
	}
	return kind, fmt.Errorf("%v, and the published index cannot be read: %w", e, err)
}

// filesAhead looks at the files that the index will name, when the program has come to
// its end: what it has written lies there by then.
func (s *Server) filesAhead(ctx context.Context, op string, p *copyPlan, e ending) <-chan treeState {
	seen := make(chan treeState, 1)
	if !e.complete || e.err != nil {
		seen <- treeState{}
		return seen
	}
	go func() {
		t, err := s.ask(ctx, op, inspection{files: p.expectedFiles(cmp.Or(e.version, p.want.Version))})
		if err != nil { // looked at again, when the index is read
			t = treeState{}
		}
		seen <- t
	}()
	return seen
}

// damage looks at the files of a version that was just published: the programs
// publish cut files and empty signatures without a word. What was seen of them since
// counts where it shows them whole, and nothing else does.
func (s *Server) damage(ctx context.Context, op string, x *systemimage.Index, version int, seen treeState) ([]string, error) {
	var look inspection
	if m, ok := x.Full(version); ok {
		look.image(m)
	}
	for _, d := range x.Deltas(version) {
		look.image(d)
	}
	if len(blocking(seen.judge(look, s.root()))) == 0 {
		return nil, nil
	}
	findings, err := s.inspect(ctx, op, look)
	return blocking(findings), err
}

// notPublished says what it means that the image is not in the index.
func notPublished(e ending) (kind, err error) {
	switch {
	case e.err != nil:
		return systemimage.ErrInDoubt, fmt.Errorf("not published so far: %w", errors.Join(errors.New(e.String()), e.err))
	case e.Exit == 0 && e.complete:
		return systemimage.ErrInDoubt, fmt.Errorf("%v after a complete run, but the published index does not show it: a mirror may lag behind", e)
	case e.Exit == 0:
		return systemimage.ErrBroken, fmt.Errorf("nothing was published although %v", e)
	}
	text := fmt.Sprintf("nothing was published: %v", e)
	if hint := e.hint(); hint != "" {
		text += ": " + hint
	}
	return systemimage.ErrBroken, errors.New(text)
}

// look reads the destination's index until it shows the image that p expects. A
// mirror or a cache may lag behind a complete run by seconds.
func (s *Server) look(ctx context.Context, p *copyPlan, e ending) (after *systemimage.PublishedIndex, found bool, err error) {
	for try := range 6 {
		if after, err = s.Client.Index(ctx, p.want.Channel, p.want.Device); err != nil {
			return nil, false, err
		}
		s.noteRead(after)
		if _, found = p.find(after, e); found || !e.complete || try == 5 {
			return after, found, nil
		}
		if err := host.Sleep(ctx, 2*time.Second); err != nil {
			return nil, false, err
		}
		s.Client.Forget(p.want.Device)
	}
	return after, false, nil
}

// find returns the image that p brought about. It has the number that was
// expected, or that the program announced, unless another program published in
// between; it was not there before, and has the files of the source.
func (p *copyPlan) find(after *systemimage.PublishedIndex, e ending) (systemimage.Image, bool) {
	is := func(n int) (systemimage.Image, bool) {
		m, ok := after.Full(n)
		if old, was := p.base.Full(n); !ok || was && old.VersionDetail == m.VersionDetail && sameFiles(old, m) || !sameFiles(p.source, m) {
			return systemimage.Image{}, false
		}
		return m, true
	}
	if e.version > 0 {
		return is(e.version)
	}
	if m, ok := is(p.want.Version); ok {
		return m, true
	}
	for _, m := range slices.Backward(after.Fulls()) {
		if m, ok := is(m.Version); ok && m.Detail().Tag() == p.want.Tag {
			return m, true
		}
	}
	return systemimage.Image{}, false
}

// otherThanCopied is the remedy for a percentage that a copy or a tag left. Lower
// than asked, somebody may have stopped the image; higher, more devices are offered
// it than should be, unless it was released since.
func otherThanCopied(got CopyResult, is, want int) string {
	if is < want {
		return "somebody may have stopped it; ask before a rollout raises it"
	}
	return "unless it was released since, run " + commandLine("set-phased-percentage", "-v", got.Channel, got.Device, got.Version, want)
}

// compare says how the published image is, and what of it is not as asked.
func (s *Server) compare(ctx context.Context, p *copyPlan, after *systemimage.PublishedIndex, e ending) (CopyResult, []string, error) {
	m, _ := p.find(after, e)
	got := p.want
	deltas := after.Deltas(m.Version)
	got.Version, got.Tag, got.Detail, got.Percentage = m.Version, m.Detail().Tag(), m.VersionDetail, m.Percentage
	got.Deltas, got.Aliases = basesOf(deltas), nil
	var wrong []string
	say := func(format string, a ...any) { wrong = append(wrong, fmt.Sprintf(format, a...)) }

	for _, f := range p.source.Files {
		i := slices.IndexFunc(m.Files, func(g systemimage.File) bool { return g.Path == f.Path })
		if i >= 0 && (m.Files[i].Checksum != f.Checksum || m.Files[i].Size != f.Size) {
			say("%s is not the same file any more: checksum or size differ from the source", f.Path)
		}
	}
	renumbered := copiedDetail(p.want.Detail, false, "", m.Version)
	switch {
	case got.Tag != p.want.Tag:
		say("its tag is %q, not %q: run tag-image", got.Tag, p.want.Tag)
	case got.Detail != renumbered:
		say("its version_detail is %q, not %q", got.Detail, renumbered)
	}
	// The program named the deltas that the server's configuration asks for.
	bases := e.deltas
	if len(bases) == 0 && !e.complete {
		bases = p.want.Deltas
	}
	for _, b := range bases {
		if _, ok := after.Full(b); ok && !slices.Contains(got.Deltas, b) { // else it expired with its base
			say("the delta from %d is missing: devices on %d download the full image", b, b)
		}
	}
	if newest, _ := after.Newest(); newest > m.Version {
		say("version %d was published on top of it since: its percentage of %d %% has no effect", newest, p.want.Percentage)
	} else if m.Percentage != p.want.Percentage {
		say("it is at %d %% of devices instead of %d %%: %s", m.Percentage, p.want.Percentage, otherThanCopied(got, m.Percentage, p.want.Percentage))
	} else {
		for _, d := range deltas {
			if d.Percentage != p.want.Percentage {
				say("its delta from %d is at %d %% instead of %d %%: %s", d.Base, d.Percentage, p.want.Percentage, otherThanCopied(got, d.Percentage, p.want.Percentage))
			}
		}
	}
	if before, ok := p.base.Newest(); ok && m.Version <= before {
		say("its number is not above %d, the newest before: the index was lost and its history begun again, or the number was kept", before)
	}
	aliases, lag, err := s.checkAliases(ctx, after, m, p.want.Aliases)
	got.Aliases = aliases
	return got, append(wrong, lag...), err
}
