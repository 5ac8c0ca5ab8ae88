package operate

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// Preflight looks for broken states that concern a device in a channel: a
// missing or damaged index, left-overs of a killed commit, missing or empty signatures,
// payloads of the newest image that are missing or cut. Copy, Tag and
// Phase do the same first. It runs one command on the server and changes
// nothing. Only a finding with Blocks keeps them back.
func (s *Server) Preflight(ctx context.Context, channel, device string) ([]systemimage.Finding, error) {
	const op = "look for broken states"
	if err := s.usable(op, false); err != nil {
		return nil, err
	}
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return nil, err
	}
	entry, err := l.Lookup(channel, device)
	if err != nil {
		return nil, err
	}
	look := inspection{dirs: []string{entry.Folder()}, temp: s.TempDir(ctx)}
	p, err := s.Client.IndexOf(ctx, l, channel, device)
	if err == nil {
		if m, ok := p.Latest(); ok {
			look.image(m)
		}
	} else if !errors.Is(err, systemimage.ErrTorn) && !errors.Is(err, systemimage.ErrMalformed) && !errors.Is(err, systemimage.ErrSignature) {
		return nil, err
	}
	return s.inspect(ctx, op, look)
}

// clear looks for broken states that would spoil p.
func (s *Server) clear(ctx context.Context, op string, p *copyPlan) error {
	findings, err := s.inspect(ctx, op, p.look)
	if err != nil {
		return err
	}
	for _, f := range findings {
		if !f.Blocks {
			s.log().WarnContext(ctx, "found in the published tree", "finding", f.String())
		}
	}
	return blocked(op, p.want.Channel, p.want.Device, findings)
}

// blocked joins the findings that stand in the way of an effect, or is nil.
func blocked(op, channel, device string, findings []systemimage.Finding) error {
	words := blocking(findings)
	if len(words) == 0 {
		return nil
	}
	return &systemimage.Error{Op: op, Channel: channel, Device: device, Kind: systemimage.ErrBroken, Err: errors.New("nothing was run: " + strings.Join(words, "; "))}
}

// blocking are the findings that Block, in words.
func blocking(findings []systemimage.Finding) (words []string) {
	for _, f := range findings {
		if f.Blocks {
			words = append(words, f.String())
		}
	}
	return words
}

// explain adds what is found on the server to an index that cannot be read, when
// nothing has been run.
func (s *Server) explain(ctx context.Context, op string, err error, from, to, device string) error {
	if b := blocked(op, to, device, s.whyTorn(ctx, op, err, from, to, device)); b != nil {
		return errors.Join(b, err)
	}
	return err
}

// whyTorn looks on the server why an index cannot be read.
func (s *Server) whyTorn(ctx context.Context, op string, err error, from, to, device string) []systemimage.Finding {
	if !errors.Is(err, systemimage.ErrTorn) {
		return nil
	}
	l, e := s.Client.Channels(ctx)
	if e != nil {
		return nil
	}
	var look inspection
	for _, c := range slices.Compact([]string{from, to}) {
		if d, e := l.Lookup(c, device); e == nil {
			look.dirs = append(look.dirs, d.Folder())
		}
	}
	findings, _ := s.inspect(ctx, op, look)
	return findings
}
