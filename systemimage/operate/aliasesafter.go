package operate

import (
	"context"
	"fmt"
	"slices"

	"github.com/landingteam/landing/systemimage"
)

// aliasesOf returns the alias channels of a channel, in order.
func aliasesOf(l *systemimage.Listing, channel string) []string {
	var list []string
	for _, name := range l.Names() {
		if a := l.Channels[name]; name != channel && a.Alias == channel && a.Redirect == "" {
			list = append(list, name)
		}
	}
	return list
}

// checkAliases compares image m with its copies in alias channels.
func (s *Server) checkAliases(ctx context.Context, x *systemimage.PublishedIndex, m systemimage.Image, names []string) (same, lag []string, err error) {
	if len(names) == 0 {
		return nil, nil, nil
	}
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		a, err := s.Client.IndexOf(ctx, l, name, x.Device)
		if err != nil {
			lag = append(lag, fmt.Sprintf("alias %s cannot be read (%v)", name, err))
			continue
		}
		if why := differs(x.Index, a.Index, m); why != "" {
			lag = append(lag, fmt.Sprintf("alias %s %s: run set-phased-percentage again, which synchronizes it", name, why))
			continue
		}
		same = append(same, name)
	}
	return same, lag, nil
}

// differs says how an alias differs from its target in image m, or nothing.
func differs(x, alias *systemimage.Index, m systemimage.Image) string {
	c, ok := alias.Full(m.Version)
	if !ok {
		return fmt.Sprintf("does not have version %d", m.Version)
	}
	want, got := x.Deltas(m.Version), alias.Deltas(m.Version)
	switch {
	case !sameFiles(m, c):
		return fmt.Sprintf("has other files in version %d", m.Version)
	case c.Percentage != m.Percentage:
		return fmt.Sprintf("has version %d at %d %%", m.Version, c.Percentage)
	case !slices.Equal(basesOf(want), basesOf(got)):
		return fmt.Sprintf("has other deltas to version %d", m.Version)
	}
	for i := range got {
		if got[i].Percentage != want[i].Percentage {
			return fmt.Sprintf("has the delta from %d at %d %%", got[i].Base, got[i].Percentage)
		}
	}
	return ""
}
