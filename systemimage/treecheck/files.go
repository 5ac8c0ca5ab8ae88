package treecheck

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/unpack"
)

// A payload is a file of an image, and what the server says of it.
type payload struct {
	*signed
	at   pair // where it is named first
	file systemimage.File

	refused bool // its path leads out of the tree
	there   bool
	size    int64  // -1 when the server does not say
	sum     string // empty when it was not downloaded
	damage  error  // it does not unpack
}

// fileRules judge a payload.
var fileRules = []rule[*payload]{
	{class: "odd-path", severity: systemimage.Harmful, final: true, remedy: "publish the image again",
		look: func(_ *tree, p *payload) []problem {
			return p.when(p.refused, "the index names a file that is not on this server or not below its root")
		}},
	{class: "missing-file", severity: systemimage.Harmful, final: true, remedy: "restore it from a mirror or a backup, or remove the image",
		look: func(_ *tree, p *payload) []problem {
			return p.when(!p.there, "the index names a file that is missing: devices fail to update")
		}},
	{class: "wrong-size", severity: systemimage.Harmful, final: true, remedy: "restore it from a mirror or a backup",
		look: func(_ *tree, p *payload) []problem {
			return p.when(p.size >= 0 && p.size != p.file.Size, fmt.Sprintf("has %d bytes, %d in the index: it was cut or replaced", p.size, p.file.Size))
		}},
	{class: "wrong-sum", severity: systemimage.Harmful, final: true, remedy: "restore it from a mirror or a backup",
		look: func(_ *tree, p *payload) []problem {
			return p.when(p.sum != "" && p.sum != p.file.Checksum, fmt.Sprintf("has the SHA-256 %s, %s in the index: devices refuse it", p.sum, p.file.Checksum))
		}},
	{class: "damaged-tarball", severity: systemimage.Harmful,
		remedy: "set the image to 0 % if it is the newest, delete {place} with its .asc and .json from the server, and publish the image anew: its checksum and signature fit what is damaged",
		look: func(_ *tree, p *payload) []problem {
			return p.when(p.damage != nil, fmt.Sprintf("cannot be unpacked, and a device fails in the middle of its update: %v", p.damage))
		}},
}

func (p *payload) when(broken bool, text string) []problem {
	if !broken {
		return nil
	}
	return []problem{{channel: p.at.channel, device: p.at.device, place: p.file.Path, text: text}}
}

// lookAt asks for a payload, and reads it when checksums are wanted.
func (t *tree) lookAt(ctx context.Context, p *payload) (err error) {
	p.size, p.there, err = t.c.Stat(ctx, p.file.Path)
	if errors.Is(err, systemimage.ErrRefused) {
		p.refused = true
		return nil
	}
	if err != nil || !p.there || !t.o.Checksums || p.size >= 0 && p.size != p.file.Size {
		return err
	}
	body, err := t.c.Open(ctx, p.file.Path)
	if err != nil {
		return err
	}
	defer body.Close()
	return t.read(p, io.LimitReader(body, p.file.Size+1))
}

// read reads a payload once: for its checksum, its signature and, when asked, what
// it holds. Nothing is kept.
func (t *tree) read(p *payload, body io.Reader) error {
	sum := sha256.New()
	failed := &failing{Reader: body}
	data := io.TeeReader(failed, sum)
	unpacked := make(chan error, 1)
	if t.o.Unpack {
		r, w := io.Pipe()
		go func() {
			err := unpack.Check(r, t.o.MaxUnpacked)
			_, _ = io.Copy(io.Discard, r)
			unpacked <- err
		}()
		data = io.TeeReader(data, w)
		defer func() {
			_ = w.Close()
			p.damage = <-unpacked
		}()
	}
	_, err := t.policy.Verify(data, p.signature, t.o.Now, t.blacklist(p.signed), t.signers(p.signed, p.at)...)
	_, _ = io.Copy(io.Discard, data)
	if failed.err != nil {
		return &systemimage.Error{Op: "check tree", Channel: p.at.channel, Device: p.at.device, Place: p.file.Path, Err: failed.err}
	}
	if p.sum = hex.EncodeToString(sum.Sum(nil)); p.sum == p.file.Checksum && t.keys(p.typ) != nil { // else the file is another one
		p.broken = err
	}
	return nil
}

// failing remembers what reading failed with.
type failing struct {
	io.Reader
	err error
}

func (f *failing) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}
