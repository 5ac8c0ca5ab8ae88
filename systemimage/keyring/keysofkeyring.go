package keyring

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// key is one key of a keyring. It is kept as bytes and read anew for each
// verification: the reader remembers what it found valid, which depends on the time
// and is no safe thing to share between goroutines.
type key struct {
	fingerprint string   // of the primary key, upper-case hexadecimal
	ids         []uint64 // key ids of the primary key and its subkeys
	packets     []byte   // without trust packets
	unusable    error    // why it can verify nothing; it still counts in a blacklist
	good        *goodKey // what verifications found
}

// goodKey is the part of a key that could sign in one second, which is as fine as
// OpenPGP tells times. It spares whoever reads a whole tree the verification of what
// the key says about itself for each file, which takes as long as that of the file.
type goodKey struct {
	mu     sync.Mutex
	id     uint64
	second int64
	used   openpgp.Key        // only read
	made   map[proof]struct{} // signatures that it has made, whatever the time
}

// A proof is the SHA-256 of a signature and of the digest of what it is over.
type proof [sha256.Size]byte

// maxMade is how many of them are kept: those of a large tree's indexes, which are read
// again and again.
const maxMade = 2000

// hasMade reports whether a signature was found to belong to the data before. What a
// policy and the time say of it is asked anew.
func (g *goodKey) hasMade(m proof) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.made[m]
	return ok
}

func (g *goodKey) keepMade(m proof) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.made == nil || len(g.made) >= maxMade {
		g.made = map[proof]struct{}{}
	}
	g.made[m] = struct{}{}
}

// in returns what was found for an id and a time.
func (g *goodKey) in(id uint64, at time.Time) (used openpgp.Key, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.used, g.used.PublicKey != nil && g.id == id && g.second == at.Unix()
}

func (g *goodKey) keep(id uint64, at time.Time, used openpgp.Key) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.id, g.second, g.used = id, at.Unix(), used
}

const maxKeys = 1000 // in one keyring

// readKeys takes the keys out of keyring.gpg. Trust packets are notes of gpg to itself;
// they stand between a name and its signature and would part the two.
func readKeys(ring []byte, blacklist bool) (keys []key, err error) {
	if isKeybox(ring) {
		if ring, err = keyboxPackets(ring); err != nil {
			return nil, because(ErrMalformed, err, "cannot be read")
		}
	}
	packets, err := splitPackets(ring)
	if err != nil {
		return nil, because(ErrMalformed, err, "cannot be read")
	}
	for _, p := range packets {
		switch p.tag {
		case tagPublicKey:
			if len(keys) == maxKeys {
				return nil, errorf(ErrMalformed, "more than %d keys", maxKeys)
			}
			fingerprint, err := fingerprint(p.body)
			if err != nil {
				return nil, because(ErrMalformed, err, "unusable key")
			}
			keys = append(keys, key{fingerprint: fingerprint, good: &goodKey{}})
		case tagSecretKey, tagSecretSubkey:
			return nil, errorf(ErrMalformed, "it holds a secret key: take it off the server, and replace that key")
		case tagSignature, tagUserID, tagPublicSubkey, tagAttribute:
			if len(keys) == 0 {
				return nil, errorf(ErrMalformed, "it does not begin with a key")
			}
		case tagTrust, tagMarker:
			continue
		default:
			continue // for others than us; a critical packet among them counts as absent
		}
		k := &keys[len(keys)-1]
		k.packets = append(k.packets, p.all...)
	}
	usable := 0
	var reason error
	for i := range keys {
		k := &keys[i]
		entity, err := k.read()
		if err != nil {
			k.unusable, reason = err, err
			continue
		}
		usable++
		k.ids = append(k.ids, entity.PrimaryKey.KeyId)
		for _, sub := range entity.Subkeys {
			k.ids = append(k.ids, sub.PublicKey.KeyId)
		}
	}
	if usable == 0 && !blacklist {
		return nil, because(ErrMalformed, reason, "it holds no usable key")
	}
	return keys, nil
}

func (k *key) read() (*openpgp.Entity, error) {
	return openpgp.ReadEntity(packet.NewReader(bytes.NewReader(k.packets)))
}

// fingerprint of the body of a key packet.
func fingerprint(body []byte) (string, error) {
	if len(body) == 0 {
		return "", fmt.Errorf("empty key packet")
	}
	switch version := body[0]; version {
	case 4:
		if len(body) > 0xffff {
			return "", fmt.Errorf("key of %d bytes", len(body))
		}
		return fmt.Sprintf("%X", sha1.Sum(append(binary.BigEndian.AppendUint16([]byte{0x99}, uint16(len(body))), body...))), nil
	case 6:
		return fmt.Sprintf("%X", sha256.Sum256(append(binary.BigEndian.AppendUint32([]byte{0x9b}, uint32(len(body))), body...))), nil
	default:
		return "", fmt.Errorf("key of version %d", version)
	}
}
