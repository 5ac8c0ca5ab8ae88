package doctor

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
	"github.com/landingteam/landing/systemimage/treecheck"
)

// expiresSoon is how long before its end a keyring is worth a warning: a new one has
// to reach every phone first.
const expiresSoon = 60 * 24 * time.Hour

// treeChecks are about what is published.
func treeChecks() []check {
	return []check{
		{"keyring", tree, true, checkPinned},
		{"channels.json", tree, true, checkListing},
		{"published keyrings", tree, false, checkPublished},
	}
}

// checkPinned looks at the keyring of the site file, from which everything else is
// verified.
func checkPinned(_ context.Context, x *examination) []Result {
	if x.Keyring == nil {
		return one(Warning, "name the archive-master keyring with keyring = in [image-server]", "the tree is read without verifying it: whoever sits on the line decides what is seen")
	}
	k, err := keyring.Parse(x.Keyring)
	switch {
	case err != nil:
		return one(Failed, "take archive-master.tar.xz from a phone or from the server's secret/gpg/keyrings", "%v", err)
	case k.Type != keyring.ArchiveMaster:
		return one(Failed, "name archive-master.tar.xz: the chain begins there", "it is a keyring of type %s", k.Type)
	case !k.Expiry.IsZero() && !x.now().Before(k.Expiry):
		return one(Failed, "make a new one, and bring it onto phones by an image that the old one still verifies", "it has expired on %s", k.Expiry.Format(time.DateOnly))
	case !k.Expiry.IsZero() && k.Expiry.Sub(x.now()) < expiresSoon:
		return one(Warning, "renew it in time: phones take it from an image", "it expires on %s", k.Expiry.Format(time.DateOnly))
	case k.Expiry.IsZero():
		return one(OK, "", "archive-master, without an end")
	}
	return one(OK, "", "archive-master, until %s", k.Expiry.Format(time.DateOnly))
}

func checkListing(ctx context.Context, x *examination) []Result {
	l, err := x.Tree.Channels(ctx)
	if err == nil {
		x.listing = l
		pairs := 0
		for range l.Pairs() {
			pairs++
		}
		how := "verified"
		if !l.Verified {
			how = "not verified"
		}
		return one(OK, "", "%d channels, %d devices of channels, %s", len(l.Channels), pairs, how)
	}
	mend := "look at url in [image-server], and at the web server"
	switch {
	case errors.Is(err, systemimage.ErrReplayed):
		mend = "an older tree is served than was seen before: find out who put it back before anything is published"
	case errors.Is(err, keyring.ErrExpired):
		mend = "renew the keyring on the server (generate-keyrings) and publish it below /gpg"
	case errors.Is(err, systemimage.ErrSignature), errors.Is(err, keyring.ErrUntrusted), errors.Is(err, keyring.ErrSignature):
		mend = "the keyring in [image-server] and the server's keys do not belong together: take the archive-master of this server"
	}
	return one(Failed, mend, "%s", errorText(err))
}

// checkPublished looks at the keyrings that the tree publishes, and counts what else is
// wrong in its documents.
func checkPublished(ctx context.Context, x *examination) []Result {
	all, err := treecheck.Check(ctx, x.Tree, treecheck.Options{NoFiles: true, Within: expiresSoon, Now: x.now()})
	if err != nil {
		return one(Failed, "", "%s", errorText(err))
	}
	var found []Result
	harmful := 0
	for _, f := range all {
		switch {
		case strings.Contains(f.Class, "keyring"):
			state := Warning
			if f.Severity == systemimage.Harmful {
				state = Failed
			}
			found = append(found, Result{State: state, Text: strings.TrimSpace(f.Place + " " + f.Problem), Mend: f.Remedy})
		case f.Severity == systemimage.Harmful && f.Class != "left-over": // which are looked for on the host
			harmful++
		}
	}
	if harmful > 0 {
		found = append(found, Result{State: Warning, Text: "the tree has faults of its own: " + plural(harmful), Mend: "go run ./examples/checktree -site FILE names them, each with its remedy"})
	}
	if len(found) == 0 {
		return one(OK, "", "in order")
	}
	return found
}
