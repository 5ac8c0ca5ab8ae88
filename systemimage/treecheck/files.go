package treecheck

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/landingteam/landing/systemimage"
)

// file looks at one payload and its signature.
func (t *treeCheck) file(channel, device string, f systemimage.File) func(context.Context) error {
	bad := func(class, place, problem, remedy string) {
		t.add(systemimage.Finding{Severity: systemimage.Harmful, Class: class, Channel: channel, Device: device, Place: place, Problem: problem, Remedy: remedy})
	}
	return func(ctx context.Context) error {
		size, there, err := t.c.Stat(ctx, f.Path)
		var refused *systemimage.Error
		switch {
		case errors.As(err, &refused) && refused.Kind == systemimage.ErrRefused:
			bad("odd-path", f.Path, "the index names a file that is not on this server or not below its root", "publish the image again")
			return nil
		case err != nil:
			return err
		case !there:
			bad("missing-file", f.Path, "the index names a file that is missing: devices fail to update", "restore it from a mirror or a backup, or remove the image")
		case size >= 0 && size != f.Size:
			bad("wrong-size", f.Path, fmt.Sprintf("has %d bytes, %d in the index: it was cut or replaced", size, f.Size), "restore it from a mirror or a backup")
		case t.o.Checksums:
			if err := t.sum(ctx, channel, device, f, bad); err != nil {
				return err
			}
		}
		size, there, err = t.c.Stat(ctx, f.Signature)
		switch {
		case err != nil:
			return err
		case !there:
			bad("missing-signature", f.Signature, "is missing: devices refuse the file", "run re-sign-indexes")
		case size == 0:
			bad("empty-signature", f.Signature, "is empty: devices refuse the file", "delete it and run re-sign-indexes")
		}
		return nil
	}
}

// sum downloads a payload and compares its checksum; nothing is kept.
func (t *treeCheck) sum(ctx context.Context, channel, device string, f systemimage.File, bad func(class, place, problem, remedy string)) error {
	body, err := t.c.Open(ctx, f.Path)
	if err != nil {
		return err
	}
	defer body.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(body, f.Size+1)); err != nil {
		return &systemimage.Error{Op: "check tree", Channel: channel, Device: device, Place: f.Path, Err: err}
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != f.Checksum {
		bad("wrong-sum", f.Path, fmt.Sprintf("has the SHA-256 %s, %s in the index: devices refuse it", got, f.Checksum), "restore it from a mirror or a backup")
	}
	return nil
}

// keyrings looks at the keyrings of the tree, and those of devices.
func (t *treeCheck) keyrings() (jobs []func(context.Context) error) {
	places := map[string][2]string{"/gpg/image-master.tar.xz": {}, "/gpg/image-signing.tar.xz": {}, "/gpg/blacklist.tar.xz": {}}
	for channel, device := range t.l.Pairs() {
		if k := t.l.Channels[channel].Devices[device].Keyring; k != nil {
			places[k.Path] = [2]string{channel, device}
		}
	}
	for place, of := range places {
		jobs = append(jobs, func(ctx context.Context) error { return t.keyring(ctx, place, of) })
	}
	return jobs
}

func (t *treeCheck) keyring(ctx context.Context, place string, of [2]string) error {
	f := systemimage.Finding{Severity: systemimage.Harmful, Channel: of[0], Device: of[1], Place: place}
	tarball, err := t.read(ctx, place)
	switch {
	case errors.Is(err, systemimage.ErrNotFound) && strings.Contains(place, "blacklist"):
		return nil // a tree needs none
	case errors.Is(err, systemimage.ErrNotFound):
		f.Class, f.Problem, f.Remedy = "missing-keyring", "is missing: devices that have not stored it get no update", "publish the keyring again"
		t.add(f)
		return nil
	case err != nil:
		return err
	}
	now, within := t.o.Now, t.o.Within
	if now.IsZero() {
		now = time.Now()
	}
	if within == 0 {
		within = 30 * 24 * time.Hour
	}
	at, err := t.o.Expiry(tarball)
	switch {
	case err != nil:
		f.Class, f.Problem, f.Remedy = "bad-keyring", "cannot be read: "+err.Error(), "publish the keyring again"
	case at.IsZero() || at.After(now.Add(within)):
		return nil
	case at.Before(now):
		f.Class, f.Problem = "expired-keyring", "expired on "+at.UTC().Format(time.DateOnly)+": devices that have not stored it get no update"
		f.Remedy = "make and publish a new one; it must hold the keys that have signed what is published"
	default:
		f.Severity, f.Class = systemimage.Risky, "keyring-expires"
		f.Problem = fmt.Sprintf("expires on %s, in %d days", at.UTC().Format(time.DateOnly), int(at.Sub(now).Hours()/24))
		f.Remedy = "publish a new one before that; it must hold the keys that have signed what is published"
	}
	t.add(f)
	return nil
}

// maxKeyringFile bounds a keyring tarball in bytes.
const maxKeyringFile = 16 << 20

// read reads a small file of the tree whole.
func (t *treeCheck) read(ctx context.Context, place string) ([]byte, error) {
	body, err := t.c.Open(ctx, place)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxKeyringFile+1))
	switch {
	case err != nil:
		return nil, &systemimage.Error{Op: "check tree", Place: place, Err: err}
	case len(data) > maxKeyringFile:
		return nil, &systemimage.Error{Op: "check tree", Place: place, Kind: systemimage.ErrMalformed, Err: fmt.Errorf("is larger than %d bytes", maxKeyringFile)}
	}
	return data, nil
}
