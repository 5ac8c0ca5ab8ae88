package channelconfig

import (
	"fmt"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// A generator is one way to make a file of an image: what it takes, how it reads
// that, and what must be there on the host. A new one is an entry of [generators];
// the parser, the lint, the check of URLs and that of the host all go by it.
type generator struct {
	name     string
	required []string // arguments, in words
	options  []string // what its options may be; nil when it takes no options
	until    string   // when it was removed

	// read takes the required arguments, and the options with what they are when
	// not given.
	read func(s *Source, args []string, option func(name, otherwise string) string)

	// needs says what the host must have; nil needs nothing there.
	needs func(s Source, settings *Settings) []need
}

// A need is something that the host must have for a source, and what is wrong
// without it. The words are those of the script in linthost.go.
type need struct {
	word, path, start, end string

	class    string
	severity systemimage.Severity
	problem  string
}

var generators = []generator{
	{name: "version", read: func(*Source, []string, func(name, otherwise string) string) {}},
	{name: "keyring", required: []string{"keyring name"},
		read: func(s *Source, args []string, _ func(name, otherwise string) string) { s.Keyring = args[0] },
		needs: func(s Source, settings *Settings) (list []need) {
			for _, ext := range []string{".tar.xz", ".tar.xz.asc"} {
				path := pyJoin(settings.KeyringPath, s.Keyring+ext)
				list = append(list, need{word: "file", path: path, class: "missing-keyring", severity: systemimage.Harmful, problem: "the server has no " + path})
			}
			return list
		}},
	cdimage("cdimage-ubuntu", "touch", "PRODUCT-", ".tar.gz", ""),
	cdimage("cdimage-custom", "touch", "PRODUCT-", ".custom.tar.gz", ""),
	cdimage("cdimage-device-raw", "core", "PRODUCT-", ".device.tar.gz", ""),
	cdimage("cdimage-device", "touch", "", "", "2021"),
	{name: "http", required: []string{"url"}, options: []string{"name", "monitor"}, read: readHTTP},
	{name: "http-cdimage", required: []string{"url"}, options: []string{"name", "monitor", "product"}, read: readHTTP},
	{name: "system-image", required: []string{"channel", "prefix"}, options: []string{"device"},
		read: func(s *Source, args []string, option func(name, otherwise string) string) {
			s.Channel, s.Prefix, s.Device = args[0], args[1], option("device", "")
		}},
	{name: "remote-system-image", required: []string{"base url", "channel", "prefix"}, options: []string{"device", "keyring"},
		read: func(s *Source, args []string, option func(name, otherwise string) string) {
			s.Server, s.Channel, s.Prefix, s.Device, s.Keyring = args[0], args[1], args[2], option("device", ""), option("keyring", "")
		}},
}

func readHTTP(s *Source, args []string, option func(name, otherwise string) string) {
	s.URL, s.Name, s.Monitor, s.Product = args[0], option("name", s.Generator), option("monitor", ""), option("product", "")
}

// cdimage is a generator that takes the newest build in a folder with a file whose
// name begins with the series and middle, and ends so.
func cdimage(name, product, middle, end, until string) generator {
	g := generator{name: name, required: []string{"path", "series"}, options: []string{"product", "import"}, until: until}
	g.read = func(s *Source, args []string, option func(name, otherwise string) string) {
		s.Path, s.Series, s.Product, s.Import = args[0], args[1], option("product", product), option("import", "any")
	}
	g.needs = func(s Source, _ *Settings) []need {
		if !strings.HasPrefix(s.Path, "/") {
			return nil // nobody knows to which folder it is relative
		}
		start := s.Series + "-preinstalled-" + strings.Replace(middle, "PRODUCT", s.Product, 1)
		list := []need{
			{word: "dir", path: s.Path, class: "missing-path", severity: systemimage.Harmful, problem: "the server has no folder " + s.Path},
			{word: "build", path: s.Path, start: start, end: end, class: "missing-series", severity: systemimage.Harmful,
				problem: fmt.Sprintf("no build in %s has a file %s...%s", s.Path, start, end)},
		}
		if s.Import == "good" {
			list = append(list, need{word: "good", path: s.Path, start: start, end: end, class: "no-good-build", severity: systemimage.Risky,
				problem: fmt.Sprintf("no build with %s...%s is marked good", start, end)})
		}
		return list
	}
	return g
}

func generatorNamed(name string) (generator, bool) {
	for _, g := range generators {
		if g.name == name {
			return g, true
		}
	}
	return generator{}, false
}
