package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// Chain is a chain of trust, as far as it was verified: the pinned root and the
// keyrings that [Chain.With] added beneath it. It is a value that never changes and may
// be used by several goroutines.
type Chain struct {
	policy  Policy
	device  string
	root    *Keyring
	master  *Keyring
	black   *Keyring
	signing *Keyring
	devices *Keyring
}

// NewChain starts a chain with a root: the tarball of the archive-master keyring, which
// comes with a device or a program and never from the server. The device, which may be
// empty, is the model that keyrings with a model must be for. A root is checked for its
// type only; whoever hands it over vouches for it.
func NewChain(root []byte, device string, policy Policy) (*Chain, error) {
	return newChain(root, device, policy, policy.Parse)
}

// newChain starts a chain, and takes the tarball apart with parse.
func newChain(root []byte, device string, policy Policy, parse parseFunc) (*Chain, error) {
	k, err := parse(root)
	if err != nil {
		return nil, about("root", err)
	}
	if k.Type != ArchiveMaster {
		return nil, &Error{Kind: ErrWrongType, Object: "root", Text: fmt.Sprintf("keyring is of type %.40q, wanted %s", string(k.Type), ArchiveMaster)}
	}
	return &Chain{policy: policy, device: device, root: k}, nil
}

// With returns a chain that has the keyring of a type, after verifying its signature
// with the keyring that must have signed it, and its type, model and expiry at the
// given time. Add them in the order of the types: [ImageMaster], [Blacklist] (if there
// is one), [ImageSigning], [DeviceSigning] (if there is one). What was beneath the new
// keyring is gone in the new chain and must be verified again.
//
// The blacklist counts for image-signing and device-signing keyrings, and for files; it
// refuses what a key signs, not a keyring that merely contains the key.
func (c *Chain) With(wanted Type, tarXZ, signature []byte, at time.Time) (*Chain, error) {
	return c.with(wanted, tarXZ, signature, at, c.policy.Parse)
}

type parseFunc = func(tarXZ []byte) (*Keyring, error)

// with is With, and takes the tarball apart with parse.
func (c *Chain) with(wanted Type, tarXZ, signature []byte, at time.Time, parse parseFunc) (*Chain, error) {
	next := *c
	var by, blacklist *Keyring
	var place **Keyring
	switch wanted {
	case ImageMaster:
		by, place = c.root, &next.master
		next.black, next.signing, next.devices = nil, nil, nil
	case Blacklist:
		by, place = c.master, &next.black
		next.signing, next.devices = nil, nil
	case ImageSigning:
		by, place, blacklist = c.master, &next.signing, c.black
		next.devices = nil
	case DeviceSigning:
		by, place, blacklist = c.signing, &next.devices, c.black
	default:
		return nil, errorf(ErrWrongType, "keyrings of type %.40q have no place beneath a root", string(wanted))
	}
	object := string(wanted) + " keyring"
	if by == nil {
		return nil, &Error{Kind: ErrUntrusted, Object: object, Text: "the keyring that vouches for it is not in the chain yet"}
	}
	if _, err := c.policy.Verify(bytes.NewReader(tarXZ), signature, at, blacklist, by); err != nil {
		if e := (*Error)(nil); errors.As(err, &e) {
			e.unsigned = true
		}
		return nil, about(object, err)
	}
	k, err := parse(tarXZ)
	if err != nil {
		return nil, about(object, err)
	}
	if err := k.Check(wanted, c.device, at); err != nil {
		return nil, about(object, err)
	}
	*place = k
	return &next, nil
}

// For returns the chain for another device, without a device-signing keyring.
func (c *Chain) For(device string) *Chain {
	next := *c
	next.device, next.devices = device, nil
	return &next
}

// Keyring returns the keyring of a type, nil if the chain has none.
func (c *Chain) Keyring(t Type) *Keyring {
	return map[Type]*Keyring{ArchiveMaster: c.root, ImageMaster: c.master, Blacklist: c.black,
		ImageSigning: c.signing, DeviceSigning: c.devices}[t]
}

// Verify reads data to its end and checks the detached signature on a file of the
// tree: channels.json, an index, a file of an image. Keys of the image-signing keyring
// may sign, and those of the device-signing keyring if the chain has one, unless
// blacklisted; a keyring that has expired by then is [ErrExpired].
func (c *Chain) Verify(data io.Reader, signature []byte, at time.Time) (Signer, error) {
	if c.signing == nil {
		return Signer{}, errorf(ErrUntrusted, "the chain has no image-signing keyring yet")
	}
	for _, k := range []*Keyring{c.black, c.signing, c.devices} {
		if k != nil && !k.Expiry.IsZero() && k.Expiry.Before(at) {
			return Signer{}, about(string(k.Type)+" keyring", k.Check(k.Type, c.device, at))
		}
	}
	return c.policy.Verify(data, signature, at, c.black, c.signing, c.devices)
}
