package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/systemimage"
)

// Trust verifies what is read from one server, beneath a pinned root. Set Root; the
// rest is good as it is. It fetches keyrings by the rules of devices:
//
//   - image-master and image-signing are kept in memory, and fetched anew when they are
//     missing or expired or do not verify;
//   - the blacklist is fetched for each channels.json. Only its absence means that there
//     is none: an expired or mistyped one fails everything, as on devices. A bad
//     signature on it is a reason to fetch image-master and then the blacklist once more;
//   - a bad signature on channels.json is a reason to fetch image-signing anew: the
//     caller reads the file once more and says so with Attempt;
//   - a bad signature on anything else is final;
//   - the keyring of a device is fetched when its index is verified, and kept until the
//     next channels.json.
//
// It is safe for use by several goroutines and must not be copied.
type Trust struct {
	Root   []byte           // tarball of the archive-master keyring
	Device string           // model that keyrings with a model must be for; see [Keyring.Check]
	Policy Policy           // zero is strict
	Time   func() time.Time // clock for expiry; nil is time.Now

	mu      sync.Mutex
	chain   *Chain // of the last channels.json; nil before and after a failure
	renewed time.Time
	stored  map[Type]signedKeyring
	devices map[string]deviceChain
	known   *knownKeyrings
}

// Fresh returns a trust with the same settings that knows nothing of the server yet. It
// takes keyrings of the same bytes apart, and verifies the same signatures, once with t:
// for whoever has many clients of one server.
func (t *Trust) Fresh() *Trust {
	return &Trust{Root: t.Root, Device: t.Device, Policy: t.Policy, Time: t.Time, known: t.keyrings()}
}

// keyrings are those that were taken apart.
func (t *Trust) keyrings() *knownKeyrings {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = &knownKeyrings{}
	}
	return t.known
}

// knownKeyrings are the last ones that were taken apart.
type knownKeyrings struct {
	mu   sync.Mutex
	list []knownKeyring
}

type knownKeyring struct {
	tarball []byte
	policy  Policy
	keyring *Keyring
}

// maxKnown is how many of them are kept: the chain's, and a few of devices.
const maxKnown = 8

// parse takes a keyring apart, unless that was done to the same bytes before.
func (t *Trust) parse(tarXZ []byte) (*Keyring, error) {
	known := t.keyrings()
	known.mu.Lock()
	defer known.mu.Unlock()
	for _, k := range known.list {
		if k.policy == t.Policy && bytes.Equal(k.tarball, tarXZ) {
			return k.keyring, nil
		}
	}
	k, err := t.Policy.Parse(tarXZ)
	if err == nil {
		known.list = append(known.list[max(0, len(known.list)-maxKnown+1):], knownKeyring{bytes.Clone(tarXZ), t.Policy, k})
	}
	return k, err
}

type signedKeyring struct{ tarball, signature []byte }

// Store hands over a keyring that was kept from an earlier run, as devices keep them.
// It is used as long as it verifies and is not expired, else fetched. Unlike on
// devices, its type and model count too.
func (t *Trust) Store(typ Type, tarXZ, signature []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stored == nil {
		t.stored = make(map[Type]signedKeyring)
	}
	t.stored[typ] = signedKeyring{bytes.Clone(tarXZ), bytes.Clone(signature)}
}

// Chain returns the chain that the last channels.json was verified with, nil if there
// is none: to report, for example, when its keyrings expire.
func (t *Trust) Chain() *Chain {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.chain
}

// Verify checks a file of the tree, and fetches the keyrings that this takes. Errors are those
// of [Chain.With] and [Chain.Verify], and those of s.Fetch.
func (t *Trust) Verify(ctx context.Context, s systemimage.VerifyRequest) error {
	chain, err := t.chainFor(ctx, s)
	if err != nil {
		return err
	}
	_, err = chain.Verify(s.Data, s.Signature, t.now())
	return about(s.Path, err)
}

func (t *Trust) now() time.Time {
	if t.Time != nil {
		return t.Time()
	}
	return time.Now()
}

func (t *Trust) chainFor(ctx context.Context, s systemimage.VerifyRequest) (*Chain, error) {
	t.mu.Lock()
	chain, age := t.chain, t.now().Sub(t.renewed)
	t.mu.Unlock()
	var err error
	switch first := strings.TrimLeft(s.Path, "/") == "channels.json"; {
	case chain == nil || first && (s.Attempt == 0 || age < 0 || age > sameRun):
		chain, err = t.renew(ctx, s.Fetch)
		t.keep(chain, t.now())
	case first:
		if chain, err = t.hang(ctx, s.Fetch, chain, ImageSigning, true); err == nil {
			t.keep(chain, t.now().Add(-age))
		}
	}
	if err != nil || s.Device == "" || s.Keyring == "" {
		return chain, err
	}
	return t.deviceChain(ctx, s, chain)
}

// keep makes a chain the current one; nil after a failure, so that nothing is verified
// with what a newer blacklist might forbid.
func (t *Trust) keep(chain *Chain, renewed time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.chain, t.renewed, t.devices = chain, renewed, nil
}

// sameRun is how long a further attempt relies on the blacklist of an earlier one. It
// must not rely on that of hours ago because the first attempt did not get so far.
const sameRun = time.Minute

// renew builds a chain from the root on, as a device does at the start of a check.
func (t *Trust) renew(ctx context.Context, fetch fetchFunc) (*Chain, error) {
	root, err := newChain(t.Root, t.Device, t.Policy, t.parse)
	if err != nil {
		return nil, err
	}
	chain, err := t.hang(ctx, fetch, root, ImageMaster, false)
	if err != nil {
		return nil, err
	}
	listed, err := t.hang(ctx, fetch, chain, Blacklist, true)
	if e := (*Error)(nil); errors.As(err, &e) && e.unsigned {
		if chain, err = t.hang(ctx, fetch, root, ImageMaster, true); err != nil {
			return nil, err
		}
		listed, err = t.hang(ctx, fetch, chain, Blacklist, true)
	}
	switch {
	case err == nil:
		chain = listed
	case !errors.Is(err, errAbsent):
		return nil, err
	}
	return t.hang(ctx, fetch, chain, ImageSigning, false)
}

type fetchFunc = func(ctx context.Context, path string) ([]byte, error)

// errAbsent marks a keyring that the server does not have.
var errAbsent = errors.New("the server has none")

// hang adds a keyring to a chain: the stored one if it is good and nobody wants it
// fresh, else the published one, which is stored then.
func (t *Trust) hang(ctx context.Context, fetch fetchFunc, chain *Chain, typ Type, fresh bool) (*Chain, error) {
	at := t.now()
	t.mu.Lock()
	have, ok := t.stored[typ]
	t.mu.Unlock()
	if ok && !fresh {
		next, err := chain.with(typ, have.tarball, have.signature, at, t.parse)
		if err == nil {
			if expiry := next.Keyring(typ).Expiry; expiry.IsZero() || expiry.After(at) {
				return next, nil
			}
		}
	}
	path := "/gpg/" + string(typ) + ".tar.xz"
	k, err := fetchKeyring(ctx, fetch, string(typ)+" keyring", path, path+".asc")
	if err != nil {
		return nil, err
	}
	next, err := chain.with(typ, k.tarball, k.signature, at, t.parse)
	if err != nil {
		return nil, err
	}
	if typ != Blacklist {
		t.Store(typ, k.tarball, k.signature)
	}
	return next, nil
}

// fetchKeyring asks for a keyring and its signature at the same time.
func fetchKeyring(ctx context.Context, fetch fetchFunc, object, path, signature string) (k signedKeyring, err error) {
	if fetch == nil {
		return k, &Error{Kind: ErrUntrusted, Object: object, Text: "nothing to fetch it with: set VerifyRequest.Fetch"}
	}
	early, cancel := context.WithCancel(ctx)
	defer cancel()
	var unsigned error
	var side sync.WaitGroup
	side.Go(func() { k.signature, unsigned = fetch(early, signature) })
	if k.tarball, err = fetch(ctx, path); err != nil {
		cancel()
	}
	side.Wait()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Not wrapped: that a keyring is missing must not read as a missing image.
		return k, &Error{Kind: ErrUntrusted, Object: object, Text: "is not published at " + path, Err: errAbsent}
	case err != nil:
		return k, fmt.Errorf("keyring: cannot fetch the %s: %w", object, err)
	}
	switch err = unsigned; {
	case errors.Is(err, fs.ErrNotExist):
		return k, &Error{Kind: ErrSignature, Object: object, Text: "its signature is not published at " + signature}
	case err != nil:
		return k, fmt.Errorf("keyring: cannot fetch the signature of the %s: %w", object, err)
	}
	return k, nil
}

// deviceChain is the chain with the keyring of a device.
type deviceChain struct {
	base  *Chain // what it was hung on
	chain *Chain
}

func (t *Trust) deviceChain(ctx context.Context, s systemimage.VerifyRequest, base *Chain) (*Chain, error) {
	id := s.Device + "\x00" + s.Keyring + "\x00" + s.KeyringSignature
	t.mu.Lock()
	have := t.devices[id]
	t.mu.Unlock()
	if have.base == base && s.Attempt == 0 {
		return have.chain, nil
	}
	object := "device-signing keyring of " + s.Device
	if s.KeyringSignature == "" {
		return nil, &Error{Kind: ErrUntrusted, Object: object, Text: "channels.json names no signature for it"}
	}
	k, err := fetchKeyring(ctx, s.Fetch, object, s.Keyring, s.KeyringSignature)
	if err != nil {
		return nil, err
	}
	chain, err := base.For(s.Device).with(DeviceSigning, k.tarball, k.signature, t.now(), t.parse)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.chain == base {
		if t.devices == nil {
			t.devices = make(map[string]deviceChain)
		}
		t.devices[id] = deviceChain{base, chain}
	}
	return chain, nil
}
