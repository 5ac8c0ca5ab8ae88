// Package keyring verifies what a system-image server publishes: the keyrings it
// hands out and the detached signatures on its files.
//
// The nouns, in reading order:
//
//   - A [Keyring] is a tarball with public keys and a note of what they are for (its
//     [Type]), until when, and for which device. [Parse] reads one.
//   - The chain of trust begins at the archive-master keyring, the root. It is pinned:
//     it comes with the device or the program, never from the server. Root signs
//     image-master, image-master signs image-signing and the blacklist, image-signing
//     signs channels.json, indexes, files of images, and the device-signing keyring of
//     a device, which may then sign that device's index and files too.
//   - A [Chain] holds the keyrings verified so far; [Chain.With] adds one, and
//     [Chain.Verify] checks a file and names its [Signer]. [Issuers] tells who a
//     signature says it is by, before anything is verified.
//   - A [Trust] keeps a chain for a whole server: it fetches keyrings when they are
//     needed, and fetches them again when the rules of devices say so. It is what the
//     Client of package systemimage takes.
//   - A [Policy] says how strict all this is. The zero value is strict.
//
// Reference times are arguments; only a Trust without Time asks the clock. Only a Trust
// fetches anything, by the means it is handed.
//
// # Stricter than devices
//
// Devices ask gpg who signed and not whether the signature is good. This package wants
// a cryptographically good signature, and so refuses what devices let pass: revoked and
// expired keys, expired signatures, signatures older than their key, MD5 and (unless
// Policy says otherwise) SHA-1, signatures dated in the future, RSA and DSA keys
// below 2048 bits, two signatures armored one by one, keyrings without a usable key,
// stored keyrings of another type or signed by a blacklisted key, and a blacklist
// without its signature, which devices take for none. It accepts what devices refuse in
// two cases: a signature by a signing subkey (see Signer.Subkey; publishers must use
// the primary key), and a good signature followed by one of a stranger.
//
// The blacklist is a set of primary keys. It refuses what they sign, not a keyring that
// contains them.
//
// Old roots carry self-signatures over SHA-1. They are read: what makes a key trusted
// is that the root is pinned, or that a tarball was signed, not what a key says of
// itself.
//
// # Where a rule stands
//
//	which keyring must sign which; who may sign a file        chain.go
//	one signature: by which key, good, too old, of tomorrow   signature.go
//	who made a signature, without the data                    issuers.go
//	keyrings of a whole server: fetched, stored, fetched anew trust.go
//	a tarball: its members, its type, model and expiry        tarball.go
//	the keys in it                                            keysofkeyring.go
//	bytes of OpenPGP: packets, a keybox                       readpacket.go
//	what may be let pass                                      policy.go
//	which error is which                                      errors.go
//
// # Errors
//
// All errors are of type [*Error], but for those of readers and fetch functions; test
// them with [errors.Is]:
//
//	situation                                                     error
//	no xz, no tar, members missing, keyring.json not understood,
//	  no usable key, a secret key, too large                      ErrMalformed
//	signature empty, clear-signed, attached, two armored blocks   ErrMalformed
//	type is not the wanted one                                    ErrWrongType
//	for another device                                            ErrModel
//	keyring, key or signature expired                             ErrExpired
//	signed by a key of no keyring in the chain that may sign this ErrUntrusted
//	the server has no image-master or image-signing keyring       ErrUntrusted
//	signed by a blacklisted key                                   ErrBlacklisted
//	signature does not fit the data, key revoked or too weak,
//	  weak digest, dated in the future, older than its key        ErrSignature
package keyring
