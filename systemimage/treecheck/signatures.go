package treecheck

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
)

// A signed is a file of the tree with a detached signature.
type signed struct {
	path, asc string
	typ       keyring.Type // of the key that has to sign it
	users     []pair       // who meets it; none: every device
	kind      kind
	program   bool // re-sign-indexes signs it again

	missing   bool
	signature []byte
	key       string // who made it, by its own word
	broken    error  // the file and its signature are at odds
}

// A kind is what a signed file is, in the order in which files are signed again:
// after channels.json devices fetch the new keyring, and each device is served again
// as soon as what it meets itself is signed.
type kind int

const (
	aKeyring kind = iota
	theListing
	aDeviceKeyring
	anIndex
	aNewPayload
	anOldPayload
)

// signatureRules judge what vouches for a file.
var signatureRules = []rule[*signed]{
	{class: "missing-signature", severity: systemimage.Harmful, final: true, look: unsigned(func(s *signed) string {
		if s.missing {
			return "is missing: devices refuse the file"
		}
		return ""
	})},
	{class: "empty-signature", severity: systemimage.Harmful, final: true, look: unsigned(func(s *signed) string {
		if len(s.signature) == 0 {
			return "is empty: devices refuse the file"
		}
		return ""
	})},
	{class: "no-signature", severity: systemimage.Harmful, final: true, look: unsigned(func(s *signed) string {
		if _, err := keyring.Issuers(s.signature); err != nil {
			return "is no detached signature, and devices refuse the file: " + err.Error()
		}
		return ""
	})},
	{class: "signed-by-stranger", severity: systemimage.Harmful, final: true, look: func(t *tree, s *signed) []problem {
		if at, err := t.refusing(s); err != nil {
			return []problem{s.problem(t, at, "devices refuse the file, which has to be signed again: "+err.Error())}
		}
		return nil
	}},
	{class: "wrong-signature", severity: systemimage.Harmful, look: func(t *tree, s *signed) []problem {
		if s.broken == nil {
			return nil
		}
		return []problem{s.problem(t, s.first(), "devices refuse the file: "+s.broken.Error())}
	}},
}

// unsigned is a rule about the signature itself.
func unsigned(why func(*signed) string) func(*tree, *signed) []problem {
	return func(t *tree, s *signed) []problem {
		if text := why(s); text != "" {
			return []problem{s.problem(t, s.first(), text)}
		}
		return nil
	}
}

func (s *signed) first() pair {
	if len(s.users) == 0 {
		return pair{}
	}
	return s.users[0]
}

func (s *signed) problem(_ *tree, at pair, text string) problem {
	return problem{channel: at.channel, device: at.device, place: s.asc, text: text, remedy: s.remedy()}
}

// remedy is how the file is signed again. The server has a program for what
// changes with every publication; it leaves older images and keyrings alone.
func (s *signed) remedy() string {
	if s.program {
		return "run re-sign-indexes"
	}
	return fmt.Sprintf("sign it in the server's folder: gpg --homedir secret/gpg/keys/%s --yes --armor --detach-sign %s (re-sign-indexes leaves this file out)", s.typ, command.Word("www"+s.path))
}

// collect makes a list of all that is signed, and of the payloads.
func (t *tree) collect() {
	add := func(s signed, user pair) *signed {
		have := t.files[s.path]
		if have == nil {
			have = &s
			t.files[s.path] = have
			t.order = append(t.order, s.path)
		}
		if user != (pair{}) {
			have.users = append(have.users, user)
		}
		have.kind, have.program = min(have.kind, s.kind), have.program || s.program
		return have
	}
	for _, r := range t.keyrings() {
		by := map[keyring.Type]keyring.Type{keyring.ImageSigning: keyring.ImageMaster, keyring.Blacklist: keyring.ImageMaster,
			keyring.DeviceSigning: keyring.ImageSigning, keyring.ImageMaster: keyring.ArchiveMaster}[r.typ]
		switch {
		case r.missing:
		case r.typ == keyring.DeviceSigning:
			at := pair{r.channel, r.device}
			add(signed{path: r.path, asc: t.indexes[at].Entry.Keyring.Signature, typ: by, kind: aDeviceKeyring}, at)
		default:
			add(signed{path: r.path, asc: r.path + ".asc", typ: by}, pair{})
		}
	}
	add(signed{path: "/channels.json", asc: "/channels.json.asc", typ: keyring.ImageSigning, kind: theListing, program: true, signature: t.list.Signature}, pair{})
	for _, at := range t.pairs() {
		p := t.indexes[at]
		redirect := t.list.Channels[at.channel].Redirect != ""
		add(signed{path: p.Entry.Index, asc: p.Entry.Index + ".asc", typ: keyring.ImageSigning, kind: anIndex, program: !redirect, signature: p.Signature}, at)
		if t.o.NoFiles {
			continue
		}
		newest, _ := p.Newest()
		for _, m := range p.Images {
			k := anOldPayload
			if m.Version == newest {
				k = aNewPayload
			}
			for _, f := range m.Files {
				known := t.files[f.Path] != nil
				s := add(signed{path: f.Path, asc: f.Signature, typ: keyring.ImageSigning, kind: k, program: !redirect && (k == aNewPayload || m.Type == systemimage.Delta)}, at)
				if !known {
					t.payload = append(t.payload, &payload{signed: s, at: at, file: f})
				}
			}
		}
	}
}

// signed are all files with a signature, in the order of the tree.
func (t *tree) signed() (list []*signed) {
	for _, path := range t.order {
		list = append(list, t.files[path])
	}
	return list
}

// readSignature reads the signature of a file, and checks it for keyrings, which
// are at hand.
func (t *tree) readSignature(ctx context.Context, s *signed) (err error) {
	if s.signature == nil {
		if s.signature, err = t.small(ctx, s.asc); err != nil {
			s.missing = true
			if errors.Is(err, systemimage.ErrNotFound) || errors.Is(err, systemimage.ErrRefused) {
				return nil
			}
			return err
		}
	}
	if issuers, err := keyring.Issuers(s.signature); err == nil {
		s.key = issuers[0]
	}
	if r := t.rings[s.path]; r != nil && t.keys(s.typ) != nil {
		_, s.broken = t.policy.Verify(bytes.NewReader(r.tarball), s.signature, t.o.Now, t.blacklist(s), t.signers(s, pair{r.channel, r.device})...)
	}
	return nil
}

// signers are the keyrings whose keys may sign a file for a device.
func (t *tree) signers(s *signed, at pair) []*keyring.Keyring {
	list := []*keyring.Keyring{t.keys(s.typ)}
	if p := t.indexes[at]; p != nil && p.Entry.Keyring != nil && s.kind >= anIndex {
		if r := t.rings[p.Entry.Keyring.Path]; r != nil {
			list = append(list, r.keys)
		}
	}
	return list
}

// blacklist is the one that counts for a file.
func (t *tree) blacklist(s *signed) *keyring.Keyring {
	if s.typ == keyring.ImageMaster && s.path == gpg(keyring.Blacklist) {
		return nil
	}
	return t.keys(keyring.Blacklist)
}

// refusing returns the first device that refuses a file for who has signed it.
// The root that signs image-master is with the devices, not with the server.
func (t *tree) refusing(s *signed) (pair, error) {
	if t.keys(s.typ) == nil {
		return pair{}, nil // a keyring that is missing is a finding of its own
	}
	users := s.users
	if len(users) == 0 {
		users = []pair{{}}
	}
	for _, at := range users {
		if _, err := t.policy.MaySign(s.signature, t.blacklist(s), t.signers(s, at)...); err != nil {
			return at, err
		}
	}
	return pair{}, nil
}
