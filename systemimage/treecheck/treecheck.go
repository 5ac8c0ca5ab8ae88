package treecheck

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
)

// Options say how closely [Check] and [Rotate] look. The zero value looks at
// everything that costs no download of a payload.
type Options struct {
	// Checksums downloads every payload, compares its SHA-256 and verifies its
	// signature as devices do. Without it signatures of payloads are looked at by
	// what they say of themselves: who made them.
	Checksums bool
	// Unpack also unpacks every payload, to nowhere: one that was cut before it was
	// signed has a fitting checksum and a good signature. It includes Checksums, and
	// takes up to 64 MiB of memory for each file that is under way.
	Unpack bool
	// MaxUnpacked bounds what one payload holds, in bytes; 8 GiB when 0.
	MaxUnpacked int64
	// NoFiles leaves the payloads out: only documents and what they say.
	NoFiles bool
	// Parallel is how many requests are under way at once; 8 when 0.
	Parallel int

	// Within is how long before its expiry a keyring is worth a warning; 30 days
	// when 0. Now is the time to count from; the clock's when zero.
	Within time.Duration
	Now    time.Time

	// Retired are fingerprints of keys, or the last 16 digits or more of them, that
	// are taken for gone from the published keyrings: to see what a change of keys
	// will mean before it is made.
	Retired []string
}

// Check looks over a whole published tree: what the documents say of each
// other, whether every file that they name is there and signed by whom it has to
// be, and what killed programs left. Findings come sorted, the worst first. The
// error says that the tree could not be looked at; a device whose index cannot be
// read, and a document that is not signed as it should be, are findings.
func Check(ctx context.Context, c *systemimage.Client, o Options) ([]systemimage.Finding, error) {
	t, err := read(ctx, c, o)
	if err != nil {
		return nil, err
	}
	apply(t, listingRules, t.list)
	for _, name := range t.list.Names() {
		apply(t, channelRules, name)
		apply(t, redirectRules, name)
		apply(t, aliasRules, name)
	}
	for _, at := range t.pairs() {
		apply(t, indexRules, t.indexes[at])
		apply(t, releaseRules, t.indexes[at])
	}
	if err := t.probe(ctx); err != nil {
		return nil, err
	}
	for _, s := range t.signed() {
		if !t.told[s.path] {
			apply(t, signatureRules, s)
		}
	}
	return t.sorted(), nil
}

// A pair is a device in a channel.
type pair struct{ channel, device string }

// tree is one look over a published tree.
type tree struct {
	c       *systemimage.Client
	open    *systemimage.Client // the same without verification
	o       Options
	policy  keyring.Policy
	root    *keyring.Keyring // the pinned one; nil without a Trust
	list    *systemimage.Listing
	indexes map[pair]*systemimage.PublishedIndex
	rings   map[string]*ring   // published keyrings, by path
	files   map[string]*signed // all that is signed, by path
	order   []string           // of files
	payload []*payload
	told    map[string]bool // paths of documents that are known to be refused

	mu       sync.Mutex // for what is added by several at once
	findings []systemimage.Finding
}

// read reads channels.json and all indexes. What is not signed as it should be is a
// finding, and looked at all the same.
func read(ctx context.Context, c *systemimage.Client, o Options) (*tree, error) {
	t := &tree{c: c, o: o, indexes: map[pair]*systemimage.PublishedIndex{}, rings: map[string]*ring{}, told: map[string]bool{}, files: map[string]*signed{}}
	t.open = &systemimage.Client{BaseURL: c.BaseURL, HTTP: c.HTTP, UserAgent: c.UserAgent, Logger: c.Logger, Unverified: true,
		Tries: c.Tries, Pause: c.Pause, Timeout: c.Timeout, Limit: c.Limit}
	t.o.Parallel, t.o.Within = cmp.Or(o.Parallel, 8), cmp.Or(o.Within, 30*24*time.Hour)
	t.o.MaxUnpacked, t.o.Checksums = cmp.Or(o.MaxUnpacked, 8<<30), o.Checksums || o.Unpack
	trust, _ := c.Trust.(*keyring.Trust)
	if trust != nil {
		t.policy = trust.Policy
		t.root, _ = t.policy.Parse(trust.Root) // the client says what is wrong with it
	}
	switch {
	case !o.Now.IsZero():
	case trust != nil && trust.Time != nil:
		t.o.Now = trust.Time()
	default:
		t.o.Now = time.Now()
	}
	var err error
	reader := c
	if t.list, err = c.Channels(ctx); errors.Is(err, systemimage.ErrSignature) {
		apply(t, unreadableRules, about(err, "", ""))
		reader = t.open // with a listing that nobody vouches for, nothing verifies
		t.list, err = t.open.Channels(ctx)
	}
	if err != nil {
		return nil, err
	}
	for p, err := range reader.Survey(ctx, t.o.Parallel) {
		if err == nil {
			t.indexes[pair{p.Channel, p.Device}] = p
			continue
		}
		e := about(err, "", "")
		apply(t, unreadableRules, e)
		if errors.Is(err, systemimage.ErrSignature) && e.Device != "" {
			if p, err := t.open.IndexOf(ctx, t.list, e.Channel, e.Device); err == nil {
				t.indexes[pair{p.Channel, p.Device}] = p
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, &systemimage.Error{Op: "check tree", Err: context.Cause(ctx)}
	}
	return t, nil
}

// pairs are the channels and devices whose index was read, in order.
func (t *tree) pairs() (list []pair) {
	for channel, device := range t.list.Pairs() {
		if t.indexes[pair{channel, device}] != nil {
			list = append(list, pair{channel, device})
		}
	}
	return list
}

// follows tells whether an index belongs to another channel, by a redirect.
func (t *tree) follows(at pair) bool {
	c := t.list.Channels[at.channel]
	return c.Redirect != "" || c.Devices[at.device].Redirect != ""
}

// probe asks about each file that documents name or that a killed program may
// have left, each once.
func (t *tree) probe(ctx context.Context) error {
	if err := t.readKeyrings(ctx); err != nil {
		return err
	}
	t.collect()
	jobs := t.leftOvers()
	for _, path := range t.order {
		jobs = append(jobs, func(ctx context.Context) error { return t.readSignature(ctx, t.files[path]) })
	}
	if err := t.run(ctx, jobs); err != nil {
		return err
	}
	jobs = nil
	for _, p := range t.payload {
		jobs = append(jobs, func(ctx context.Context) error { return t.lookAt(ctx, p) })
	}
	if err := t.run(ctx, jobs); err != nil {
		return err
	}
	for _, p := range t.payload {
		apply(t, fileRules, p)
	}
	for _, r := range t.keyrings() {
		apply(t, keyringRules, r)
	}
	return nil
}

// run does the jobs, several at a time. The first that fails for another reason
// than the tree's own state ends the rest.
func (t *tree) run(ctx context.Context, jobs []func(context.Context) error) error {
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(t.o.Parallel)
	for _, job := range jobs {
		if inner.Err() != nil {
			break
		}
		g.Go(func() error { return job(inner) })
	}
	err := g.Wait()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return &systemimage.Error{Op: "check tree", Err: err}
	}
	return nil
}

// about returns an error of the client, or makes one of it.
func about(err error, channel, device string) *systemimage.Error {
	var e *systemimage.Error
	if errors.As(err, &e) {
		return e
	}
	return &systemimage.Error{Channel: channel, Device: device, Err: err}
}

// sortedKeys are the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}
