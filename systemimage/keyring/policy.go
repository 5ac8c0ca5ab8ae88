package keyring

// Policy says how strict reading and verifying are. The zero value is the strict one;
// each field lets something pass that a careful reader may have reasons to accept.
// What is not listed has no switch: a signature must be sound, unexpired and made by a
// key that is trusted, able to sign, and neither revoked nor blacklisted.
type Policy struct {
	// SHA1 accepts signatures over a SHA-1 digest; trees published before about 2017
	// may hold such. (Self-signatures with SHA-1 are always accepted: they are not what
	// makes a key trusted, the pinned root or the signature on its tarball is.)
	SHA1 bool

	// ExpiredKeys accepts signatures made before their key expired, as devices do. The
	// time in the signature is the signer's own word for it.
	ExpiredKeys bool

	// Future accepts signatures dated ahead of the reference time, as devices do. Up to
	// an hour is always accepted, because clocks differ.
	Future bool

	// Every demands that all signatures of a file are good. Else one is enough, in
	// whatever place and company: a file may be signed by an old and a new key.
	Every bool

	// DotSlash accepts "./keyring.json" for "keyring.json" in tarballs. Devices accept
	// such a tarball once and cannot open it when they have stored it.
	DotSlash bool

	// MaxUnpacked bounds a tarball in bytes, packed and unpacked; 0 is 16 MiB.
	MaxUnpacked int64
}

func (p Policy) maxUnpacked() int64 {
	if p.MaxUnpacked > 0 {
		return p.MaxUnpacked
	}
	return 16 << 20
}
