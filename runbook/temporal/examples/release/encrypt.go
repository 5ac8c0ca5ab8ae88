package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// encrypted makes a converter whose payloads only those can read who have the key: what
// is under embargo lies on a server that others may read.
func encrypted(key string) (converter.DataConverter, error) {
	b, err := hex.DecodeString(key)
	if err != nil || len(b) != 32 {
		return nil, errors.New("LANDING_KEY is no key of 64 hexadecimal digits; openssl rand -hex 32 makes one")
	}
	block, err := aes.NewCipher(b)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec{aead}), nil
}

// encoding marks payloads that codec has encrypted.
const encoding = "binary/landing-aes-gcm"

// A codec encrypts payloads whole, with AES-256-GCM.
type codec struct{ aead cipher.AEAD }

func (c codec) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	sealed := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := proto.Marshal(p)
		if err != nil {
			return nil, err
		}
		nonce := make([]byte, c.aead.NonceSize())
		if _, err := rand.Read(nonce); err != nil {
			return nil, err
		}
		sealed[i] = &commonpb.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte(encoding)}, Data: c.aead.Seal(nonce, nonce, plain, nil)}
	}
	return sealed, nil
}

func (c codec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	plain := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[converter.MetadataEncoding]) != encoding {
			plain[i] = p // from before the key
			continue
		}
		n := c.aead.NonceSize()
		if len(p.GetData()) < n {
			return nil, errors.New("an encrypted payload is cut")
		}
		b, err := c.aead.Open(nil, p.GetData()[:n], p.GetData()[n:], nil)
		if err != nil {
			return nil, errors.New("a payload is encrypted with another key, or was changed")
		}
		plain[i] = &commonpb.Payload{}
		if err := proto.Unmarshal(b, plain[i]); err != nil {
			return nil, err
		}
	}
	return plain, nil
}
