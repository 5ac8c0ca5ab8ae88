package keyring

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/systemimage"
)

// tree is a published tree with the files of a variant laid over it.
type tree struct {
	variant  string
	mu       sync.Mutex
	requests []string
}

func (s *tree) fetch(_ context.Context, path string) ([]byte, error) {
	path = strings.TrimLeft(path, "/")
	s.mu.Lock()
	s.requests = append(s.requests, path)
	s.mu.Unlock()
	if s.variant != "" {
		data, err := os.ReadFile(filepath.Join("testdata", "tree-variants", s.variant, path))
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	return os.ReadFile(filepath.Join("testdata", "tree", path))
}

// keyrings lists the requests for keyrings, without those for their signatures.
func (s *tree) keyrings() []string { return onlyKeyrings(s.requests) }

func onlyKeyrings(requests []string) (list []string) {
	for _, r := range requests {
		if strings.HasPrefix(r, "gpg/") && !strings.HasSuffix(r, ".asc") || strings.HasSuffix(r, "/device.tar.xz") {
			list = append(list, r)
		}
	}
	return list
}

// verify reads a file and its signature and has it verified.
func (s *tree) verify(trust *Trust, f systemimage.VerifyRequest) error {
	ctx := context.Background()
	data, err := s.fetch(ctx, f.Path)
	if err != nil {
		return err
	}
	if f.Signature, err = s.fetch(ctx, f.Path+".asc"); err != nil {
		return err
	}
	f.Data, f.Fetch = bytes.NewReader(data), s.fetch
	return trust.Verify(ctx, f)
}

// check is a run of a device, as far as trust goes: channels.json, once more if it is
// not verified, the index, then the files that the client read.
func (s *tree) check(trust *Trust, channel, device string, files []string) error {
	err := s.verify(trust, systemimage.VerifyRequest{Path: "/channels.json"})
	if e := (*Error)(nil); errors.As(err, &e) && !e.Permanent() && e.Object == "/channels.json" {
		err = s.verify(trust, systemimage.VerifyRequest{Path: "/channels.json", Attempt: 1})
	}
	if err != nil {
		return err
	}
	data, err := s.fetch(context.Background(), "/channels.json")
	if err != nil {
		return err
	}
	var channels map[string]struct {
		Devices map[string]struct {
			Index   string
			Keyring struct{ Path, Signature string }
		}
	}
	if err := json.Unmarshal(data, &channels); err != nil {
		return err
	}
	d, ok := channels[channel].Devices[device]
	if !ok {
		return nil
	}
	of := systemimage.VerifyRequest{Device: device, Keyring: d.Keyring.Path, KeyringSignature: d.Keyring.Signature}
	for _, path := range append([]string{d.Index}, files...) {
		f := of
		f.Path = path
		if err := s.verify(trust, f); err != nil {
			return err
		}
	}
	return nil
}

// treeDiffers lists every case that does not go as the client's run did.
var treeDiffers = map[string]struct {
	err      error
	requests []string
	why      string
}{
	"device-keyring-left-over-on-disk": {err: ErrUntrusted,
		why: "channels.json lists no keyring for the device, so none counts; the client uses what an earlier run left"},
	"cached-signing-wrong-type": {requests: []string{"gpg/blacklist.tar.xz", "gpg/image-signing.tar.xz"},
		why: "the type of a stored keyring is looked at, so a good one is fetched"},
}

func TestTreeCases(t *testing.T) {
	type treeCase struct {
		Name, Device, Channel, Verdict string
		Variant                        *string
		Preloaded                      [][2]string
		Requests                       []string
		ErrorText                      string `json:"error_text"`
	}
	cases := readJSON[[]treeCase](t, "tree-cases.json")
	if len(cases) != 32 {
		t.Fatalf("%d cases, want 32", len(cases))
	}
	kinds := map[string]error{ // by what the client says, and of which file
		"bad signature of channels.json":                 ErrUntrusted,
		"bad signature of index.json":                    ErrUntrusted,
		"bad signature of ubuntu-ffff.tar.xz":            ErrUntrusted,
		"bad signature of keyring.tar.xz":                ErrUntrusted,
		"expired keyring timestamp":                      ErrExpired,
		"keyring model mismatch; wanted: flo, got: mako": ErrModel,
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			s := &tree{}
			if c.Variant != nil {
				s.variant = *c.Variant
			}
			trust := &Trust{Root: readFile(t, "keyrings/archive-master.tar.xz"), Time: func() time.Time { return now }}
			for _, p := range c.Preloaded {
				trust.Store(Type(strings.ReplaceAll(p[0], "_", "-")), readFile(t, p[1]), readFile(t, p[1]+".asc"))
			}
			var files []string
			for _, r := range c.Requests {
				if !strings.HasSuffix(r, ".asc") && !slices.Contains(onlyKeyrings(c.Requests), r) && !strings.HasSuffix(r, ".json") {
					files = append(files, r)
				}
			}
			err := s.check(trust, c.Channel, c.Device, files)

			want, differs := treeDiffers[c.Name]
			switch {
			case strings.Contains(c.ErrorText, "404"):
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%v, want a missing file", err)
				}
			case want.err != nil:
				if !errors.Is(err, want.err) || c.Verdict != "ok" {
					t.Errorf("%v, the client says %s, want %v (%s)", err, c.Verdict, want.err, want.why)
				}
			case c.Verdict == "ok":
				if err != nil {
					t.Error(err)
				}
			default:
				k, ok := kinds[c.ErrorText]
				if strings.HasPrefix(c.Name, "blacklist-hits-") {
					k = ErrBlacklisted
				}
				if !ok || !errors.Is(err, k) {
					t.Errorf("%v, want %v for %q", err, k, c.ErrorText)
				}
			}
			requests := want.requests
			if !differs || requests == nil {
				requests = onlyKeyrings(c.Requests)
			}
			if diff := cmp.Diff(requests, s.keyrings()); diff != "" {
				t.Errorf("requests for keyrings (-want +got):\n%s", diff)
			}
		})
	}
}

func newTrust(t testing.TB) *Trust {
	return &Trust{Root: readFile(t, "keyrings/archive-master.tar.xz"), Time: func() time.Time { return now }}
}

// A blacklist that turns bad must not leave the chain in force that it would end.
func TestTrustForgetsAfterFailure(t *testing.T) {
	trust := newTrust(t)
	if err := (&tree{}).verify(trust, systemimage.VerifyRequest{Path: "/channels.json"}); err != nil {
		t.Fatal(err)
	}
	bad := &tree{variant: "blacklist-expired"}
	for attempt := range 3 {
		if err := bad.verify(trust, systemimage.VerifyRequest{Path: "/channels.json", Attempt: attempt}); !errors.Is(err, ErrExpired) {
			t.Errorf("attempt %d: %v, want ErrExpired", attempt, err)
		}
		if err := bad.verify(trust, systemimage.VerifyRequest{Path: "/stable/mako/index.json", Attempt: attempt}); !errors.Is(err, ErrExpired) {
			t.Errorf("index, attempt %d: %v, want ErrExpired", attempt, err)
		}
	}
	if trust.Chain() != nil {
		t.Error("a chain stays in force")
	}
}

func TestTrustDeviceKeyring(t *testing.T) {
	trust, s := newTrust(t), &tree{}
	flo := systemimage.VerifyRequest{Path: "/stable/flo/index.json", Device: "flo", Keyring: "/stable/flo/device.tar.xz", KeyringSignature: "/stable/flo/device.tar.xz.asc"}
	for range 3 { // the second and third time it is known
		if err := s.verify(trust, flo); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"gpg/image-master.tar.xz", "gpg/blacklist.tar.xz", "gpg/image-signing.tar.xz", "stable/flo/device.tar.xz"}
	if diff := cmp.Diff(want, s.keyrings()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	flo.KeyringSignature = ""
	if err := s.verify(trust, flo); !errors.Is(err, ErrUntrusted) {
		t.Errorf("no signature named: %v", err)
	}
	// The keyring of one device is none for another.
	mako := flo
	mako.Path, mako.Device, mako.Keyring = "/stable/flo/index.json", "mako", ""
	if err := s.verify(trust, mako); !errors.Is(err, ErrUntrusted) {
		t.Errorf("flo's index as mako's: %v", err)
	}
}

func TestTrustFetchErrors(t *testing.T) {
	lost := errors.New("link lost")
	for _, tt := range []struct {
		name string
		fail map[string]error
		want error
		not  error
	}{
		{"link lost", map[string]error{"gpg/image-signing.tar.xz": lost}, lost, fs.ErrNotExist},
		{"link lost at the blacklist", map[string]error{"gpg/blacklist.tar.xz": lost}, lost, nil},
		{"no image-master", map[string]error{"gpg/image-master.tar.xz": fs.ErrNotExist}, ErrUntrusted, fs.ErrNotExist},
		{"no image-signing", map[string]error{"gpg/image-signing.tar.xz": fs.ErrNotExist}, ErrUntrusted, fs.ErrNotExist},
		{"no signature", map[string]error{"gpg/image-signing.tar.xz.asc": fs.ErrNotExist}, ErrSignature, fs.ErrNotExist},
		// Taking the signature away must not take the blacklist away.
		{"blacklist without signature", map[string]error{"gpg/blacklist.tar.xz.asc": fs.ErrNotExist}, ErrSignature, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &tree{variant: "with-blacklist"}
			data := readFile(t, "tree/channels.json")
			err := newTrust(t).Verify(context.Background(), systemimage.VerifyRequest{Path: "/channels.json", Data: bytes.NewReader(data), Signature: readFile(t, "tree/channels.json.asc"),
				Fetch: func(ctx context.Context, path string) ([]byte, error) {
					if err := tt.fail[strings.TrimLeft(path, "/")]; err != nil {
						return nil, fmt.Errorf("GET %s: %w", path, err)
					}
					return s.fetch(ctx, path)
				}})
			if !errors.Is(err, tt.want) || tt.not != nil && errors.Is(err, tt.not) {
				t.Errorf("%v, want %v and not %v", err, tt.want, tt.not)
			}
		})
	}
	if err := newTrust(t).Verify(context.Background(), systemimage.VerifyRequest{Path: "/channels.json"}); !errors.Is(err, ErrUntrusted) {
		t.Errorf("nothing to fetch with: %v", err)
	}
}

func TestTrustConcurrently(t *testing.T) {
	trust, s := newTrust(t), &tree{variant: "with-blacklist"}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			f := systemimage.VerifyRequest{Path: "/channels.json"}
			if i%3 > 0 {
				f = systemimage.VerifyRequest{Path: "/stable/flo/index.json", Device: "flo", Keyring: "/stable/flo/device.tar.xz", KeyringSignature: "/stable/flo/device.tar.xz.asc"}
			}
			if err := s.verify(trust, f); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// A fresh trust knows nothing of the server: it asks for every keyring itself.
func TestTrustFresh(t *testing.T) {
	first := newTrust(t)
	for _, trust := range []*Trust{first, first.Fresh(), first.Fresh().Fresh()} {
		s := &tree{}
		if err := s.check(trust, "stable", "flo", nil); err != nil {
			t.Fatal(err)
		}
		want := []string{"gpg/image-master.tar.xz", "gpg/blacklist.tar.xz", "gpg/image-signing.tar.xz", "stable/flo/device.tar.xz"}
		if d := cmp.Diff(want, s.keyrings()); d != "" {
			t.Errorf("keyrings (-want +got)\n%s", d)
		}
	}
	lax := first.Fresh()
	lax.Policy.MaxUnpacked = 1
	if err := (&tree{}).check(lax, "stable", "flo", nil); err == nil {
		t.Error("a keyring that another policy let pass is taken")
	}
}
