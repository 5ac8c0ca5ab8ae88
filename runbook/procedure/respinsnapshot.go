package procedure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/debversion"
	"github.com/landingteam/landing/runbook"
)

// prepare brings the snapshot PPA to what the image is to be built from.
func (c *Respin) prepare(ctx context.Context, r *runbook.Run) error {
	in := c.Input
	if in.AsIs || in.Origin == "" {
		if err := c.behind(ctx, r); err != nil {
			return err
		}
	} else if in.Origin != "" {
		s := &Snapshot{Launchpad: c.Launchpad, Ledger: c.ledger("snapshot"),
			Input: SnapshotInput{From: in.Origin, To: in.PPA, Series: in.Series, Create: in.Create, Not: in.Not}}
		if err := s.Run(ctx, r.Group("snapshot")); err != nil {
			return err
		}
	}
	if r.Planning() && len(in.Extra) > 0 {
		if _, err := c.Launchpad.Archive(ctx, in.PPA); errors.Is(err, launchpad.ErrNotFound) {
			return r.Note("the extra packages are copied once the PPA is there")
		}
	}
	for _, e := range in.Extra {
		_, err := copyArchive(ctx, r.Group("extra packages of "+e.From), c.Launchpad, launchpad.PlanRequest{
			From: e.From, To: in.PPA, Series: in.Series, Names: e.Names,
		}, c.ledger(e.From), in.Not)
		if err != nil {
			return err
		}
	}
	return nil
}

// behind looks at a snapshot that is taken as it is. It asks before an image is
// built without what the origin has published meanwhile: images built from the
// origin have it.
func (c *Respin) behind(ctx context.Context, r *runbook.Run) error {
	in := c.Input
	lines, err := runbook.Read(ctx, r, "is the snapshot behind its origin", func(ctx context.Context) ([]string, error) {
		has, err := c.published(ctx, in.PPA)
		if err != nil || in.Origin == "" {
			return nil, err
		}
		ahead, err := c.published(ctx, in.Origin)
		if err != nil {
			return nil, err
		}
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(ahead)) {
			if debversion.Compare(has[name], ahead[name]) < 0 {
				lines = append(lines, fmt.Sprintf("%s is %s in %s, and %s in the snapshot", name, ahead[name], in.Origin, cmp.Or(has[name], "not there")))
			}
		}
		return lines, nil
	})
	if err == nil && in.Origin == "" {
		return r.Note(in.PPA + " is taken as it is; whether it is behind what images are built from cannot be told without its origin")
	}
	if err != nil || len(lines) == 0 {
		return err
	}
	return r.Gate(ctx, runbook.Gate{
		Name:     "behind the origin",
		Question: "The snapshot lacks what its origin has. Build an image with older packages all the same?",
		Evidence: lines, Not: in.Not, NeedReason: true,
	})
}

// published are the highest versions that an archive has published.
func (c *Respin) published(ctx context.Context, ref string) (map[string]string, error) {
	a, err := c.Launchpad.Archive(ctx, ref)
	if errors.Is(err, launchpad.ErrNotFound) {
		return nil, fmt.Errorf("%s is not there, or not yours to see: %w", ref, err)
	} else if err != nil {
		return nil, err
	}
	list := map[string]string{}
	for s, err := range c.Launchpad.Sources(ctx, a.SelfLink, launchpad.PublicationFilter{Status: launchpad.Published, Series: c.Input.Series}) {
		if err != nil {
			return nil, err
		}
		if debversion.Compare(list[s.SourceName], s.SourceVersion) < 0 {
			list[s.SourceName] = s.SourceVersion
		}
	}
	return list, nil
}

// ledger is a file of its own for every copy.
func (c *Respin) ledger(of string) string {
	if c.Ledger == "" {
		return ""
	}
	return c.Ledger + "." + strings.NewReplacer("/", "-", ":", "-").Replace(of)
}

func ppaName(ref string) (owner, name string, ok bool) {
	owner, name, ok = strings.Cut(strings.TrimPrefix(ref, "ppa:"), "/")
	return owner, name, ok && strings.HasPrefix(ref, "ppa:") && owner != "" && name != "" && !strings.Contains(name, "/")
}
