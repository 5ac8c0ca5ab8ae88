package procedure

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// A NamedImage is one image of a channel and device, by its number: what is
// phased in, or taken back.
type NamedImage struct {
	Channel string `json:"channel"`
	Device  string `json:"device"`
	Version int    `json:"version"` // the newest of the channel; the server phases no other
}

// String names its place: "CHANNEL:DEVICE".
func (t NamedImage) String() string { return t.Channel + ":" + t.Device }

// once fails when a device of a channel is named twice.
func once(images []NamedImage) error {
	for n, t := range images {
		if slices.ContainsFunc(images[:n], func(o NamedImage) bool { return o.String() == t.String() }) {
			return fmt.Errorf("%s is named twice", t)
		}
	}
	return nil
}

// offeredAs returns the number under which the content of an image is published
// as the newest: its own, or that of an image with the same files, such as
// tag-image makes. newer is the newest image when that has other files.
func offeredAs(ctx context.Context, client *systemimage.Client, t NamedImage) (number int, newer systemimage.Image, err error) {
	x, err := client.Index(ctx, t.Channel, t.Device)
	if err != nil {
		return t.Version, newer, err
	}
	newest, _ := x.Newest()
	m, _ := x.Latest()
	switch {
	case newest < t.Version:
		return t.Version, newer, &systemimage.Error{Kind: systemimage.ErrNotFound,
			Err: fmt.Errorf("%s has no image %d: its newest is %d, at %d %%. If that is the faulty one, start a back-out of it at once", t, t.Version, m.Version, m.Percentage)}
	case sameContent(x.Index, t.Version, newest):
		return newest, newer, nil
	}
	if m.Version < newest { // a delta without a full image
		m = systemimage.Image{Version: newest, Percentage: 100}
	}
	return t.Version, m, nil
}

// notOffered says that another image is what devices are offered: the wrong number
// was named, or what was meant is over already.
func notOffered(t NamedImage, newest systemimage.Image, who string) error {
	text := fmt.Sprintf("%s: image %d is not what is offered there: image %d is, at %d %%. If that has the fault, start a back-out of it; if it is the mend, bring it to everybody with a rollout",
		t, t.Version, newest.Version, newest.Percentage)
	if who != "" {
		text += fmt.Sprintf(". Until it is at 100 %% image %d can still be had (%s)", t.Version, who)
	}
	return &systemimage.Error{Kind: systemimage.ErrRefused, Err: errors.New(text)}
}

// sameContent reports whether two images have the same files, but for the one
// that says their number.
func sameContent(x *systemimage.Index, a, b int) bool {
	m, hasA := x.Full(a)
	n, hasB := x.Full(b)
	return a == b || hasA && hasB && slices.Equal(content(m), content(n))
}

func content(m systemimage.Image) (names []string) {
	for _, f := range m.Files {
		if name := path.Base(f.Path); !strings.HasPrefix(name, "version-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
