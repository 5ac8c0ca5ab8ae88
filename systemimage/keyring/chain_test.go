package keyring

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// hang adds a keyring of the tree in testdata, or of a variant of it.
func hang(t *testing.T, c *Chain, wanted Type, path string) (*Chain, error) {
	t.Helper()
	return c.With(wanted, readFile(t, path), readFile(t, path+".asc"), now)
}

func mustHang(t *testing.T, c *Chain, wanted Type, path string) *Chain {
	t.Helper()
	next, err := hang(t, c, wanted, path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return next
}

func rootChain(t testing.TB) *Chain {
	t.Helper()
	c, err := NewChain(readFile(t, "keyrings/archive-master.tar.xz"), "", Policy{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func verifyFile(t *testing.T, c *Chain, path string) error {
	t.Helper()
	_, err := c.Verify(bytes.NewReader(readFile(t, path)), readFile(t, path+".asc"), now)
	return err
}

func TestChain(t *testing.T) {
	root := rootChain(t)
	if err := verifyFile(t, root, "tree/channels.json"); kind(t, err) != ErrUntrusted {
		t.Errorf("nothing but a root: %v", err)
	}
	if _, err := hang(t, root, ImageSigning, "tree/gpg/image-signing.tar.xz"); kind(t, err) != ErrUntrusted {
		t.Errorf("image-signing before image-master: %v", err)
	}
	if _, err := hang(t, root, ArchiveMaster, "tree/gpg/archive-master.tar.xz"); kind(t, err) != ErrWrongType {
		t.Errorf("a second root: %v", err)
	}
	master := mustHang(t, root, ImageMaster, "tree/gpg/image-master.tar.xz")
	signing := mustHang(t, master, ImageSigning, "tree/gpg/image-signing.tar.xz")
	if err := verifyFile(t, signing, "tree/channels.json"); err != nil {
		t.Error(err)
	}
	if root.Keyring(ImageMaster) != nil || master.Keyring(ImageSigning) != nil {
		t.Error("With changed the chain it was called on")
	}
	if signing.Keyring(ArchiveMaster) == nil || signing.Keyring(Blacklist) != nil || signing.Keyring("x") != nil {
		t.Error("Keyring gives the wrong ones")
	}
	// The index of flo is signed by its own keyring only.
	const index = "tree/stable/flo/index.json"
	if err := verifyFile(t, signing, index); kind(t, err) != ErrUntrusted {
		t.Errorf("without the device's keyring: %v", err)
	}
	flo := mustHang(t, signing.For("flo"), DeviceSigning, "tree/stable/flo/device.tar.xz")
	if err := verifyFile(t, flo, index); err != nil {
		t.Error(err)
	}
	if err := verifyFile(t, flo.For("mako"), index); kind(t, err) != ErrUntrusted {
		t.Errorf("for another device: %v", err)
	}
	if _, err := hang(t, signing.For("flo"), DeviceSigning, "tree-variants/device-keyring-for-other-model/stable/flo/device.tar.xz"); kind(t, err) != ErrModel {
		t.Errorf("keyring of another model: %v", err)
	}
	// A new keyring takes what hung beneath the old one away.
	if c := mustHang(t, flo, ImageMaster, "tree/gpg/image-master.tar.xz"); c.Keyring(ImageSigning) != nil || c.Keyring(DeviceSigning) != nil {
		t.Error("keyrings hang beneath an image-master that did not vouch for them")
	}
}

func TestChainBlacklist(t *testing.T) {
	master := mustHang(t, rootChain(t), ImageMaster, "tree/gpg/image-master.tar.xz")
	for _, tt := range []struct {
		variant string
		keyring error // of hanging the blacklist
		file    error // of channels.json, signed by the old key
	}{
		{"with-blacklist", nil, nil},
		{"blacklist-hits-signing", nil, ErrBlacklisted},
		{"blacklist-expired", ErrExpired, nil},
		{"blacklist-signed-by-stranger", ErrUntrusted, nil},
	} {
		c, err := hang(t, master, Blacklist, "tree-variants/"+tt.variant+"/gpg/blacklist.tar.xz")
		if kind(t, err) != tt.keyring {
			t.Errorf("%s: %v, want %v", tt.variant, err, tt.keyring)
		}
		if err != nil {
			continue
		}
		c = mustHang(t, c, ImageSigning, "tree/gpg/image-signing.tar.xz")
		if err := verifyFile(t, c, "tree/channels.json"); kind(t, err) != tt.file {
			t.Errorf("%s: channels.json: %v, want %v", tt.variant, err, tt.file)
		}
	}
}

// A chain that was good once is not good for ever.
func TestChainExpires(t *testing.T) {
	c := mustHang(t, rootChain(t), ImageMaster, "tree/gpg/image-master.tar.xz")
	c = mustHang(t, c, ImageSigning, "tree/gpg/image-signing.tar.xz")
	data := readFile(t, "tree/channels.json")
	_, err := c.Verify(bytes.NewReader(data), readFile(t, "tree/channels.json.asc"), time.Date(2101, 1, 1, 0, 0, 0, 0, time.UTC))
	if kind(t, err) != ErrExpired || !strings.Contains(err.Error(), "image-signing keyring") {
		t.Errorf("in the year 2101: %v", err)
	}
}

func TestNewChain(t *testing.T) {
	if _, err := NewChain(readFile(t, "keyrings/image-master.tar.xz"), "", Policy{}); kind(t, err) != ErrWrongType {
		t.Errorf("image-master as root: %v", err)
	}
	if _, err := NewChain(nil, "", Policy{}); kind(t, err) != ErrMalformed {
		t.Errorf("no root: %v", err)
	}
}
