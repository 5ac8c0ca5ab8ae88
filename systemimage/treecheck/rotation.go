package treecheck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
	"github.com/landingteam/landing/systemimage/upgrade"
)

// A Rotation says what a change of signing keys has left to do on a tree, or, with
// Options.Retired, what it would leave to do.
type Rotation struct {
	Keys      []SigningKey `json:"keys"`
	SignAgain []SignAgain  `json:"sign_again"` // in this order, see [Rotate]
	CutOff    []CutOff     `json:"cut_off"`
}

// A SigningKey is a key that files of the tree are signed with.
type SigningKey struct {
	Key     string         `json:"key"`               // fingerprint, or the id that signatures give; empty where there is no signature
	Keyring []keyring.Type `json:"keyring,omitempty"` // those that hold it: the pinned one and the published
	Files   int            `json:"files"`             // that it has signed
}

// SignAgain is a file that devices refuse until it is signed again.
type SignAgain struct {
	Path    string       `json:"path"`
	Key     string       `json:"key,omitempty"` // that has signed it
	By      keyring.Type `json:"by"`            // whose key has to sign it
	Problem string       `json:"problem"`
	Remedy  string       `json:"remedy"`
}

// A CutOff is a device of a channel that gets no update until its files are signed again.
// Where channels.json is among them, phones that have stored the old keyring go on with
// it until channels.json is signed by a key that they do not know.
type CutOff struct {
	Channel string `json:"channel"`
	Device  string `json:"device"`
	Builds  []int  `json:"builds,omitempty"` // that phones of it run; none: all
	Path    string `json:"path"`             // the first file in their way
}

// Rotate looks over a published tree for a change of keys: what is signed by which
// key, what has to be signed again and in which order, and which devices are cut off
// until then. Payloads are judged by who has signed them, with Options.Checksums also
// by what.
//
// The order is that in which devices come across the files: keyrings, channels.json
// (with a signature that it cannot verify a device fetches the new keyring; with any
// other it gives up), keyrings of devices, indexes, files of the newest images, then
// those of older ones. Nobody is cut off at all when the image-signing keyring holds
// the old key and the new one until everything has been signed again.
func Rotate(ctx context.Context, c *systemimage.Client, o Options) (*Rotation, error) {
	t, err := read(ctx, c, o)
	if err != nil {
		return nil, err
	}
	if err := t.probe(ctx); err != nil {
		return nil, err
	}
	if err := t.retired(); err != nil {
		return nil, err
	}
	r := &Rotation{Keys: []SigningKey{}, SignAgain: []SignAgain{}, CutOff: []CutOff{}}
	files := t.signed()
	slices.SortStableFunc(files, func(a, b *signed) int { return cmp.Compare(a.kind, b.kind) })
	bad := map[string]bool{}
	keys := map[string]int{}
	for _, s := range files {
		keys[s.key]++
		if why := t.why(s); why != nil {
			bad[s.path] = true
			r.SignAgain = append(r.SignAgain, SignAgain{Path: s.path, Key: s.key, By: s.typ, Problem: why.Error(), Remedy: s.remedy()})
		}
	}
	for _, key := range sortedKeys(keys) {
		r.Keys = append(r.Keys, SigningKey{Key: key, Keyring: t.holders(key), Files: keys[key]})
	}
	for _, at := range t.pairs() {
		if off, ok := t.cutOff(at, bad); ok {
			r.CutOff = append(r.CutOff, off)
		}
	}
	return r, nil
}

// retired refuses a key that no published keyring holds: without it nothing would
// change, and a slip of the pen would read as good news.
func (t *tree) retired() error {
	for _, key := range t.o.Retired {
		if !slices.ContainsFunc(t.keyrings(), func(r *ring) bool { return r.all != nil && r.all.Holds(strings.ToUpper(key)) }) {
			return &systemimage.Error{Op: "look at a change of keys", Place: key, Kind: systemimage.ErrNotFound,
				Err: errors.New("no published keyring holds this key")}
		}
	}
	return nil
}

// why says why devices refuse a file; nil when they do not.
func (t *tree) why(s *signed) error {
	switch {
	case s.missing:
		return errors.New("its signature is missing")
	case len(s.signature) == 0:
		return errors.New("its signature is empty")
	}
	if _, err := keyring.Issuers(s.signature); err != nil {
		return err
	}
	if _, err := t.refusing(s); err != nil {
		return err
	}
	return s.broken
}

// holders are the keyrings that hold a key.
func (t *tree) holders(key string) (list []keyring.Type) {
	if t.root != nil && t.root.Holds(key) {
		list = append(list, keyring.ArchiveMaster)
	}
	for _, r := range t.keyrings() {
		if r.keys != nil && r.keys.Holds(key) && !slices.Contains(list, r.typ) {
			list = append(list, r.typ)
		}
	}
	return list
}

// cutOff says which phones of a device get no update while some files are refused.
func (t *tree) cutOff(at pair, bad map[string]bool) (CutOff, bool) {
	p := t.indexes[at]
	off := CutOff{Channel: at.channel, Device: at.device}
	way := []string{gpg(keyring.ImageMaster), gpg(keyring.Blacklist), gpg(keyring.ImageSigning), "/channels.json"}
	if p.Entry.Keyring != nil {
		way = append(way, p.Entry.Keyring.Path)
	}
	for _, path := range append(way, p.Entry.Index) {
		if bad[path] {
			off.Path = path
			return off, true
		}
	}
	offers(p, func(build int, o *upgrade.Offer, err error) {
		if err != nil {
			return
		}
		for _, f := range o.Files() {
			if bad[f.Path] {
				off.Builds = append(off.Builds, build)
				off.Path = cmp.Or(off.Path, f.Path)
				return
			}
		}
	})
	return off, off.Builds != nil
}

// String is the report in words.
func (r *Rotation) String() string {
	var b strings.Builder
	b.WriteString("Keys that have signed what is published:\n")
	for _, k := range r.Keys {
		where := "in no keyring that is published"
		if len(k.Keyring) > 0 {
			where = strings.Trim(fmt.Sprint(k.Keyring), "[]")
		}
		fmt.Fprintf(&b, "  %-40s  %5d files  %s\n", cmp.Or(k.Key, "(no signature)"), k.Files, where)
	}
	if len(r.SignAgain) == 0 {
		b.WriteString("\nNothing has to be signed again.\n")
		return b.String()
	}
	fmt.Fprintf(&b, "\nTo be signed again, in this order (%d files):\n", len(r.SignAgain))
	for i, s := range r.SignAgain {
		fmt.Fprintf(&b, "  %d. %s: %s; %s\n", i+1, s.Path, s.Problem, s.Remedy)
	}
	b.WriteString("\nCut off until then:\n")
	for _, c := range r.CutOff {
		who := "all phones"
		if c.Builds != nil {
			who = "phones at build " + strings.Trim(strings.ReplaceAll(fmt.Sprint(c.Builds), " ", ", "), "[]")
		}
		fmt.Fprintf(&b, "  %s %s: %s, at %s\n", c.Channel, c.Device, who, c.Path)
	}
	if len(r.CutOff) == 0 {
		b.WriteString("  nobody who updates to the newest images\n")
	}
	if slices.ContainsFunc(r.SignAgain, func(s SignAgain) bool { return s.Path == "/channels.json" }) {
		b.WriteString("Phones that have stored the old keyring go on with it until channels.json is signed by a key that they do not know.\n")
	}
	b.WriteString("\nNobody is cut off while the published image-signing keyring holds the old key and the new one:\n" +
		"publish such a keyring first, then sign channels.json, then the rest; take the old key out last.\n")
	return b.String()
}
