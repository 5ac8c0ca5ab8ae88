package operate

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// Every program that publishes brings the aliases of its channel up to date at its end,
// all their devices, each with a commit of its own. One that is killed there leaves its index.json.new at the
// alias, where the next commit dies of it: the alias stays behind its target, and every
// later import ends there. Whoever began what was killed mends that too; the next run of
// any of these programs then does the rest.

// A place is an index of its own: where it is, and whose.
type place struct {
	channel, device string
	dir             string // below the published tree
	alias           bool
}

// placesOf are the indexes that a program commits which publishes something for a device
// in a channel: those of the aliases, which come first, with all of their devices, and its
// own.
func placesOf(l *systemimage.Listing, channel, device string) (list []place) {
	aliases := aliasesOf(l, channel)
	for _, p := range allPlaces(l) {
		if p.alias && slices.Contains(aliases, p.channel) || p.channel == channel && p.device == device {
			list = append(list, p)
		}
	}
	return list
}

// aliasPlaces are those of placesOf that are aliases'.
func aliasPlaces(l *systemimage.Listing, channel, device string) []place {
	return slices.DeleteFunc(placesOf(l, channel, device), func(p place) bool { return !p.alias })
}

// allPlaces are those of the whole tree: of the aliases first.
func allPlaces(l *systemimage.Listing) (list []place) {
	for channel, device := range l.Pairs() {
		d := l.Channels[channel].Devices[device]
		if d.Folder() == path.Join(channel, device) { // else it is that of another
			a := l.Channels[channel].Alias
			list = append(list, place{channel, device, d.Folder(), a != "" && a != channel})
		}
	}
	slices.SortStableFunc(list, func(a, b place) int {
		switch {
		case a.alias == b.alias:
			return strings.Compare(a.dir, b.dir)
		case a.alias:
			return -1
		}
		return 1
	})
	return list
}

// aliasFolders are the folders of the indexes of aliases.
func aliasFolders(l *systemimage.Listing) (list []string) {
	for _, p := range allPlaces(l) {
		if p.alias {
			list = append(list, p.dir)
		}
	}
	return list
}

// leftOver reports whether a killed commit has left something in a folder.
func (t treeState) leftOver(dir string) bool {
	return t.has(dir+"/index.json.new") || t.has(dir+"/index.json.new.asc")
}

// leftOver looks which of the places have something that a killed commit left, or that
// is being committed just now.
func (s *Server) leftOver(ctx context.Context, op string, places []place) ([]place, error) {
	var look inspection
	for _, p := range places {
		look.follow = append(look.follow, p.dir)
	}
	t, err := s.ask(ctx, op, look)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(places), func(p place) bool { return !t.leftOver(p.dir) }), nil
}

// mendLeft mends the indexes of places, one after the other, and says in words what it
// did. Those of aliases are not signed by the way: what follows commits them anew.
func (s *Server) mendLeft(ctx context.Context, places []place, rules mendRules) (did []string, err error) {
	for _, p := range places {
		var done []string
		if p.alias {
			var m mending
			m, err = s.mendIndex(ctx, p.channel, p.device, rules)
			done = m.done
		} else {
			done, err = s.mend(ctx, p.channel, p.device, rules)
		}
		for _, d := range done {
			did = append(did, fmt.Sprintf("%s %s: %s", p.channel, p.device, d))
		}
		if err != nil {
			return did, err
		}
	}
	if len(did) > 0 {
		s.log().InfoContext(ctx, "mended what a killed program left", "did", did)
	}
	return did, nil
}

// mendPercentages mends what killed percentages of ours have left, with one look for all.
// While the file unless is there, none is published (ErrRefused).
func (s *Server) mendPercentages(ctx context.Context, unless string, begun ...PhaseRequest) error {
	if len(begun) == 0 {
		return nil
	}
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return err
	}
	ours := map[place]bool{}
	for _, q := range begun {
		for _, p := range placesOf(l, q.Channel, q.Device) {
			ours[p] = true
		}
	}
	places := slices.DeleteFunc(allPlaces(l), func(p place) bool { return !ours[p] })
	left, err := s.leftOver(ctx, phaseOp, places)
	if err == nil {
		_, err = s.mendLeft(ctx, left, mendRules{unless: unless, explained: true})
	}
	return err
}
