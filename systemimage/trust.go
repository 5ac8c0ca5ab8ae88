package systemimage

import (
	"context"
	"io"
	"time"
)

// A VerifyRequest is a file of the tree with its detached signature, to be verified
// by a [Trust]; keyring.Trust is one.
type VerifyRequest struct {
	Path      string    // in the tree, such as "/channels.json"
	Data      io.Reader // exactly what was read; to be read to its end
	Signature []byte    // armored or binary

	// Device, when set, says that the keyring of that device may sign it too:
	// channels.json gave these paths for it and its signature (empty: none).
	Device                    string
	Keyring, KeyringSignature string

	// Attempt counts from 0. A later attempt has read everything anew, because
	// the one before was not verified: time to fetch the keyrings again.
	Attempt int

	// Fetch reads another file of the same tree, such as
	// "/gpg/image-signing.tar.xz". It fails with ErrNotFound, which is also
	// fs.ErrNotExist, when it is absent.
	Fetch func(ctx context.Context, path string) ([]byte, error)
}

// A Trust decides whether a signature counts: the file was signed by a key
// that the chain of keyrings beneath a pinned archive-master allows to sign
// it. It is safe for use by several goroutines. An error with a method
// Permanent() bool that returns true says that reading again cannot help.
type Trust interface {
	Verify(ctx context.Context, s VerifyRequest) error
}

// A PublishedFile is a file of the tree as it was read: where, what it holds, and how
// far it can be believed.
type PublishedFile struct {
	URL       string
	Raw       []byte    // what was parsed, byte for byte
	Signature []byte    // of Raw; nil when nobody asked for it
	Verified  bool      // Signature was verified by the Trust of the client
	Modified  time.Time // Last-Modified of the server; zero when it did not say

	known bool // Signature is from elsewhere: see Client.Served
}
