package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// now lies between the making of the vectors and the expiry of their keyrings.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readJSON[T any](t testing.TB, name string) (v T) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, name), &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func parseFile(t testing.TB, name string) *Keyring {
	t.Helper()
	k, err := Parse(readFile(t, name))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return k
}

// kind is the sentinel of an error, nil for none.
func kind(t testing.TB, err error) error {
	t.Helper()
	var e *Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("%T is no *Error: %v", err, err)
	}
	if e == nil {
		return nil
	}
	return e.Kind
}

// keyringWant says why a case of keyring-cases.json is refused, and lists every one
// whose verdict is not the client's. Cases that are not listed are accepted by both.
var keyringWant = map[string]struct {
	err    error
	client string // the client's verdict, if it is another
}{
	"expired":                 {err: ErrExpired},
	"expiry-string":           {err: ErrMalformed},
	"wrong-type":              {err: ErrWrongType},
	"type-missing":            {err: ErrMalformed},
	"wrong-model":             {err: ErrModel},
	"wrong-model-case":        {err: ErrModel},
	"signed-by-other":         {err: ErrUntrusted},
	"self-signed":             {err: ErrUntrusted},
	"signature-of-other-data": {err: ErrSignature},
	"truncated":               {err: ErrSignature},
	"empty-file-signed":       {err: ErrMalformed},
	"not-a-tarball-signed":    {err: ErrMalformed},
	"members-in-folder":       {err: ErrMalformed},
	"bad-json":                {err: ErrMalformed},
	"json-array":              {err: ErrMalformed},
	"empty-signature-file":    {err: ErrMalformed},
	"garbage-signature-file":  {err: ErrMalformed},
	// The client looks for keys only when it needs one.
	"good-no-keys-inside": {err: ErrMalformed, client: "accepted"},
	"garbage-gpg-member":  {err: ErrMalformed, client: "accepted"},
	// The client accepts it and cannot open it again later. Policy.DotSlash accepts.
	"members-with-dot-slash": {err: ErrMalformed, client: "accepted"},
}

func TestKeyringCases(t *testing.T) {
	type keyringCase struct {
		Name       string
		Wanted     Type `json:"wanted_type"`
		File       string
		Signature  string
		VerifyWith string `json:"verify_with"`
		Blacklist  *string
		Device     string
		Verdict    string
		Strict     string
		Keys       []string `json:"keys_after_reload"`
	}
	cases := readJSON[[]keyringCase](t, "keyring-cases.json")
	if len(cases) != 30 {
		t.Fatalf("%d cases, want 30", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			tarball, signature := readFile(t, c.File), readFile(t, c.Signature)
			by := parseFile(t, c.VerifyWith)
			chain := &Chain{device: c.Device, root: by, master: by, signing: by}
			if c.Blacklist != nil {
				chain.black = parseFile(t, *c.Blacklist)
			}
			got, err := chain.With(c.Wanted, tarball, signature, now)
			want := keyringWant[c.Name]
			if k := kind(t, err); k != want.err {
				t.Fatalf("With = %v, want %v", err, want.err)
			}
			verdict := map[bool]string{true: "accepted", false: "refused"}[err == nil]
			if strict := map[string]string{"accept": "accepted", "refuse": "refused", "policy": verdict}[c.Strict]; verdict != strict {
				t.Errorf("%s, a careful verifier says %s: %v", verdict, c.Strict, err)
			}
			if want.client == "" {
				want.client = verdict
			}
			if c.Verdict != want.client {
				t.Errorf("%s, the client says %s, and no difference is listed", verdict, c.Verdict)
			}
			if err == nil && c.Keys != nil {
				if keys := got.Keyring(c.Wanted).Fingerprints(); !slices.Equal(keys, c.Keys) {
					t.Errorf("keys %v, want %v", keys, c.Keys)
				}
			}
		})
	}
}

// verifyWant is the same for verify-cases.json.
var verifyWant = map[string]struct {
	err    error
	client string
	signer string // of the good signature, if the file has others too
	lax    Policy // accepts what the strict policy refuses
}{
	"v-other-data":               {err: ErrSignature},
	"v-blacklisted":              {err: ErrBlacklisted},
	"v-blacklist-has-type-only":  {err: ErrBlacklisted},
	"v-classic-keyring-stranger": {err: ErrUntrusted},
	"v-empty-signature":          {err: ErrMalformed},
	"v-garbage-signature":        {err: ErrMalformed},
	"v-clearsigned-instead":      {err: ErrMalformed},
	"v-attached-instead":         {err: ErrMalformed},
	// The client asks who signed and not whether the signature is good.
	"v-md5":               {err: ErrSignature, client: "accepted"},
	"v-revoked-key":       {err: ErrSignature, client: "accepted"},
	"v-expired-signature": {err: ErrExpired, client: "accepted"},
	// Policy: refused unless asked for.
	"v-sha1":                       {err: ErrSignature, client: "accepted", lax: Policy{SHA1: true}},
	"v-expired-key-signed-in-time": {err: ErrExpired, client: "accepted", lax: Policy{ExpiredKeys: true}},
	"v-future-signature":           {err: ErrSignature, client: "accepted", lax: Policy{Future: true}},
	// Policy: one good signature is enough in any company; the client goes by the last.
	"v-multi-good-then-blacklisted": {client: "refused", signer: "157443A5563166A7C9EF905F564FB5ED0591F227"},
	"v-multi-good-good":             {signer: "157443A5563166A7C9EF905F564FB5ED0591F227"},
}

type verifyCase struct {
	Name, Data, Signature string
	Keyrings              []string
	Blacklist             *string
	Client                string `json:"client_verdict"`
	Seen                  string `json:"seen_fingerprint"`
	Strict                string
}

func (c verifyCase) verify(t *testing.T, p Policy) (Signer, error) {
	blacklist, rings := c.rings(t)
	return p.Verify(bytes.NewReader(readFile(t, c.Data)), readFile(t, c.Signature), now, blacklist, rings...)
}

func (c verifyCase) rings(t *testing.T) (blacklist *Keyring, rings []*Keyring) {
	for _, name := range c.Keyrings {
		rings = append(rings, parseFile(t, name))
	}
	if c.Blacklist != nil {
		blacklist = parseFile(t, *c.Blacklist)
	}
	return blacklist, rings
}

// What can be told without the data is told as Verify tells it: who may not have
// signed, and what is no signature.
func TestMaySignCases(t *testing.T) {
	told := 0
	for _, c := range readJSON[[]verifyCase](t, "verify-cases.json") {
		blacklist, rings := c.rings(t)
		signature := readFile(t, c.Signature)
		signer, err := c.verify(t, Policy{})
		may, mayErr := Policy{}.MaySign(signature, blacklist, rings...)
		issuers, issuersErr := Issuers(signature)
		switch k := kind(t, err); {
		case k == nil && mayErr != nil, k == nil && len(issuers) == 1 && (may.Fingerprint != signer.Fingerprint || may.Type != signer.Type):
			t.Errorf("%s: %+v, %v, but Verify says %+v", c.Name, may, mayErr, signer)
		case (k == ErrMalformed || k == ErrUntrusted || k == ErrBlacklisted) && kind(t, mayErr) != k:
			t.Errorf("%s: %v, but Verify says %v", c.Name, mayErr, err)
		case (k == ErrMalformed) != (kind(t, issuersErr) == ErrMalformed):
			t.Errorf("%s: Issuers = %q, %v, but Verify says %v", c.Name, issuers, issuersErr, err)
		case mayErr != nil:
			told++
		}
		if k := kind(t, err); k != nil || may.Subkey != "" {
			continue
		}
		for _, ring := range rings {
			if ring.Holds(may.Fingerprint) && ring.Without(may.Fingerprint).Holds(may.Fingerprint) {
				t.Errorf("%s: %s is still there", c.Name, may.Fingerprint)
			}
			if ring.Holds(may.Fingerprint) != ring.Holds(issuers[0]) && len(issuers) == 1 {
				t.Errorf("%s: Holds(%s) and Holds(%s) differ", c.Name, may.Fingerprint, issuers[0])
			}
		}
	}
	if told < 5 {
		t.Errorf("%d cases told without the data, want more", told)
	}
}

func TestVerifyCases(t *testing.T) {
	cases := readJSON[[]verifyCase](t, "verify-cases.json")
	if len(cases) != 28 {
		t.Fatalf("%d cases, want 28", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			want := verifyWant[c.Name]
			signer, err := c.verify(t, Policy{})
			if k := kind(t, err); k != want.err {
				t.Fatalf("Verify = %v, %v, want %v", signer, err, want.err)
			}
			verdict := map[bool]string{true: "accepted", false: "refused"}[err == nil]
			if strict := map[string]string{"accept": "accepted", "refuse": "refused", "policy": verdict}[c.Strict]; verdict != strict {
				t.Errorf("%s, a careful verifier says %s: %v", verdict, c.Strict, err)
			}
			if want.client == "" {
				want.client = verdict
			}
			if c.Client != want.client {
				t.Errorf("%s, the client says %s, and no difference is listed", verdict, c.Client)
			}
			if want.signer == "" {
				want.signer = c.Seen
			}
			if err == nil && (signer.Fingerprint != want.signer || signer.Subkey != "") {
				t.Errorf("signer %+v, want %s", signer, want.signer)
			}
			if want.lax != (Policy{}) {
				if signer, err := c.verify(t, want.lax); err != nil || signer.Fingerprint != c.Seen {
					t.Errorf("%+v: %v, %v, want %s", want.lax, signer, err, c.Seen)
				}
			}
		})
	}
}

// With Every, company counts.
func TestEverySignature(t *testing.T) {
	want := map[string]error{
		"v-good":                        nil,
		"v-multi-good-good":             nil,
		"v-multi-stranger-then-good":    ErrUntrusted,
		"v-multi-good-then-bad":         ErrSignature,
		"v-multi-good-then-blacklisted": ErrBlacklisted,
		"v-multi-blacklisted-then-good": ErrBlacklisted,
	}
	for _, c := range readJSON[[]verifyCase](t, "verify-cases.json") {
		if w, ok := want[c.Name]; ok {
			if _, err := c.verify(t, Policy{Every: true}); kind(t, err) != w {
				t.Errorf("%s: %v, want %v", c.Name, err, w)
			}
			delete(want, c.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("no case for %v", want)
	}
}

func TestDotSlash(t *testing.T) {
	data := readFile(t, "keyrings/members-with-dot-slash.tar.xz")
	k, err := Policy{DotSlash: true}.Parse(data)
	if err != nil || len(k.Fingerprints()) != 1 {
		t.Errorf("Parse = %v, %v", k, err)
	}
}

func TestKindsOfKeys(t *testing.T) {
	for name, want := range map[string]error{"dsa2048": nil, "nistp521": nil, "brainpoolP256r1": nil, "secp256k1": nil, "rsa1024": ErrSignature} {
		ring := parseFile(t, "gpg/"+name+".tar.xz")
		signer, err := Policy{}.Verify(bytes.NewReader(readFile(t, "gpg/data")), readFile(t, "gpg/"+name+".asc"), now, nil, ring)
		if kind(t, err) != want {
			t.Errorf("%s: %+v, %v, want %v", name, signer, err, want)
		}
	}
}
