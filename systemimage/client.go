package systemimage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

const (
	defaultTimeout = 30 * time.Second
	defaultTries   = 4
	defaultPause   = 500 * time.Millisecond
)

// A Client reads what an image server publishes, as devices do, and believes
// it only when it is signed. Set BaseURL and either Trust or Unverified before
// the first use; the rest is good as it is. It is safe for use by several
// goroutines and must not be copied.
type Client struct {
	BaseURL   string       // root of the tree: "https://system-image.example.org"
	HTTP      *http.Client // nil is one as by default, which keeps more connections. Redirects never leave the server
	UserAgent string       // "landing" when empty
	Logger    *slog.Logger // nil is silent

	// Trust verifies everything that is read; keyring.Trust with the pinned root
	// of the server is one. Without a Trust, Unverified must be set: then signatures
	// are not even asked for, and PublishedFile.Verified is false.
	Trust      Trust
	Unverified bool

	// A publication is not atomic: for a moment the index or its signature is
	// missing, or they do not belong together. Such a read is repeated, as is
	// one that the server or the net failed.
	Tries   int           // attempts in all; 0 is 4
	Pause   time.Duration // before each further one; 0 is 500 ms
	Timeout time.Duration // of one request for a document; 0 is 30 s
	Limit   int64         // bytes of a document after decompression; 0 is 64 MiB, also the most

	// Cache, when set, is a folder of answers, so that what has not changed is
	// not sent again. Several processes may share it, and one folder may serve
	// several servers. What it holds is verified like what is fetched. It also
	// remembers the newest verified index of each device, so that an older one is
	// refused by later processes too.
	Cache string

	mu        sync.Mutex
	transport http.RoundTripper    // without HTTP
	seen      map[string]time.Time // newest time of generation by address

	kept     map[string]answer // of the cache, by file
	keptSize int               // bytes in kept

	of      *Client // remembers for this one, which is a session of it
	session *session
}

// A Listing is the channels.json of a server.
type Listing struct {
	Channels
	PublishedFile
}

// A PublishedIndex is the index of a device in a channel, as it was read.
type PublishedIndex struct {
	*Index
	PublishedFile
	Channel, Device string
	Entry           Device // the device in channels.json
}

// Channels reads channels.json.
func (c *Client) Channels(ctx context.Context) (*Listing, error) {
	if c.session != nil {
		return once(ctx, c.session, theListing, c.readChannels)
	}
	return c.readChannels(ctx)
}

func (c *Client) readChannels(ctx context.Context) (*Listing, error) {
	l := &Listing{}
	src, err := c.read(ctx, wanted{op: "read channels", path: "/channels.json"}, func(s PublishedFile) (err error) {
		l.Channels, err = parseChannels(s.Raw)
		return err
	})
	if err != nil {
		return nil, err
	}
	l.PublishedFile = src
	return l, nil
}

// Index reads the index of a device in a channel. It fails with ErrNotFound
// when channels.json has no such channel or device, with ErrTorn when the
// publication stays incomplete, with ErrReplayed when the server falls back
// behind an index that this client has seen.
func (c *Client) Index(ctx context.Context, channel, device string) (*PublishedIndex, error) {
	l, err := c.Channels(ctx)
	if err != nil {
		return nil, err
	}
	return c.IndexOf(ctx, l, channel, device)
}

// IndexOf is [Client.Index] for a listing that was read before: no document is
// fetched twice.
func (c *Client) IndexOf(ctx context.Context, l *Listing, channel, device string) (*PublishedIndex, error) {
	return c.indexOf(ctx, l, channel, device, nil)
}

func (c *Client) indexOf(ctx context.Context, l *Listing, channel, device string, signatures map[string][]byte) (*PublishedIndex, error) {
	d, err := l.Lookup(channel, device)
	if err != nil {
		return nil, err
	}
	if d.Index == "" {
		return nil, &Error{Op: "read index", Channel: channel, Device: device, Place: l.URL, Kind: ErrBroken,
			Err: errors.New("channels.json gives no path of an index")}
	}
	signature := signatures[d.Index]
	if c.session == nil {
		return c.readIndex(ctx, channel, device, d, signature)
	}
	p, err := once(ctx, c.session, shared(d, device), func(ctx context.Context) (*PublishedIndex, error) {
		return c.readIndex(ctx, channel, device, d, signature)
	})
	return p.as(channel, device, d), in(err, channel, device)
}

// as is the same index for another channel that shares it.
func (p *PublishedIndex) as(channel, device string, d Device) *PublishedIndex {
	if p == nil {
		return nil
	}
	own := *p
	own.Channel, own.Device, own.Entry = channel, device, d
	return &own
}

func (c *Client) readIndex(ctx context.Context, channel, device string, d Device, signature []byte) (p *PublishedIndex, err error) {
	p = &PublishedIndex{Channel: channel, Device: device, Entry: d}
	doc := wanted{op: "read index", channel: channel, device: device, path: d.Index, keyring: d.Keyring, listed: true, signature: signature}
	p.PublishedFile, err = c.read(ctx, doc, func(s PublishedFile) (err error) {
		if p.Index, err = ParseIndex(s.Raw); err != nil {
			return err
		}
		if from := foreign(d.Index, p.Index); from != "" && s.Verified {
			return &Error{Op: "read index", Channel: channel, Device: device, Place: s.URL, Kind: ErrSignature,
				Err: fmt.Errorf("it is properly signed, but was made for %s: somebody serves one index in place of another", from)}
		}
		return c.advance(ctx, s, p.Index)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// foreign returns the folder that an index was made for when it is not that of
// its own path. A signature does not say what it is for; but the server keeps
// the version files of an index beside it, also for aliases and redirects.
func foreign(own string, x *Index) string {
	elsewhere := ""
	for _, m := range x.Images {
		for _, f := range m.Files {
			if !strings.HasPrefix(path.Base(f.Path), "version-") {
				continue
			}
			if path.Dir(f.Path) == path.Dir(own) {
				return ""
			}
			elsewhere = path.Dir(f.Path)
		}
	}
	return elsewhere
}

// Latest returns the full image with the highest version, ErrNotFound when
// there is none yet.
func (c *Client) Latest(ctx context.Context, channel, device string) (Image, error) {
	p, err := c.Index(ctx, channel, device)
	if err != nil {
		return Image{}, err
	}
	m, ok := p.Latest()
	if !ok {
		return Image{}, p.none("no full image is published")
	}
	return m, nil
}

// Full returns the full image of a version, ErrNotFound when there is none.
func (c *Client) Full(ctx context.Context, channel, device string, version int) (Image, error) {
	p, err := c.Index(ctx, channel, device)
	if err != nil {
		return Image{}, err
	}
	m, ok := p.Full(version)
	if !ok {
		var have []string
		for _, f := range p.Fulls() {
			have = append(have, fmt.Sprint(f.Version))
		}
		return Image{}, p.none("no full image %d; published: %s", version, cmp.Or(strings.Join(have, ", "), "none"))
	}
	return m, nil
}

func (p *PublishedIndex) none(format string, a ...any) error {
	return &Error{Op: "find image", Channel: p.Channel, Device: p.Device, Kind: ErrNotFound, Err: fmt.Errorf(format, a...)}
}

func (c *Client) limit() int64 { return min(cmp.Or(c.Limit, maxDocument), maxDocument) }

func (c *Client) log() *slog.Logger { return cmp.Or(c.Logger, slog.New(slog.DiscardHandler)) }

func isPage(data []byte) bool {
	text := bytes.TrimLeft(data, " \t\r\n")
	return len(text) > 0 && text[0] == '<'
}
