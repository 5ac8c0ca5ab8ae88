package keyring

// Issuers returns who a detached signature says that it was made by: fingerprints, or
// ids of 16 digits where it gives no more, in upper-case hexadecimal. Nothing is
// verified. It fails with [ErrMalformed] for what is no detached signature, such as a
// page, and with [ErrSignature] for one of a kind that nobody checks.
func Issuers(signature []byte) ([]string, error) {
	list, err := parseSignatures(signature)
	if err != nil {
		return nil, err
	}
	var issuers []string
	for _, c := range list {
		if c.err == nil {
			issuers = append(issuers, c.signer())
		}
	}
	if len(issuers) == 0 {
		return nil, list[0].err
	}
	return issuers, nil
}

// MaySign tells without the data whether a detached signature can be good: one of its
// signers has a key in the given keyrings, the blacklist (which may be nil) does not
// have it, and the digest is strong enough. The data may still be another: see
// [Policy.Verify], which fails with the same errors for the same reasons.
func (p Policy) MaySign(signature []byte, blacklist *Keyring, rings ...*Keyring) (Signer, error) {
	list, err := parseSignatures(signature)
	if err != nil {
		return Signer{}, err
	}
	var worst *Error
	for _, c := range list {
		if c.err == nil {
			c.prepare(p, blacklist, rings)
		}
		if c.err == nil {
			return Signer{Fingerprint: c.keys[0].key.fingerprint, Time: c.sig.CreationTime.UTC(), Type: c.keys[0].ring}, nil
		}
		if worst == nil || weight(c.err) > weight(worst) {
			worst = c.err
		}
	}
	return Signer{}, worst
}
