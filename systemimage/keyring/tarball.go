package keyring

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/landingteam/landing/systemimage/internal/unpack"
)

// Type is what a keyring is for.
type Type string

// The types of keyrings, in the order of the chain.
const (
	ArchiveMaster Type = "archive-master" // the root; pinned, never fetched
	ImageMaster   Type = "image-master"   // signed by archive-master
	Blacklist     Type = "blacklist"      // signed by image-master; optional
	ImageSigning  Type = "image-signing"  // signed by image-master
	DeviceSigning Type = "device-signing" // signed by image-signing; optional
)

// Keyring is the contents of a keyring tarball. That it was parsed says nothing about
// who made it: see [Chain].
type Keyring struct {
	Type   Type
	Expiry time.Time // zero: never
	Model  *string   // the only device it is for; nil: any
	keys   []key
}

// Parse reads a keyring tarball with the strict policy.
func Parse(tarXZ []byte) (*Keyring, error) { return Policy{}.Parse(tarXZ) }

// Parse reads a keyring tarball: an .xz-compressed tar archive with keyring.json and
// keyring.gpg at its top. keyring.gpg may hold exported keys, a keyring file of gpg
// with its trust packets, or a keybox; at least one of its keys must be usable, except
// in a blacklist, which may also be empty. Everything else is [ErrMalformed]. Other
// members are ignored, of several with one name the last counts.
func (p Policy) Parse(tarXZ []byte) (*Keyring, error) {
	metadata, ring, err := p.unpack(tarXZ)
	if err != nil {
		return nil, err
	}
	k := &Keyring{}
	if err := k.readMetadata(metadata); err != nil {
		return nil, err
	}
	if k.keys, err = readKeys(ring, k.Type == Blacklist); err != nil {
		return nil, about("keyring.gpg", err)
	}
	return k, nil
}

func (p Policy) unpack(tarXZ []byte) (metadata, ring []byte, err error) {
	limit := p.maxUnpacked()
	if int64(len(tarXZ)) > limit {
		return nil, nil, errorf(ErrMalformed, "tarball has %d bytes, the limit is %d", len(tarXZ), limit)
	}
	if len(tarXZ) == 0 {
		return nil, nil, errorf(ErrMalformed, "tarball is empty")
	}
	fail := func(err error) ([]byte, []byte, error) {
		return nil, nil, because(ErrMalformed, err, "tarball cannot be unpacked (limit %d bytes)", limit)
	}
	bounded, err := unpack.XZ(bytes.NewReader(tarXZ), limit)
	if err != nil {
		return fail(err)
	}
	archive := tar.NewReader(bounded)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fail(err)
		}
		name := header.Name
		if p.DotSlash {
			name = strings.TrimPrefix(name, "./")
		}
		if name != "keyring.json" && name != "keyring.gpg" {
			continue
		}
		if header.Typeflag != tar.TypeReg {
			return nil, nil, errorf(ErrMalformed, "%s in the tarball is no plain file", name)
		}
		data, err := io.ReadAll(io.LimitReader(archive, limit+1))
		if err != nil {
			return fail(err)
		}
		if int64(len(data)) > limit { // a sparse file
			return nil, nil, errorf(ErrMalformed, "%s in the tarball is too large", name)
		}
		data = append([]byte{}, data...)
		if name == "keyring.json" {
			metadata = data
		} else {
			ring = data
		}
	}
	// The checksum of the compressed data comes last.
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return fail(err)
	}
	for name, data := range map[string][]byte{"keyring.json": metadata, "keyring.gpg": ring} {
		if data == nil {
			return nil, nil, errorf(ErrMalformed, "tarball has no %s at its top (plain name, no folder, no ./)", name)
		}
	}
	return metadata, ring, nil
}

func (k *Keyring) readMetadata(data []byte) error {
	fail := func(format string, args ...any) error {
		return &Error{Kind: ErrMalformed, Object: "keyring.json", Text: fmt.Sprintf(format, args...)}
	}
	if !utf8.Valid(data) {
		return fail("not UTF-8")
	}
	// Not a struct: its fields would match names in any case, and devices' do not.
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return fail("%v", err)
	}
	value := func(name string) (json.RawMessage, bool) {
		v, ok := fields[name]
		return v, ok && string(v) != "null"
	}
	if v, ok := value("type"); !ok {
		return fail(`no "type"`)
	} else if json.Unmarshal(v, &k.Type) != nil {
		return fail(`"type" is no text`)
	}
	if v, ok := value("model"); ok {
		k.Model = new(string)
		if json.Unmarshal(v, k.Model) != nil {
			return fail(`"model" is no text`)
		}
	}
	if v, ok := value("expiry"); ok {
		seconds, err := strconv.ParseFloat(string(v), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return fail(`"expiry" is no number of seconds since 1970`)
		}
		// Clamped to what time.Time can hold and print, 1970 to 9999.
		whole, fraction := math.Modf(min(max(seconds, 0), 253402300799))
		k.Expiry = time.Unix(int64(whole), int64(fraction*1e9)).UTC()
	}
	return nil
}

// Check reports whether the keyring is of the wanted type, for the given device and not
// expired at that time, in this order: [ErrWrongType], [ErrModel], [ErrExpired]. A
// keyring for one model is for no other, and not for an unnamed device ("").
func (k *Keyring) Check(wanted Type, device string, at time.Time) error {
	switch {
	case k.Type != wanted:
		return errorf(ErrWrongType, "keyring is of type %.40q, wanted %s", string(k.Type), wanted)
	case k.Model != nil && (*k.Model != device || device == ""):
		return errorf(ErrModel, "keyring is for model %.40q, wanted %.40q", *k.Model, device)
	case !k.Expiry.IsZero() && k.Expiry.Before(at):
		return errorf(ErrExpired, "keyring expired on %s; the clock says %s. Publish a new one, or set the clock right",
			k.Expiry.Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	}
	return nil
}

// Fingerprints lists the primary keys, in upper-case hexadecimal, in the order of the
// file and each once.
func (k *Keyring) Fingerprints() []string {
	var list []string
	for _, key := range k.keys {
		if !slices.Contains(list, key.fingerprint) {
			list = append(list, key.fingerprint)
		}
	}
	return list
}

// Without returns the keyring less the keys with the given fingerprints, of which the
// last 16 digits are enough.
func (k *Keyring) Without(fingerprints ...string) *Keyring {
	next := *k
	next.keys = slices.DeleteFunc(slices.Clone(k.keys), func(key key) bool {
		return slices.ContainsFunc(fingerprints, func(f string) bool {
			return len(f) >= 16 && strings.HasSuffix(key.fingerprint, strings.ToUpper(f))
		})
	})
	return &next
}

// Holds tells whether a key is in the keyring, as a primary key or a subkey, by its
// fingerprint or by its id of 16 digits.
func (k *Keyring) Holds(key string) bool {
	if len(key) < 16 {
		return false
	}
	for _, have := range k.keys {
		if strings.HasSuffix(have.fingerprint, key) {
			return true
		}
		for _, id := range have.ids {
			if strings.HasSuffix(key, fmt.Sprintf("%016X", id)) {
				return true
			}
		}
	}
	return false
}
