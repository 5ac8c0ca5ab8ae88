package procedure

import (
	"context"
	"fmt"
)

// A replacement is one image that is to be published again.
type replacement struct {
	PublishedImage        // the faulty image
	Good           int    `json:"good"` // number of the good image in the same channel
	Detail         string `json:"detail"`
	AlreadyHigher  int    `json:"already_higher,omitempty"` // a newer version is there: the faulty one is not what devices get
	NoGood         string `json:"no_good,omitempty"`        // why there is nothing to go back to
}

// findGood looks for the image to go back to on each target.
func (c *BackOut) findGood(ctx context.Context) ([]replacement, error) {
	var plan []replacement
	for _, t := range c.Input.Faulty {
		x, err := c.Server.Client.Index(ctx, t.Channel, t.Device)
		if err != nil {
			return nil, err
		}
		v := replacement{PublishedImage: t}
		if n, _ := x.Newest(); n > t.Version && !sameContent(x.Index, t.Version, n) {
			v.AlreadyHigher = n
		}
		want := 0
		for _, g := range c.Input.Good {
			if g.Channel == t.Channel && g.Device == t.Device {
				want = g.Version
			}
		}
		for _, m := range x.Fulls() {
			if m.Version < t.Version && (want == 0 || m.Version == want) && !sameContent(x.Index, m.Version, t.Version) {
				v.Good, v.Detail = m.Version, m.VersionDetail
			}
		}
		switch {
		case v.Good == 0 && want > 0:
			return nil, fmt.Errorf("%s has no full image %d below %d, with other files, to go back to", t, want, t.Version)
		case v.Good == 0:
			v.NoGood = "no full image with other files is left below it on the server"
		}
		plan = append(plan, v)
	}
	return plan, nil
}
