package treecheck

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
)

// A ring is a keyring that the server publishes.
type ring struct {
	typ             keyring.Type
	channel, device string // of a keyring of a device
	path            string
	missing         bool
	tarball         []byte
	keys            *keyring.Keyring // nil when it is of no use
	all             *keyring.Keyring // the same with retired keys
	err             error            // it cannot be read
	wrong           error            // it is of another type or for another device
}

// keyringRules judge a published keyring. Its signature is judged with all others.
var keyringRules = []rule[*ring]{
	{class: "missing-keyring", severity: systemimage.Harmful, final: true, remedy: "publish the keyring again",
		look: func(_ *tree, r *ring) []problem {
			if !r.missing || r.typ == keyring.Blacklist { // a tree needs none of these
				return nil
			}
			return r.problem("is missing: devices that have not stored it get no update")
		}},
	{class: "bad-keyring", severity: systemimage.Harmful, final: true, remedy: "publish the keyring again",
		look: func(_ *tree, r *ring) []problem {
			if r.err == nil {
				return nil
			}
			return r.problem("cannot be read: " + r.err.Error())
		}},
	{class: "expired-keyring", severity: systemimage.Harmful, final: true,
		remedy: "make and publish a new one; it must hold the keys that have signed what is published",
		look: func(t *tree, r *ring) []problem {
			if r.keys == nil || r.keys.Expiry.IsZero() || !r.keys.Expiry.Before(t.o.Now) {
				return nil
			}
			return r.problem("expired on " + r.keys.Expiry.UTC().Format(time.DateOnly) + ": devices that have not stored it get no update")
		}},
	{class: "keyring-expires", severity: systemimage.Risky,
		remedy: "publish a new one before that; it must hold the keys that have signed what is published",
		look: func(t *tree, r *ring) []problem {
			if r.keys == nil || r.keys.Expiry.IsZero() || r.keys.Expiry.After(t.o.Now.Add(t.o.Within)) {
				return nil
			}
			return r.problem(fmt.Sprintf("expires on %s, in %d days", r.keys.Expiry.UTC().Format(time.DateOnly), int(r.keys.Expiry.Sub(t.o.Now).Hours()/24)))
		}},
	{class: "wrong-keyring", severity: systemimage.Harmful, remedy: "publish the right keyring in its place",
		look: func(_ *tree, r *ring) []problem {
			if r.wrong == nil {
				return nil
			}
			return r.problem("devices refuse it: " + r.wrong.Error())
		}},
}

func (r *ring) problem(text string) []problem {
	return []problem{{channel: r.channel, device: r.device, place: r.path, text: text}}
}

// gpg is where the server publishes a keyring of a type.
func gpg(typ keyring.Type) string { return "/gpg/" + string(typ) + ".tar.xz" }

// readKeyrings reads the keyrings of the tree, and those of devices.
func (t *tree) readKeyrings(ctx context.Context) error {
	for _, typ := range []keyring.Type{keyring.ImageMaster, keyring.Blacklist, keyring.ImageSigning} {
		t.rings[gpg(typ)] = &ring{typ: typ, path: gpg(typ)}
	}
	for _, at := range t.pairs() {
		if k := t.indexes[at].Entry.Keyring; k != nil && t.rings[k.Path] == nil {
			t.rings[k.Path] = &ring{typ: keyring.DeviceSigning, channel: at.channel, device: at.device, path: k.Path}
		}
	}
	var jobs []func(context.Context) error
	for _, r := range t.rings {
		jobs = append(jobs, func(ctx context.Context) error { return t.readKeyring(ctx, r) })
	}
	return t.run(ctx, jobs)
}

func (t *tree) readKeyring(ctx context.Context, r *ring) (err error) {
	r.tarball, err = t.small(ctx, r.path)
	switch {
	case errors.Is(err, systemimage.ErrNotFound):
		r.missing = true
		return nil
	case errors.Is(err, systemimage.ErrMalformed), errors.Is(err, systemimage.ErrRefused):
		r.err = err
		return nil
	case err != nil:
		return err
	}
	k, err := t.policy.Parse(r.tarball)
	if err != nil {
		r.err = err
		return nil
	}
	if err := k.Check(r.typ, r.device, t.o.Now); errors.Is(err, keyring.ErrWrongType) || errors.Is(err, keyring.ErrModel) {
		r.wrong = err
		return nil
	}
	r.all, r.keys = k, k.Without(t.o.Retired...)
	return nil
}

// keyrings are the published keyrings in order.
func (t *tree) keyrings() (list []*ring) {
	for _, path := range sortedKeys(t.rings) {
		list = append(list, t.rings[path])
	}
	order := []keyring.Type{keyring.ImageMaster, keyring.Blacklist, keyring.ImageSigning, keyring.DeviceSigning}
	slices.SortStableFunc(list, func(a, b *ring) int { return slices.Index(order, a.typ) - slices.Index(order, b.typ) })
	return list
}

// keys are those of the pinned or a published keyring; nil without it.
func (t *tree) keys(typ keyring.Type) *keyring.Keyring {
	if typ == keyring.ArchiveMaster {
		return t.root
	}
	if r := t.rings[gpg(typ)]; r != nil {
		return r.keys
	}
	return nil
}

// maxSmall bounds a keyring or a signature, in bytes.
const maxSmall = 16 << 20

// small reads a small file of the tree whole.
func (t *tree) small(ctx context.Context, place string) ([]byte, error) {
	body, err := t.c.Open(ctx, place)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, io.LimitReader(body, maxSmall+1))
	switch {
	case err != nil:
		return nil, &systemimage.Error{Op: "check tree", Place: place, Err: err}
	case b.Len() > maxSmall:
		return nil, &systemimage.Error{Op: "check tree", Place: place, Kind: systemimage.ErrMalformed, Err: fmt.Errorf("is larger than %d bytes", maxSmall)}
	}
	return b.Bytes(), nil
}
