package operate

import (
	"context"
	"errors"

	"github.com/landingteam/landing/systemimage"
)

// A CopyRequest says which image goes where. Every field that decides what
// devices get must be stated: the program's own defaults copy the newest image,
// keep its tag and publish it to everybody at once.
type CopyRequest struct {
	From    string // source channel
	Version int    // of the full image in From, 1 or more; always stated
	To      string // destination channel
	Device  string

	// Tag is the tag of the copy, KeepTag says that it inherits the tag of its
	// source. With neither, an image that carries a tag is refused, so that no
	// "OTA-13-rc" reaches stable unasked. A tag cannot be taken away by copying:
	// see [Server.Tag].
	Tag     string
	KeepTag bool

	Percentage int // of devices that may update to it, 0..100. The zero value is 0 %: nobody

	Job string // see Command.Job

	// Begun says that this very copy was begun before and that its end was not seen. What
	// its program left when it was killed is then brought to an end: an index that
	// takes no commit is mended, the image is lowered to Percentage, and the aliases get
	// it. Otherwise all are refused, because the image may be somebody's release.
	Begun bool
}

// A CopyResult is an image as it was copied or tagged, confirmed in the published
// index, or as it will be.
type CopyResult struct {
	Channel    string   `json:"channel"`
	Device     string   `json:"device"`
	Version    int      `json:"version"` // its number there
	From       string   `json:"from"`    // channel it came from
	Source     int      `json:"source"`  // its number in From
	Tag        string   `json:"tag"`
	Detail     string   `json:"detail"` // version_detail
	Percentage int      `json:"percentage"`
	Deltas     []int    `json:"deltas,omitempty"`  // versions from which a delta leads to it, ascending; nil without
	Aliases    []string `json:"aliases,omitempty"` // alias channels that have it too; nil without

	// Lacks are versions from which no delta leads to it, because the copy was killed
	// between the full image and its deltas: devices there download the full image. No
	// program of the server makes the delta later; copy-image refuses an image that is
	// the newest already.
	Lacks []int `json:"lacks,omitempty"`
	// Kept are the versions to which deltas still lead from expired images, by the expired
	// version, because the copy was killed while it expired them: they go with the images
	// that they lead to.
	Kept map[int][]int `json:"kept,omitempty"`
}

const copyOp = "copy image"

// CheckCopy says what Copy would do, and reads only. It refuses what copy-image
// refuses, in the same order, and what copy-image does not refuse but should.
//
// done says that the image is there already: the newest in the destination has
// the same files, tag and percentage, and nothing is left to do. With another
// tag or percentage CheckCopy fails with ErrRefused and says what may be meant,
// because copy-image would refuse too; see [CopyRequest] for one that was begun.
func (s *Server) CheckCopy(ctx context.Context, r CopyRequest) (c CopyResult, done bool, err error) {
	if r.Begun {
		if b, err := s.lookAtBegun(ctx, r); err == nil && !b.finished() {
			return CopyResult{}, false, nil // Copy finishes it
		}
	}
	p, done, err := s.planCopy(ctx, r)
	if err == nil && done {
		err = s.whole(ctx, r, p)
	}
	if err != nil {
		return CopyResult{}, false, err
	}
	return p.want, done && !s.jobLeft(ctx, r), nil
}

// Copy copies an image from one channel to another and returns what is
// published. It does nothing where CheckCopy says that this is done.
//
// The error tells how far it came: ErrRefused, ErrBroken from Preflight and
// ErrLocked mean that nothing was published; ErrPartial, that the image is
// published, but not all of what was asked, with the CopyResult saying how it is
// published and the text what is missing and how to mend it; ErrInDoubt, that
// it may still happen. Between its first commit and the last the program
// publishes at 100 %, whatever percentage was asked.
func (s *Server) Copy(ctx context.Context, r CopyRequest) (CopyResult, error) {
	if err := s.usable(copyOp, true); err != nil {
		return CopyResult{}, err
	}
	if r.Begun {
		if err := s.finish(ctx, r); err != nil {
			return CopyResult{}, err
		}
	}
	p, done, err := s.planCopy(ctx, r)
	if err != nil {
		return CopyResult{}, s.explain(ctx, copyOp, err, r.From, r.To, r.Device)
	}
	if done {
		err = s.whole(ctx, r, p)
		return p.want, err
	}
	if err := s.clear(ctx, copyOp, p); err != nil {
		return CopyResult{}, err
	}
	form, err := s.copyForm(ctx, copyOp)
	if err != nil {
		return CopyResult{}, err
	}
	c := s.withTempDir(ctx, s.command(r.Job, "copy-image", r.args(form)...))
	e, err := s.run(ctx, copyOp, r.To, r.Device, c)
	if err != nil {
		return CopyResult{}, err
	}
	got, err := s.settle(ctx, copyOp, p, e)
	if errors.Is(err, systemimage.ErrRefused) && alreadyLatest.in(e.refusal) {
		// Somebody else's copy came first. It may be the one that was asked for; if
		// not, the refusal says what fits.
		p, done, again := s.planCopy(ctx, r)
		if done {
			return p.want, nil
		} else if errors.Is(again, systemimage.ErrRefused) {
			err = again
		}
	}
	return got, err
}
