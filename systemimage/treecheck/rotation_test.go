package treecheck_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
	"github.com/landingteam/landing/systemimage/systemimagetest"
	"github.com/landingteam/landing/systemimage/treecheck"
)

// rotate gives a server a new image-signing key, and publishes its keyring without the
// old one. Nothing is signed again.
func rotate(t *testing.T, fake *systemimagetest.Server) {
	t.Helper()
	other := systemimagetest.New(t, systemimagetest.World{})
	for _, name := range []string{"secret/gpg/keys/image-signing/private.asc", "secret/gpg/keyrings/image-signing.tar.xz", "www/gpg/image-signing.tar.xz"} {
		write(t, fake.Root(), name, string(read(t, other.Root(), name)))
	}
	sign(t, fake, "image-master", "gpg/image-signing.tar.xz")
}

// sign signs a file of the tree with one of the server's keys.
func sign(t *testing.T, fake *systemimagetest.Server, key, place string) {
	t.Helper()
	keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(read(t, fake.Root(), "secret/gpg/keys/"+key+"/private.asc")))
	if err != nil {
		t.Fatal(err)
	}
	www := filepath.Join(fake.Root(), "www")
	var signature bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&signature, keys[0], bytes.NewReader(read(t, www, place)), nil); err != nil {
		t.Fatal(err)
	}
	write(t, www, place+".asc", signature.String())
}

func reSign(t *testing.T, fake *systemimagetest.Server) {
	t.Helper()
	out, err := fake.Run(t.Context(), command.Command{Argv: []string{filepath.Join(fake.Root(), "bin", "re-sign-indexes")}})
	if err != nil || out.Exit != 0 {
		t.Fatalf("re-sign-indexes: %v, exit %d, %s", err, out.Exit, out.Stderr)
	}
}

// A new key with re-sign-indexes behind it: older full images and keyrings of devices
// are still signed by the old one, and no device that meets them updates.
func TestCheckNewKey(t *testing.T) {
	t.Parallel()
	fake := systemimagetest.New(t, systemimagetest.SampleWorld())
	rotate(t, fake)
	reSign(t, fake)
	for _, o := range []treecheck.Options{{}, {Checksums: true}} {
		c := fake.Client()
		c.Tries = 1
		findings, err := treecheck.Check(t.Context(), c, o)
		if err != nil {
			t.Fatal(err)
		}
		again := map[string]string{}
		for _, f := range findings {
			if f.Class == "signed-by-stranger" {
				again[f.Place] = f.Remedy
			} else if f.Severity == systemimage.Harmful && f.Class != "index-signature" {
				t.Errorf("%v", f)
			}
		}
		// What the program leaves out: an older image that no delta leads to.
		for _, place := range []string{"/ubuntu-touch/rc-proposed/bq-aquaris.en/krillin/version-1.tar.xz.asc",
			"/ubuntu-touch/rc-proposed/meizu.en/arale/device.tar.xz.asc"} {
			if remedy, ok := again[place]; !ok || !strings.Contains(remedy, "gpg ") || !strings.Contains(remedy, strings.TrimSuffix(place, ".asc")) {
				t.Errorf("%s: remedy %q (listed %v), want to sign that file", place, remedy, ok)
			}
		}
		for place, remedy := range again {
			if strings.Contains(place, "version-3") || remedy == "run re-sign-indexes" {
				t.Errorf("%s: %s: the program has just run", place, remedy)
			}
		}
		if o.Checksums {
			continue
		}
		// All that is listed is what the client refuses, and nothing else.
		checkDownloads(t, fake, again)
	}
}

// checkDownloads downloads every payload of a channel without a keyring of a device.
func checkDownloads(t *testing.T, fake *systemimagetest.Server, again map[string]string) {
	t.Helper()
	c := fake.Client()
	c.Tries = 1
	x, err := c.Index(t.Context(), "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range x.Images {
		for _, f := range m.Files {
			_, err := c.Download(t.Context(), x, f, t.TempDir(), nil)
			if _, listed := again[f.Signature]; listed != (err != nil) {
				t.Errorf("%v, %s: listed %v, download: %v", m, f.Path, listed, err)
			}
		}
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	fake := systemimagetest.New(t, systemimagetest.SampleWorld())
	rotations := func(o treecheck.Options) *treecheck.Rotation {
		c := fake.Client()
		c.Tries = 1
		r, err := treecheck.Rotate(t.Context(), c, o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	clean := rotations(treecheck.Options{})
	if len(clean.SignAgain) > 0 || len(clean.CutOff) > 0 {
		t.Fatalf("before any change: %s", clean)
	}
	old := ""
	for _, k := range clean.Keys {
		if len(k.Keyring) != 1 {
			t.Errorf("%+v: want it in one keyring", k)
		} else if k.Keyring[0] == keyring.ImageSigning {
			old = k.Key
		}
	}

	// Without the key everything but the keyrings above it has to be signed again.
	plan := rotations(treecheck.Options{Retired: []string{old[len(old)-16:]}})
	if plan.SignAgain[0].Path != "/channels.json" {
		t.Errorf("first to be signed: %+v, want channels.json", plan.SignAgain[0])
	}
	order := []string{}
	for _, s := range plan.SignAgain {
		what := "payload"
		switch {
		case strings.HasSuffix(s.Path, ".json"):
			what = filepath.Base(s.Path)
		case strings.HasSuffix(s.Path, "/device.tar.xz"):
			what = "keyring of a device"
		}
		if len(order) == 0 || order[len(order)-1] != what {
			order = append(order, what)
		}
		if s.Key != old || s.By != keyring.ImageSigning || s.Problem == "" || s.Remedy == "" {
			t.Errorf("%+v", s)
		}
	}
	if d := cmp.Diff([]string{"channels.json", "keyring of a device", "index.json", "payload"}, order); d != "" {
		t.Errorf("order (-want +got)\n%s", d)
	}
	pairs := 0
	list, err := fake.Client().Channels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range list.Pairs() {
		pairs++
	}
	if len(plan.CutOff) != pairs {
		t.Errorf("%d devices are cut off, want all %d", len(plan.CutOff), pairs)
	}

	// The change as it is planned leaves the same to do.
	rotate(t, fake)
	now := rotations(treecheck.Options{})
	if d := cmp.Diff(paths(plan), paths(now)); d != "" {
		t.Errorf("files to be signed again (-plan +now)\n%s", d)
	}

	// After the program only those are cut off that meet what it leaves out.
	reSign(t, fake)
	rest := rotations(treecheck.Options{})
	got := map[string]string{}
	for _, c := range rest.CutOff {
		got[c.Channel+" "+c.Device] = fmt.Sprint(c.Builds, " ", filepath.Base(c.Path))
	}
	want := map[string]string{}
	for _, channel := range []string{"rc-proposed", "rc", "stable"} {
		want["ubuntu-touch/"+channel+"/meizu.en arale"] = "[] device.tar.xz"
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("cut off (-want +got)\n%s", d)
	}

	// One by one, to the end.
	for _, s := range rest.SignAgain {
		sign(t, fake, string(s.By), strings.TrimPrefix(s.Path, "/"))
	}
	if end := rotations(treecheck.Options{Checksums: true}); len(end.SignAgain) > 0 || len(end.CutOff) > 0 {
		t.Errorf("after all was signed again: %s", end)
	}
	if got := classes(t, fake.Client(), treecheck.Options{Unpack: true}); !slices.Equal(got, sample) {
		t.Errorf("findings at the end: %q", got)
	}
	const stored = "have stored the old keyring"
	if !strings.Contains(plan.String(), stored) || strings.Contains(rest.String(), stored) {
		t.Errorf("who has stored the old keyring belongs to a channels.json that is not signed yet:\n%s\n%s", plan, rest)
	}
	if text := rest.String(); !strings.Contains(text, "Cut off until then:\n  ubuntu-touch/rc-proposed/meizu.en arale: all phones, at ") {
		t.Errorf("report: %s", text)
	}
}

func paths(r *treecheck.Rotation) (list []string) {
	for _, s := range r.SignAgain {
		list = append(list, s.Path)
	}
	return list
}

// A phone that meets a file of the old key is cut off at its build, others are not.
func TestRotateBuilds(t *testing.T) {
	t.Parallel()
	fake := systemimagetest.New(t, systemimagetest.SampleWorld())
	www := filepath.Join(fake.Root(), "www")
	const delta = "/ubuntu-touch/rc-proposed/bq-aquaris.en/krillin/version-3.tar.xz"
	if err := os.Remove(filepath.Join(www, delta+".asc")); err != nil {
		t.Fatal(err)
	}
	r, err := treecheck.Rotate(t.Context(), fake.Client(), treecheck.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{delta}, paths(r)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for _, c := range r.CutOff {
		if c.Device != "krillin" || len(c.Builds) == 0 {
			t.Errorf("%+v", c)
		}
	}
	if len(r.CutOff) == 0 {
		t.Error("nobody is cut off")
	}
}
