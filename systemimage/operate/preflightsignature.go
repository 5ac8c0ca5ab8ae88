package operate

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/landingteam/landing/systemimage"
)

// signedIndexes are those of the indexes of the whole tree whose signature is there
// and can be verified: where the client has a root of trust.
func (s *Server) signedIndexes(t *treeState, look inspection) map[string]listedIndex {
	list := map[string]listedIndex{}
	if s.Client.Trust == nil {
		return list
	}
	for _, x := range look.indexes {
		if t.size[x.path+".asc"] > 0 && !x.alias { // else a rule of its own
			list[x.path] = x
		}
	}
	return list
}

// whyRefused says why devices refuse an index with this signature; "" is that they
// believe it. An error is that it cannot be known.
func (s *Server) whyRefused(ctx context.Context, x listedIndex, text, signature []byte) (string, error) {
	if signature == nil {
		return "it may not be read", nil
	}
	r := systemimage.VerifyRequest{Path: "/" + x.path, Data: bytes.NewReader(text), Signature: signature, Device: x.device, Fetch: s.fetchKeyring}
	if x.keyring != nil {
		r.Keyring, r.KeyringSignature = x.keyring.Path, x.keyring.Signature
	}
	err := s.Client.Trust.Verify(ctx, r)
	var net *systemimage.Error
	if errors.As(err, &net) && net.Kind == nil {
		return "", err
	}
	if err != nil {
		return err.Error(), nil
	}
	return "", nil
}

// maxKeyring bounds a keyring, in bytes.
const maxKeyring = 4 << 20

// fetchKeyring reads the keyring of a device.
func (s *Server) fetchKeyring(ctx context.Context, path string) ([]byte, error) {
	r, err := s.Client.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, maxKeyring))
}
