package channelconfig

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage/internal/host"
)

const abortsAtURL = "import-images aborts: this channel and all behind it are not processed"

// An address is a URL of an entry, as a text.
type address struct {
	text  string
	shown string // without secrets
	u     *url.URL
	err   error // of reading it
}

// An addressFault is one way in which an address can be wrong. The first that fits
// is told.
type addressFault struct {
	fits    func(a address) bool
	problem func(a address) string
	why     string                               // "" is abortsAtURL
	mend    func(a address) (old, better string) // nil where a person must say
}

// slashes finds http//host, http:/host and the like.
var slashes = regexp.MustCompile(`^(https?)(?:/+|:/?)([^/:].*)$`)

var addressFaults = []addressFault{
	{fits: func(a address) bool {
		return strings.ContainsFunc(a.text, func(r rune) bool { return r <= ' ' || r == 0x7f })
	},
		problem: func(a address) string { return "a URL has a blank in it" }},
	{fits: func(a address) bool {
		return a.err == nil && a.u.Scheme == "" && a.u.Host == "" && strings.Contains(strings.Split(a.text, "/")[0], ".")
	},
		problem: func(a address) string { return fmt.Sprintf("%q has no http:// before it", a.shown) },
		mend:    func(a address) (string, string) { return a.text, "http://" + a.text }},
	{fits: func(a address) bool { return slashes.MatchString(a.text) }, problem: noWholeURL, why: "nothing is downloaded from it, or " + abortsAtURL,
		mend: func(a address) (string, string) { return a.text, slashes.ReplaceAllString(a.text, "$1://$2") }},
	{fits: func(a address) bool { return a.err != nil || a.u.Scheme == "" }, problem: noWholeURL},
	{fits: func(a address) bool {
		return !slices.Contains([]string{"http", "https", "ftp", "file", "data"}, a.u.Scheme)
	},
		problem: func(a address) string {
			return fmt.Sprintf("nothing is known about %s: in %q%s", a.u.Scheme, a.shown, meant(a.scheme()))
		},
		why: "the download fails, and no image is made",
		mend: func(a address) (string, string) {
			if a.scheme() == "" {
				return "", ""
			}
			return a.text, a.scheme() + strings.TrimPrefix(a.text, a.u.Scheme)
		}},
	{fits: func(a address) bool { return a.u.Host == "" && a.u.Scheme != "file" && a.u.Scheme != "data" },
		problem: func(a address) string { return fmt.Sprintf("%q names no host", a.shown) }, why: "the download fails, and no image is made"},
	{fits: func(a address) bool { return a.u.User != nil },
		problem: func(a address) string { return fmt.Sprintf("%q has a user or a password in it", a.shown) },
		why:     "the server's downloads take that for a part of the host or of its port: import-images makes no image, or aborts, and the password lands in its log",
		mend:    func(a address) (string, string) { return a.u.User.String() + "@", "" }},
}

func noWholeURL(a address) string { return fmt.Sprintf("%q is no whole URL", a.shown) }

// scheme is the one that was meant.
func (a address) scheme() string { return closest(a.u.Scheme, []string{"http", "https"}) }

// oddAddress looks at a URL of an entry as a text.
func oddAddress(n *lint, e entryAt, text string) []mistake {
	a := address{text: text}
	a.shown, _, _ = strings.Cut(host.HideSecrets(text), "?")
	a.shown = host.Shorten(a.shown)
	a.u, a.err = url.Parse(text)
	for _, f := range addressFaults {
		if !f.fits(a) {
			continue
		}
		m := e.mistake("%s", f.problem(a))
		m.why = f.why
		if v, ok := n.Get(e.section, e.key); ok && f.mend != nil {
			if old, better := f.mend(a); old != "" && strings.Contains(v.Text, old) {
				m.fix = []Edit{Set(e.section, e.key, strings.Replace(v.Text, old, better, 1))}
			}
		}
		return []mistake{m}
	}
	return nil
}
