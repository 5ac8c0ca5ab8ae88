package launchpad

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	maxLog   = 1 << 30
	maxTail  = 256 << 20       // of it are held at once
	logDelay = 5 * time.Minute // Launchpad fetches the log from the builder after the end
)

// OpenLog opens the log of a build: of a package, or of a live file system. Build
// is its link, or the address of its page, in any version of the web service. Of a
// build that failed to upload it is the log of the upload. It arrives unpacked, and
// reading ends with an error where it is longer than a GiB. The caller closes it.
//
// A build without a log is [ErrNotFound]; that of one that just ended may come some
// minutes later, for which [Client.BuildLog] waits.
func (c *Client) OpenLog(ctx context.Context, build string) (io.ReadCloser, error) {
	b, err := c.Build(ctx, build)
	if err != nil {
		return nil, err
	}
	return c.openLog(ctx, b)
}

func (c *Client) openLog(ctx context.Context, b *Build) (io.ReadCloser, error) {
	log := b.log()
	if log == "" {
		return nil, &Error{Method: http.MethodGet, URL: string(b.SelfLink), Kind: ErrNotFound, Message: "the build has no log (it is " + string(b.State) + ")"}
	}
	r, err := c.Open(ctx, log)
	if err != nil {
		return nil, err
	}
	return readCloser{&boundedReader{r, maxLog}, r}, nil
}

// log is the address of the log that says why a build ended; "" where there is
// none, or none that the caller may see.
func (b *Build) log() string {
	log := b.LogURL
	if b.State == FailedToUpload && b.UploadLogURL != "" {
		log = b.UploadLogURL
	}
	if log == string(Redacted) {
		return ""
	}
	return log
}

// BuildLog reads the log of b as [Client.OpenLog] does; with tail above zero only
// its last tail bytes. The log of a build that just ended may come late: BuildLog
// then waits up to five minutes for it. Logs hold bytes that are no UTF-8 and escape
// sequences for terminals; they are handed over as they are.
func (c *Client) BuildLog(ctx context.Context, b *Build, tail int64) ([]byte, error) {
	ended := func() bool { return b.State.Final() || b.State.Failed() }
	for end := c.now().Add(logDelay); b.LogURL == "" && ended() && c.now().Before(end); {
		if err := c.sleep(ctx, 15*time.Second); err != nil {
			return nil, err
		}
		if _, err := c.reload(ctx, b); err != nil {
			return nil, err
		}
	}
	r, err := c.openLog(ctx, b)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := readTail(r, tail)
	if err != nil {
		return nil, fmt.Errorf("cannot read the log of %s: %w", b.Title, err)
	}
	return text, nil
}

// boundedReader fails after left bytes.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, errLongLog
	}
	return n, err
}

var errLongLog = errors.New("the log is longer than a GiB")

// readTail reads all of r, or only what stands at its end.
func readTail(r io.Reader, tail int64) ([]byte, error) {
	if tail <= 0 || tail > maxTail {
		tail = maxTail
	}
	var kept []byte
	buf := make([]byte, 64<<10)
	for total := int64(0); ; {
		n, err := r.Read(buf)
		total += int64(n)
		kept = append(kept, buf[:n]...)
		if int64(len(kept)) > 2*tail+int64(len(buf)) {
			kept = append(kept[:0], kept[int64(len(kept))-tail:]...)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("after %d bytes: %w", total, err)
		}
	}
	if int64(len(kept)) > tail {
		kept = kept[int64(len(kept))-tail:]
	}
	return kept, nil
}
