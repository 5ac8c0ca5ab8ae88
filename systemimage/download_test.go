package systemimage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const poolFile = "/pool/ubuntu-1.tar.xz"

// shop is a site with one device and one image with one file.
func shop(t *testing.T, data string) (*site, *Client, *PublishedIndex, File) {
	t.Helper()
	f := File{Path: poolFile, Signature: poolFile + ".asc", Size: int64(len(data)), Checksum: fmt.Sprintf("%x", sha256.Sum256([]byte(data)))}
	s := small(t, indexAt(noon, ""))
	s.put(poolFile, data)
	c := s.client()
	p, err := c.Index(t.Context(), "c", "d")
	if err != nil {
		t.Fatal(err)
	}
	return s, c, p, f
}

func names(t *testing.T, folder string) string {
	t.Helper()
	list, err := os.ReadDir(folder)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var s []string
	for _, e := range list {
		s = append(s, e.Name())
	}
	return strings.Join(s, " ")
}

var bigData = strings.Repeat("0123456789abcdef", 1<<14)

func TestDownload(t *testing.T) {
	s, c, p, f := shop(t, bigData)
	folder := filepath.Join(t.TempDir(), "new")
	var done, total int64
	path, err := c.Download(t.Context(), p, f, folder, func(d, n int64) { done, total = d, n })
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != bigData || path != filepath.Join(folder, "ubuntu-1.tar.xz") {
		t.Errorf("%s has %d bytes, %v", path, len(data), err)
	}
	if done != f.Size || total != f.Size || names(t, folder) != "ubuntu-1.tar.xz" {
		t.Errorf("progress %d of %d, folder %s", done, total, names(t, folder))
	}
	// Again: verified, not fetched.
	s.asked = nil
	if _, err := c.Download(t.Context(), p, f, folder, nil); err != nil || strings.Join(s.asked, " ") != poolFile+".asc" {
		t.Errorf("second download: %v, asked for %q", err, s.asked)
	}
	// Damaged meanwhile: fetched again.
	if err := os.WriteFile(path, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Download(t.Context(), p, f, folder, nil); err != nil {
		t.Error(err)
	}
	if data, _ := os.ReadFile(path); string(data) != bigData {
		t.Errorf("damaged file has %d bytes", len(data))
	}
}

func TestDownloadResumes(t *testing.T) {
	s, c, p, f := shop(t, bigData)
	folder := t.TempDir()
	part := filepath.Join(folder, "ubuntu-1.tar.xz.part")
	c.Tries = 1
	var ranges []string
	cut := true
	s.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != poolFile {
			return false
		}
		ranges = append(ranges, r.Header.Get("Range"))
		if cut {
			w.Header().Set("Content-Length", fmt.Sprint(len(bigData)))
			_, _ = io.WriteString(w, bigData[:100000])
			panic(http.ErrAbortHandler)
		}
		return false
	}
	_, err := c.Download(t.Context(), p, f, folder, nil)
	if err == nil || !strings.Contains(err.Error(), "what has come is kept in "+part) {
		t.Fatalf("cut off: %v", err)
	}
	info, err := os.Stat(part)
	if err != nil || info.Size() == 0 {
		t.Fatalf("nothing is kept: %v", err)
	}
	cut = false
	path, err := c.Download(t.Context(), p, f, folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("bytes=%d-", info.Size()); ranges[1] != want {
		t.Errorf("asked for the range %q, want %q", ranges[1], want)
	}
	if data, _ := os.ReadFile(path); string(data) != bigData || names(t, folder) != "ubuntu-1.tar.xz" {
		t.Errorf("%d bytes, folder %s", len(data), names(t, folder))
	}
	for name, left := range map[string]string{
		"wrong beginning":      "x" + bigData[1:5000],
		"more than the file":   bigData + "x",
		"whole":                bigData,
		"whole and wrong":      "x" + bigData[1:],
		"nothing":              "",
		"all but the last one": bigData[:len(bigData)-1],
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "ubuntu-1.tar.xz.part"), []byte(left), 0o666); err != nil {
				t.Fatal(err)
			}
			c.Tries = 3
			path, err := c.Download(t.Context(), p, f, folder, nil)
			if data, _ := os.ReadFile(path); err != nil || string(data) != bigData {
				t.Errorf("%d bytes, %v", len(data), err)
			}
		})
	}
	for name, answer := range map[string]string{
		"range of another place":    "bytes 5-9/99",
		"range that begins alike":   "bytes 1000-262143/262144",
		"no range":                  "",
		"range of another document": fmt.Sprintf("bytes 10-%d/%d", len(bigData)-1, len(bigData)),
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "ubuntu-1.tar.xz.part"), []byte(bigData[:10]), 0o666); err != nil {
				t.Fatal(err)
			}
			s.hook = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Header.Get("Range") == "" {
					return false
				}
				w.Header().Set("Content-Range", answer)
				w.WriteHeader(http.StatusPartialContent)
				_, _ = io.WriteString(w, strings.Repeat("x", len(bigData)-10))
				return true
			}
			path, err := c.Download(t.Context(), p, f, folder, nil)
			if data, _ := os.ReadFile(path); err != nil || string(data) != bigData {
				t.Errorf("%d bytes, %v", len(data), err)
			}
		})
	}
	t.Run("server without ranges", func(t *testing.T) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "ubuntu-1.tar.xz.part"), []byte(bigData[:10]), 0o666); err != nil {
			t.Fatal(err)
		}
		s.hook = func(w http.ResponseWriter, r *http.Request) bool { r.Header.Del("Range"); return false }
		path, err := c.Download(t.Context(), p, f, folder, nil)
		if data, _ := os.ReadFile(path); err != nil || string(data) != bigData {
			t.Errorf("%d bytes, %v", len(data), err)
		}
	})
}

// TestDownloadAttacks names what a hostile index, server or mirror may try.
// Nothing may appear under the file's name, nor outside of the folder.
func TestDownloadAttacks(t *testing.T) {
	evil := newSite(t, map[string]string{poolFile: "data"})
	answer := func(f http.HandlerFunc) func(*site, *File) {
		return func(s *site, _ *File) {
			s.hook = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == poolFile {
					f(w, r)
				}
				return r.URL.Path == poolFile
			}
		}
	}
	named := func(path string) func(*site, *File) {
		return func(s *site, f *File) { f.Path = path; s.put(path, "data") }
	}
	for _, tt := range []struct {
		name   string
		attack func(*site, *File)
		kind   error
		text   string
	}{
		{"content replaced", func(s *site, _ *File) { s.put(poolFile, "evil") }, ErrBroken, "its SHA-256 is"},
		{"content shorter", func(s *site, _ *File) { s.put(poolFile, "dat") }, ErrBroken, "it has 3 bytes instead of 4"},
		{"content longer", func(s *site, _ *File) { s.put(poolFile, "datadata") }, ErrBroken, "it has 8 bytes instead of 4"},
		{"content without end", answer(func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); endless(w) }), ErrBroken, "it has more than 4 bytes"},
		{"content missing", func(s *site, _ *File) { delete(s.files, poolFile) }, ErrNotFound, "404"},
		{"content compressed unasked", answer(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Encoding", "gzip") }), ErrMalformed, "nobody asked for"},
		{"range unasked", answer(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusPartialContent) }), ErrMalformed, "206"},
		{"signature stripped", func(s *site, _ *File) { delete(s.files, poolFile+".asc") }, ErrSignature, "signature is missing"},
		{"signature replaced", func(s *site, _ *File) { s.files[poolFile+".asc"] = seal("other") }, ErrSignature, "not by the notary"},
		{"signature without end", func(s *site, _ *File) { s.files[poolFile+".asc"] = strings.Repeat("x", 2<<20) }, ErrMalformed, "limit of 1048576 bytes"},
		{"signature on another host", func(_ *site, f *File) { f.Signature = evil.URL + poolFile }, ErrRefused, "another server"},
		{"redirect to another host", answer(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, evil.URL+poolFile, http.StatusFound)
		}), ErrRefused, "another server"},
		{"path on another host", func(_ *site, f *File) { f.Path = evil.URL + poolFile }, ErrRefused, "another server"},
		{"path upwards", named("/pool/../../../etc/passwd"), ErrRefused, `".."`},
		{"path upwards in disguise", named("/pool/%2e%2e"), ErrRefused, `".."`},
		{"name with a hidden separator", named("/pool/..%2f..%2fx"), ErrRefused, "hides a separator"},
		{"name with a backslash", named(`/pool/..\..\x`), ErrRefused, "backslash"},
		{"name with a line end", named("/pool/a\nb"), ErrRefused, "control character"},
		{"name with a drive", named("/pool/c:x"), ErrRefused, "no name to store"},
		{"name of a hidden file", named("/pool/.bashrc"), ErrRefused, "no name to store"},
		{"name like an option", named("/pool/-rf"), ErrRefused, "no name to store"},
		{"name of a folder", named("/pool/"), ErrRefused, "no name to store"},
		{"no name", named("/"), ErrRefused, "no name to store"},
		{"name of a download", named("/pool/x.part"), ErrRefused, "no name to store"},
		{"name that is long", named("/pool/" + strings.Repeat("x", 300)), ErrRefused, "no name to store"},
		{"no checksum", func(_ *site, f *File) { f.Checksum = "" }, ErrBroken, "SHA-256"},
		{"checksum in upper case", func(_ *site, f *File) { f.Checksum = strings.ToUpper(f.Checksum) }, ErrBroken, "SHA-256"},
		{"no size", func(_ *site, f *File) { missing(&f.Unknown, "size"); f.Size = 0 }, ErrBroken, "no size"},
		{"size below zero", func(_ *site, f *File) { f.Size = -1 }, ErrBroken, "no size"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c, p, f := shop(t, "data")
			tt.attack(s, &f)
			root := t.TempDir()
			folder := filepath.Join(root, "a", "b")
			path, err := c.Download(t.Context(), p, f, folder, nil)
			if path != "" || !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.text) {
				t.Fatalf("Download = %q, %v, want %v with %q", path, err, tt.kind, tt.text)
			}
			var e *Error
			if !errors.As(err, &e) || e.Channel != "c" || e.Device != "d" {
				t.Errorf("error is for %q %q", e.Channel, e.Device)
			}
			if n := names(t, folder); n != "" && !strings.HasSuffix(n, ".part") || names(t, root) != "a" && names(t, root) != "" {
				t.Errorf("folder has %q, its root %q", n, names(t, root))
			}
			if n := names(t, filepath.Join(root, "a")); n != "b" && n != "" {
				t.Errorf("files outside of the folder: %q", n)
			}
		})
	}
}

func TestDownloadNeedsVerifiedIndex(t *testing.T) {
	_, c, p, f := shop(t, "data")
	p.Verified = false
	if _, err := c.Download(t.Context(), p, f, t.TempDir(), nil); !errors.Is(err, ErrRefused) {
		t.Errorf("index not verified: %v, want ErrRefused", err)
	}
	c.Trust, c.Unverified = nil, true
	f.Signature = ""
	if _, err := c.Download(t.Context(), p, f, t.TempDir(), nil); err != nil {
		t.Errorf("client that verifies nothing: %v", err)
	}
}

func TestDownloadLockedAndCancelled(t *testing.T) {
	s, c, p, f := shop(t, bigData)
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	var second error
	s.hook = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != poolFile {
			return false
		}
		_, second = c.Download(ctx, p, f, folder, nil)
		_, _ = io.WriteString(w, bigData[:1000])
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
		return true
	}
	_, err := c.Download(ctx, p, f, folder, nil)
	if !errors.Is(err, context.Canceled) || !errors.Is(second, ErrLocked) {
		t.Errorf("cancelled: %v; second at the same time: %v", err, second)
	}
	s.hook = nil
	path, err := c.Download(t.Context(), p, f, folder, nil)
	if data, _ := os.ReadFile(path); err != nil || !bytes.Equal(data, []byte(bigData)) {
		t.Errorf("afterwards: %d bytes, %v", len(data), err)
	}
}
