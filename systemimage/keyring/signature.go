package keyring

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

const (
	maxSignatureFile = 256 << 10 // bytes
	maxSignatures    = 16        // in one file; each that a known key made costs a pass of hashing
	clockSkew        = time.Hour
	minDSA           = 2047 // bits, as for RSA
)

// Signer is who made a good signature.
type Signer struct {
	Fingerprint string    // of the primary key, upper-case hexadecimal
	Subkey      string    // fingerprint of the subkey that signed; empty if the primary key did. Devices refuse signatures of subkeys
	Time        time.Time // when, by the signer's own clock
	Type        Type      // of the keyring that the key was found in
}

// Verify reads data to its end and checks a detached signature on it, armored or
// binary, against the keys of all given keyrings, less those in the blacklist (which
// may be nil). One good signature is enough, in any order, unless the policy says
// Every. The keyrings themselves are taken as they are: their type, expiry and origin
// are what [Chain] looks at. Without a good signature the error is [ErrMalformed]
// (no detached signature at all), [ErrBlacklisted], [ErrExpired] (key or signature),
// [ErrSignature] or [ErrUntrusted] (made by none of the keys).
func (p Policy) Verify(data io.Reader, signature []byte, at time.Time, blacklist *Keyring, rings ...*Keyring) (Signer, error) {
	list, err := parseSignatures(signature)
	if err != nil {
		return Signer{}, err
	}
	var writers []io.Writer
	for _, c := range list {
		if c.err == nil {
			c.prepare(p, blacklist, rings)
		}
		if c.err == nil {
			writers = append(writers, c.text)
		}
	}
	if _, err := io.Copy(io.MultiWriter(writers...), data); err != nil {
		return Signer{}, fmt.Errorf("keyring: cannot read what is to be verified: %w", err)
	}
	var good *Signer
	var worst *Error
	for _, c := range list {
		signer, err := c.check(p, at)
		if err == nil {
			if good == nil {
				good = &signer
			}
			continue
		}
		if worst == nil || weight(err) > weight(worst) {
			worst = err
		}
	}
	if good == nil || p.Every && worst != nil {
		return Signer{}, worst
	}
	return *good, nil
}

// weight orders what is wrong with several signatures by how much it tells.
func weight(e *Error) int {
	return slices.Index([]error{ErrMalformed, ErrUntrusted, ErrSignature, ErrExpired, ErrBlacklisted}, e.Kind)
}

// candidate is one of the signatures in a file.
type candidate struct {
	sig    *packet.Signature
	packet []byte // sig, as it is in the file
	issuer []byte // fingerprint, if the signature names one
	keys   []found
	hash   hash.Hash // what the key signs
	text   io.Writer // what the data goes into; converts line ends if the signature says so
	err    *Error
}

// found is a key that may have made a signature.
type found struct {
	key  *key
	ring Type
}

// parseSignatures takes a file apart. Signatures that cannot be understood come with
// their reason; what is no list of detached signatures at all is an error.
func parseSignatures(file []byte) ([]*candidate, error) {
	switch {
	case len(file) > maxSignatureFile:
		return nil, errorf(ErrMalformed, "signature has %d bytes, the limit is %d", len(file), maxSignatureFile)
	case len(bytes.TrimSpace(file)) == 0:
		return nil, errorf(ErrMalformed, "signature is empty")
	}
	if file[0]&0x80 == 0 {
		unarmored, err := unarmor(file)
		if err != nil {
			return nil, err
		}
		file = unarmored
	}
	packets, err := splitPackets(file)
	if err != nil {
		return nil, because(ErrMalformed, err, "signature cannot be read")
	}
	var list []*candidate
	for _, raw := range packets {
		switch raw.tag {
		case tagMarker:
			continue
		case tagSignature:
		default:
			return nil, errorf(ErrMalformed, "not a detached signature: it holds a packet with tag %d", raw.tag)
		}
		if len(list) == maxSignatures {
			return nil, errorf(ErrMalformed, "more than %d signatures", maxSignatures)
		}
		list = append(list, readSignature(raw))
	}
	if len(list) == 0 {
		return nil, errorf(ErrMalformed, "signature is empty")
	}
	return list, nil
}

// unarmor decodes the one block of a text file: a line that begins it, headers, an
// empty line, base64, a checksum of 24 bits that may be missing. Devices refuse a file
// with a wrong checksum, and one with two blocks.
func unarmor(file []byte) ([]byte, error) {
	const begin, end, title = "-----BEGIN PGP", "-----END PGP", " SIGNATURE-----"
	if n := strings.Count("\n"+string(file), "\n"+begin); n != 1 {
		return nil, errorf(ErrMalformed, "want one armored PGP SIGNATURE, found %d armored blocks", n)
	}
	var body, sum strings.Builder
	lines := strings.Split(string(file), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	lines = lines[slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, begin) }):]
	if lines[0] != begin+title {
		return nil, errorf(ErrMalformed, "want an armored PGP SIGNATURE, found %.40q", strings.Trim(lines[0], "- "))
	}
	for _, line := range lines[1+max(0, slices.Index(lines, "")):] {
		if strings.HasPrefix(line, end) {
			break
		}
		if len(line) == 5 && line[0] == '=' {
			sum.WriteString(line[1:])
		} else {
			body.WriteString(line)
		}
	}
	data, err := base64.StdEncoding.DecodeString(body.String())
	if err != nil {
		return nil, because(ErrMalformed, err, "armor of the signature is broken")
	}
	if sum.Len() > 0 && sum.String() != base64.StdEncoding.EncodeToString(crc24(data)) {
		return nil, errorf(ErrMalformed, "armor of the signature is broken: its checksum is wrong")
	}
	return data, nil
}

// crc24 is the checksum of armor.
func crc24(data []byte) []byte {
	sum := uint32(0xb704ce)
	for _, b := range data {
		sum ^= uint32(b) << 16
		for range 8 {
			if sum <<= 1; sum&(1<<24) != 0 {
				sum ^= 0x1864cfb
			}
		}
	}
	return []byte{byte(sum >> 16), byte(sum >> 8), byte(sum)}
}

func readSignature(raw rawPacket) *candidate {
	c := &candidate{}
	p, err := packet.Read(bytes.NewReader(raw.all))
	sig, ok := p.(*packet.Signature)
	switch {
	case err != nil:
		// Among others for MD5 and for critical parts that nobody here knows.
		c.err = because(ErrSignature, err, "signature is of a kind that cannot be checked")
	case !ok || sig.SigType != packet.SigTypeBinary && sig.SigType != packet.SigTypeText:
		c.err = errorf(ErrSignature, "signature is not one over a document")
	case sig.IssuerKeyId == nil && sig.IssuerFingerprint == nil:
		c.err = errorf(ErrSignature, "signature does not say who made it")
	default:
		c.sig, c.packet, c.issuer = sig, raw.all, sig.IssuerFingerprint
	}
	return c
}

// prepare finds the keys that may have made the signature and begins to hash.
func (c *candidate) prepare(p Policy, blacklist *Keyring, rings []*Keyring) {
	blacklisted := false
	for _, ring := range rings {
		if ring == nil {
			continue
		}
		for i := range ring.keys {
			k := &ring.keys[i]
			if k.unusable != nil || !c.names(k) {
				continue
			}
			if blacklist.has(k.fingerprint) {
				blacklisted = true
				continue
			}
			c.keys = append(c.keys, found{k, ring.Type})
		}
	}
	if len(c.keys) == 0 && blacklist != nil {
		blacklisted = blacklisted || slices.ContainsFunc(blacklist.keys, func(k key) bool { return c.names(&k) })
	}
	switch {
	case blacklisted:
		c.err = errorf(ErrBlacklisted, "made by key %s, which is blacklisted", c.signer())
		return
	case len(c.keys) == 0:
		c.err = errorf(ErrUntrusted, "made by key %s, which is in no keyring that may sign this", c.signer())
		return
	}
	if c.sig.Hash == crypto.SHA1 && !p.SHA1 || c.sig.Hash == crypto.RIPEMD160 {
		c.err = errorf(ErrSignature, "signature over a weak digest, %v; sign anew with SHA-512", c.sig.Hash)
		return
	}
	hashed, err := c.sig.PrepareVerify()
	if err != nil {
		c.err = because(ErrSignature, err, "signature cannot be checked")
		return
	}
	c.hash, c.text = hashed, hashed
	if c.sig.SigType == packet.SigTypeText {
		c.text = openpgp.NewCanonicalTextHash(hashed)
	}
}

// names reports whether the signature says that one of the keys in k made it.
func (c *candidate) names(k *key) bool {
	if c.sig.IssuerKeyId != nil {
		return slices.Contains(k.ids, *c.sig.IssuerKeyId)
	}
	return len(c.issuer) > 0 && strings.EqualFold(fmt.Sprintf("%X", c.issuer), k.fingerprint)
}

func (c *candidate) signer() string {
	if len(c.issuer) > 0 {
		return fmt.Sprintf("%X", c.issuer)
	}
	return fmt.Sprintf("%016X", *c.sig.IssuerKeyId)
}

func (k *Keyring) has(fingerprint string) bool {
	return k != nil && slices.ContainsFunc(k.keys, func(b key) bool { return b.fingerprint == fingerprint })
}

// check decides, after the data went through. A key that stands in several keyrings is
// taken as revoked if one of them says so.
func (c *candidate) check(p Policy, at time.Time) (Signer, *Error) {
	if c.err != nil {
		return Signer{}, c.err
	}
	var good *Signer
	var reason *Error
	for _, f := range c.keys {
		signer, err := c.checkKey(p, f, at)
		switch {
		case err == nil:
			good = &signer
		case errors.Is(err.Err, pgperrors.ErrKeyRevoked):
			return Signer{}, err
		case reason == nil:
			reason = err
		}
	}
	if good == nil {
		return Signer{}, reason
	}
	return *good, nil
}

func (c *candidate) checkKey(p Policy, f found, at time.Time) (Signer, *Error) {
	config := &packet.Config{
		Time: func() time.Time { return at },
		// gpg lets a primary key without flags do everything, and so do publishers.
		InsecureAllowAllKeyFlagsWhenMissing: true,
		// Sound, although nobody makes them any more.
		RejectPublicKeyAlgorithms: map[packet.PublicKeyAlgorithm]bool{},
		RejectCurves:              map[packet.Curve]bool{},
	}
	used, err := c.usable(p, f.key, at, config)
	if err != nil {
		return Signer{}, err
	}
	if err := c.belongs(f.key, used.PublicKey); err != nil {
		return Signer{}, because(ErrSignature, err, "signature by key %s does not belong to the data: one of the two was altered, or they were not published together", c.signer())
	}
	if err := c.checkDetails(p, used, at, config); err != nil {
		return Signer{}, err
	}
	s := Signer{Fingerprint: f.key.fingerprint, Time: c.sig.CreationTime.UTC(), Type: f.ring}
	if primary := used.Entity.PrimaryKey; used.PublicKey.KeyId != primary.KeyId {
		s.Subkey = fmt.Sprintf("%X", used.PublicKey.Fingerprint)
	}
	return s, nil
}

// belongs looks whether a part of a key has made the signature of the data, unless that
// was found before.
func (c *candidate) belongs(k *key, part *packet.PublicKey) error {
	h := sha256.New()
	for _, b := range [][]byte{part.Fingerprint, c.packet, c.hash.Sum(nil)} {
		fmt.Fprintf(h, "%d %s", len(b), b)
	}
	m := proof(h.Sum(nil))
	if k.good.hasMade(m) {
		return nil
	}
	err := part.VerifySignature(c.hash, c.sig)
	if err == nil {
		k.good.keepMade(m)
	}
	return err
}

// usable returns the part of a key that has made the signature, if it may sign.
func (c *candidate) usable(p Policy, k *key, at time.Time, config *packet.Config) (used openpgp.Key, _ *Error) {
	var id uint64 // 0 is the primary key's
	if c.sig.IssuerKeyId != nil {
		id = *c.sig.IssuerKeyId
	}
	if used, ok := k.good.in(id, at); ok {
		return used, nil
	}
	entity, err := k.read()
	if err != nil {
		return used, because(ErrSignature, err, "key %s cannot be read", k.fingerprint)
	}
	if entity.Revoked(at) {
		return used, because(ErrSignature, pgperrors.ErrKeyRevoked, "made by key %s", k.fingerprint)
	}
	wanted := cmp.Or(id, entity.PrimaryKey.KeyId)
	used, ok := entity.SigningKeyById(at, wanted, config)
	now := ok
	if !ok && p.ExpiredKeys {
		used, ok = entity.SigningKeyById(c.sig.CreationTime, wanted, config)
	}
	if !ok {
		_, err := entity.VerifyPrimaryKey(at, config)
		if errors.Is(err, pgperrors.ErrKeyExpired) {
			return used, because(ErrExpired, err, "made by key %s", k.fingerprint)
		}
		if err == nil {
			err = errors.New("it may not sign, is too weak, or is a subkey that is expired, revoked or not bound to its key")
		}
		return used, because(ErrSignature, err, "key %s cannot be used", c.signer())
	}
	if bits, err := used.PublicKey.BitLength(); used.PublicKey.PubKeyAlgo == packet.PubKeyAlgoDSA && (err != nil || bits < minDSA) {
		return used, errorf(ErrSignature, "key %s is too weak: DSA of %d bits", c.signer(), bits)
	}
	if used.PublicKey.KeyId != entity.PrimaryKey.KeyId && !used.SelfSignature.FlagSign {
		return used, errorf(ErrSignature, "subkey %016X may not sign", wanted)
	}
	if now {
		k.good.keep(id, at, used)
	}
	return used, nil
}

// checkDetails looks at what a sound signature says about itself.
func (c *candidate) checkDetails(p Policy, used openpgp.Key, at time.Time, config *packet.Config) *Error {
	made := c.sig.CreationTime
	for _, n := range c.sig.Notations {
		if n.IsCritical && !config.KnownNotation(n.Name) {
			return errorf(ErrSignature, "signature has an unknown critical notation %.40q", n.Name)
		}
	}
	if !used.PublicKey.CreationTime.IsZero() && made.Before(used.PublicKey.CreationTime) {
		return errorf(ErrSignature, "signature of %s is older than its key", made.UTC().Format(time.RFC3339))
	}
	if !p.Future && made.After(at.Add(clockSkew)) {
		return errorf(ErrSignature, "signature is dated %s, ahead of the clock (%s)", made.UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	}
	if life := c.sig.SigLifetimeSecs; life != nil && *life > 0 {
		if end := made.Add(time.Duration(*life) * time.Second); at.After(end) {
			return errorf(ErrExpired, "signature was good until %s", end.UTC().Format(time.RFC3339))
		}
	}
	return nil
}
