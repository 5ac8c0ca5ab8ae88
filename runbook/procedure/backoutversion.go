package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// A replacement is one image that is to be published again.
type replacement struct {
	NamedImage           // the faulty image
	Good          int    `json:"good"` // number of the good image in the same channel
	Detail        string `json:"detail"`
	AlreadyHigher int    `json:"already_higher,omitempty"` // a newer version is there: the faulty one is not what devices get
	NoGood        string `json:"no_good,omitempty"`        // why there is nothing to go back to
}

// findGood chooses the image to go back to for each faulty one: the one that was
// asked for, or the highest full image below the faulty one that has other files
// than it. It gets the next number of the channel when it is published again,
// because devices only move up.
//
// Where the newest image is not the faulty one, it must be an older one that was
// published again: then nothing is left to be published. Anything else is refused,
// because devices are offered that and not what was named.
func (c *BackOut) findGood(ctx context.Context, now *operate.Server) ([]replacement, error) {
	if err := readAhead(ctx, now, c.Input.Faulty, false); err != nil {
		return nil, err
	}
	first := c.Input.Faulty[0]
	if err := OneServer(ctx, now, first.Channel, first.Device); err != nil && !errors.Is(err, errMirrorLags) {
		return nil, err
	}
	var plan []replacement
	for _, t := range c.Input.Faulty {
		x, err := now.Client.Index(ctx, t.Channel, t.Device)
		if err != nil {
			return nil, err
		}
		v := replacement{NamedImage: t}
		if n, _ := x.Newest(); n > t.Version && !sameContent(x.Index, t.Version, n) {
			if !slices.ContainsFunc(x.Fulls(), func(m systemimage.Image) bool { return m.Version < t.Version && sameContent(x.Index, m.Version, n) }) {
				return nil, notOfferedNow(ctx, now, x, t)
			}
			v.AlreadyHigher = n
		}
		if err := c.choose(x, &v); err != nil {
			return nil, err
		}
		plan = append(plan, v)
	}
	return plan, nil
}

func (c *BackOut) choose(x *systemimage.PublishedIndex, v *replacement) error {
	want := 0
	for _, g := range c.Input.Good {
		if g.Channel == v.Channel && g.Device == v.Device {
			want = g.Version
		}
	}
	for _, m := range x.Fulls() {
		if m.Version < v.Version && (want == 0 || m.Version == want) && !sameContent(x.Index, m.Version, v.Version) {
			v.Good, v.Detail = m.Version, m.VersionDetail
		}
	}
	switch {
	case v.Good == 0 && want > 0:
		return fmt.Errorf("%s has no full image %d below %d, with other files, to go back to", v, want, v.Version)
	case v.Good == 0:
		v.NoGood = "no full image with other files is left below it on the server"
	}
	return nil
}

func notOfferedNow(ctx context.Context, now *operate.Server, x *systemimage.PublishedIndex, t NamedImage) error {
	newest, _ := x.Latest()
	who, err := whoGets(ctx, now.Client, t)
	return errors.Join(notOffered(t, newest, who), err)
}
