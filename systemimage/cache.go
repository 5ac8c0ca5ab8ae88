package systemimage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// stored is the first line of a file in the cache; the body follows.
type stored struct {
	URL      string `json:"url"` // redacted
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
	SHA256   string `json:"sha256"` // of the body: a damaged file is no file
}

// cached is get with conditional requests: an answer that the server still
// stands by comes from the cache. With fresh the stored answer is not offered,
// because it was no help.
func (c *Client) cached(ctx context.Context, u *url.URL, limit int64, fresh bool) (answer, error) {
	if c.Cache == "" && c.session == nil {
		return c.get(ctx, u, limit, validators{}, fresh)
	}
	file := cacheFile(c.Cache, u)
	var have answer
	if !fresh {
		if have = c.remembered(file, limit); have.data == nil && c.Cache != "" {
			have = c.load(ctx, file, u, limit)
		}
	}
	a, err := c.get(ctx, u, limit, have.validators, fresh)
	switch {
	case err != nil:
		return answer{}, err
	case a.unchanged:
		c.remember(file, have)
		return have, nil
	case a.validators != validators{} && !a.recent:
		c.remember(file, a)
		if c.Cache == "" {
			break
		}
		if err := store(file, u, a); err != nil { // the answer is as good without
			c.log().WarnContext(ctx, "cannot keep answer", "url", u.Redacted(), "error", err)
		}
	}
	return a, nil
}

// maxRemembered bounds what a client keeps of its cache in memory, in bytes.
const maxRemembered = 64 << 20

// remember keeps an answer in memory too, so that the next survey or session of the
// same client need not read hundreds of files. Another process may have stored a newer
// one since: then the server does not answer 304, and it is fetched.
func (c *Client) remember(file string, a answer) {
	c = c.own()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[string]answer{}
	}
	c.keptSize += len(a.data) - len(c.kept[file].data)
	a.unchanged = false
	c.kept[file] = a
	for name, old := range c.kept {
		if c.keptSize <= maxRemembered {
			break
		}
		c.keptSize -= len(old.data)
		delete(c.kept, name)
	}
}

func (c *Client) remembered(file string, limit int64) answer {
	c = c.own()
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.kept[file]; int64(len(a.data)) <= limit {
		return a
	}
	return answer{}
}

// cacheFile names the file of an address. Its credentials count, as servers
// may answer differently, but cannot be read from the name.
func cacheFile(folder string, u *url.URL) string {
	return filepath.Join(folder, fmt.Sprintf("%x", sha256.Sum256([]byte(u.String()))))
}

func (c *Client) load(ctx context.Context, file string, u *url.URL, limit int64) (a answer) {
	data, err := readUpTo(file, limit+4096)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.log().WarnContext(ctx, "cannot read kept answer", "url", u.Redacted(), "error", err)
		}
		return answer{}
	}
	line, body, _ := bytes.Cut(data, []byte("\n"))
	var s stored
	if json.Unmarshal(line, &s) != nil || s.URL != u.Redacted() || s.SHA256 != fmt.Sprintf("%x", sha256.Sum256(body)) {
		return answer{}
	}
	return answer{data: body, validators: validators{s.ETag, s.Modified}}
}

// store writes a file in one step: other processes see the old or the new one.
func store(file string, u *url.URL, a answer) error {
	line, err := json.Marshal(stored{u.Redacted(), a.etag, a.modified, fmt.Sprintf("%x", sha256.Sum256(a.data))})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	t, err := os.CreateTemp(filepath.Dir(file), "new-*")
	if err != nil {
		return err
	}
	_, err = t.Write(append(append(line, '\n'), a.data...))
	err = errors.Join(err, t.Close())
	if err == nil {
		err = os.Rename(t.Name(), file)
	}
	if err != nil {
		_ = os.Remove(t.Name())
	}
	return err
}

// readUpTo reads a regular file of at most so many bytes.
func readUpTo(file string, limit int64) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > limit:
		return nil, fmt.Errorf("%s is no file of at most %d bytes", file, limit)
	}
	return os.ReadFile(file)
}
