package systemimage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// Download fetches a file of an image into a folder, under the last part of
// its path, and returns where it is. The index vouches for it: size and
// SHA-256 must be as p says, and when the client has a Trust the file's own
// signature must hold too, as on devices. The file appears under its name only
// when it is whole and verified.
//
// What is there already is verified and not fetched again. An interrupted
// download leaves NAME.part and goes on from there; while another process is
// at it, the error is ErrLocked. progress, which may be nil, is told the bytes
// done and in all, from the caller's goroutine; it should return quickly.
func (c *Client) Download(ctx context.Context, p *PublishedIndex, f File, folder string, progress func(done, total int64)) (string, error) {
	d := &download{c: c, p: p, f: f, progress: progress}
	to, err := d.run(ctx, folder)
	if err == nil {
		return to, nil
	}
	if e, ok := err.(*Error); ok {
		e.Channel, e.Device = cmp.Or(e.Channel, p.Channel), cmp.Or(e.Device, p.Device)
		return "", e
	}
	return "", d.fail(nil, err)
}

type download struct {
	c        *Client
	p        *PublishedIndex
	f        File
	progress func(done, total int64)
}

func (d *download) fail(kind, err error) *Error {
	return &Error{Op: "download file", Channel: d.p.Channel, Device: d.p.Device, Place: fmt.Sprintf("%.200s", d.f.Path), Kind: kind, Err: err}
}

// errUnlike is content that is not what the index promises.
var errUnlike = errors.New("published file is not what the index says")

var (
	checksum = regexp.MustCompile(`^[0-9a-f]{64}$`)
	fileName = regexp.MustCompile(`^[0-9A-Za-z_+~@=,][-.0-9A-Za-z_+~@=,]{0,200}$`)
)

// run brings the file into the folder and returns where it is.
func (d *download) run(ctx context.Context, folder string) (string, error) {
	base, err := d.c.base()
	if err != nil {
		return "", err
	}
	u, err := d.address(base)
	if err != nil {
		return "", err
	}
	to := filepath.Join(folder, path.Base(u.Path))
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return "", d.fail(nil, err)
	}
	if have, err := os.Open(to); err == nil {
		defer have.Close()
		if d.whole(have) == nil {
			return to, d.verify(ctx, base, u, have)
		}
	}
	part, err := lockPart(to + ".part")
	if errors.Is(err, errPartLocked) {
		return "", d.fail(ErrLocked, err)
	}
	if err != nil {
		return "", d.fail(nil, err)
	}
	defer part.Close()
	if err := d.fill(ctx, u, part); err != nil {
		if info, serr := part.Stat(); serr == nil && info.Size() == 0 {
			_ = os.Remove(part.Name()) // still ours; nothing in it is worth keeping
		}
		return "", err
	}
	if err := d.verify(ctx, base, u, part); err != nil {
		return "", err
	}
	if err := part.Sync(); err != nil {
		return "", d.fail(nil, err)
	}
	if err := os.Rename(part.Name(), to); err != nil {
		return "", d.fail(nil, err)
	}
	return to, nil
}

// address returns where the file is published, once the index says what is needed
// to store and to check it.
func (d *download) address(base *url.URL) (*url.URL, error) {
	if d.c.Trust != nil && !d.p.Verified {
		return nil, d.fail(ErrRefused, errors.New("index is not verified: read it with a client that has a Trust"))
	}
	u, err := locate(base, d.f.Path)
	if err != nil {
		return nil, err
	}
	name := path.Base(u.Path)
	switch raw, odd := d.f.Unknown["size"]; {
	case !fileName.MatchString(name), strings.HasSuffix(name, ".part"), strings.HasSuffix(u.Path, "/"):
		return nil, d.fail(ErrRefused, fmt.Errorf("%.200q is no name to store a file under", name))
	case !checksum.MatchString(d.f.Checksum):
		return nil, d.fail(ErrBroken, fmt.Errorf("index gives %.80q for a SHA-256", d.f.Checksum))
	case d.f.Size < 0 || odd && d.f.Size == 0:
		return nil, d.fail(ErrBroken, fmt.Errorf("index gives no size: %s", cmp.Or(asWritten(raw), "missing")))
	}
	return u, nil
}

// whole reads f from its start and compares it with the index.
func (d *download) whole(f *os.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular() || info.Size() != d.f.Size:
		return fmt.Errorf("%w: it has %d bytes instead of %d", errUnlike, info.Size(), d.f.Size)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, 0, d.f.Size)); err != nil {
		return err
	}
	return d.compare(sum)
}

func (d *download) compare(sum hash.Hash) error {
	if got := hex.EncodeToString(sum.Sum(nil)); got != d.f.Checksum {
		return fmt.Errorf("%w: its SHA-256 is %s instead of %s", errUnlike, got, d.f.Checksum)
	}
	return nil
}

// fill brings part to its full size and checks it. What was there and turns
// out wrong is thrown away, and fetched once more from the start.
func (d *download) fill(ctx context.Context, u *url.URL, part *os.File) error {
	tries := cmp.Or(d.c.Tries, defaultTries)
	for attempt := 1; ; attempt++ {
		resumed, err := d.fetch(ctx, u, part)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return d.fail(nil, context.Cause(ctx))
		case errors.Is(err, errUnlike):
			if terr := part.Truncate(0); terr != nil {
				return d.fail(nil, terr)
			}
			if !resumed {
				return d.fail(ErrBroken, err)
			}
		case attempt >= tries:
			if e, ok := err.(*Error); ok {
				return e
			}
			return d.fail(nil, fmt.Errorf("%w (%d attempts; what has come is kept in %s)", err, attempt, part.Name()))
		default:
			if e, ok := err.(*Error); ok && !e.temporary {
				return e
			}
			d.c.log().WarnContext(ctx, "download again", "url", u.Redacted(), "attempt", attempt, "error", err)
			if err := pause(ctx, cmp.Or(d.c.Pause, defaultPause)); err != nil {
				return d.fail(nil, err)
			}
		}
	}
}

// fetch goes on where part ends; resumed tells that it was not empty.
func (d *download) fetch(ctx context.Context, u *url.URL, part *os.File) (resumed bool, err error) {
	sum := sha256.New()
	if _, err := part.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	have, err := io.Copy(sum, part)
	switch {
	case err != nil:
		return false, err
	case have > d.f.Size:
		return true, fmt.Errorf("%w: %d bytes are there already, of %d", errUnlike, have, d.f.Size)
	case have == d.f.Size:
		return have > 0, d.compare(sum)
	}
	ctx, alive, stop := withPulse(ctx)
	defer stop()
	resp, err := d.ask(ctx, u, have)
	if err != nil {
		return have > 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK { // the server begins anew
		have = 0
		sum.Reset()
		if err := part.Truncate(0); err != nil {
			return false, err
		}
		if _, err := part.Seek(0, io.SeekStart); err != nil {
			return false, err
		}
	}
	if n := resp.ContentLength; n >= 0 && have+n != d.f.Size {
		return have > 0, fmt.Errorf("%w: it has %d bytes instead of %d", errUnlike, have+n, d.f.Size)
	}
	return have > 0, d.receive(ctx, io.TeeReader(resp.Body, alive), have, sum, part)
}

// ask asks for the file from a byte on. The answer, which the caller closes, is
// good to read: from that byte on, or, with status 200, from the start.
func (d *download) ask(ctx context.Context, u *url.URL, have int64) (*http.Response, error) {
	header := http.Header{"Accept-Encoding": {"identity"}} // the checksum is of the file as it is stored
	if have > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := d.c.open(ctx, u, header)
	if errors.Is(err, errRange) {
		return nil, fmt.Errorf("%w: server has no more than the %d bytes here", errUnlike, have)
	}
	if err != nil {
		return nil, cause(ctx, err)
	}
	enc, from := resp.Header.Get("Content-Encoding"), resp.Header.Get("Content-Range")
	switch {
	case enc != "" && enc != "identity" || resp.Uncompressed:
		err = d.fail(ErrMalformed, fmt.Errorf("answer is encoded as %.20q, which nobody asked for", enc))
	case resp.StatusCode == http.StatusOK,
		resp.StatusCode == http.StatusPartialContent && have > 0 && strings.HasPrefix(from, fmt.Sprintf("bytes %d-", have)):
		return resp, nil
	case have > 0: // a server that cannot resume must not keep the file from ever coming
		err = fmt.Errorf("%w: server answers %s with the range %.40q", errUnlike, resp.Status, from)
	default:
		err = d.fail(ErrMalformed, fmt.Errorf("server answers %s to a request for the whole file", resp.Status))
	}
	resp.Body.Close()
	return nil, err
}

// receive writes what comes to part, behind the bytes that it has, and checks the whole.
func (d *download) receive(ctx context.Context, body io.Reader, have int64, sum hash.Hash, part *os.File) error {
	buf := make([]byte, 128<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if have += int64(n); have > d.f.Size {
				return fmt.Errorf("%w: it has more than %d bytes", errUnlike, d.f.Size)
			}
			sum.Write(buf[:n])
			if _, err := part.Write(buf[:n]); err != nil {
				return &Error{Op: "download file", Place: part.Name(), Err: err}
			}
			if d.progress != nil {
				d.progress(have, d.f.Size)
			}
		}
		if err == io.EOF && have == d.f.Size {
			return d.compare(sum)
		}
		if err != nil {
			return cause(ctx, fmt.Errorf("answer breaks off after %d of %d bytes: %w", have, d.f.Size, err))
		}
	}
}

// cause tells why ctx ended, if it did.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// verify checks the file's own signature.
func (d *download) verify(ctx context.Context, base, u *url.URL, f *os.File) error {
	if d.c.Trust == nil {
		return nil
	}
	asc, err := locate(base, d.f.Signature)
	if err != nil {
		return err
	}
	doc := wanted{op: "download file", channel: d.p.Channel, device: d.p.Device, path: d.f.Path, keyring: d.p.Entry.Keyring}
	for attempt := 0; ; attempt++ {
		s, err := d.c.cached(ctx, asc, maxSignature, attempt > 0)
		if errors.Is(err, ErrNotFound) {
			err = d.fail(ErrSignature, errors.New("signature is missing"))
		}
		if err == nil {
			if err = d.c.vouch(ctx, doc, base, u, io.NewSectionReader(f, 0, d.f.Size), s.data, attempt); err == nil {
				return nil
			}
		}
		if ctx.Err() != nil || attempt+1 >= cmp.Or(d.c.Tries, defaultTries) || !again(err) {
			return err
		}
		if err := pause(ctx, cmp.Or(d.c.Pause, defaultPause)); err != nil {
			return d.fail(nil, err)
		}
	}
}

// errPartLocked is ErrLocked for a download.
var errPartLocked = errors.New("another process is downloading it into this folder")
