package channelconfig

import (
	"errors"
	"fmt"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// A Source is a [FileEntry] with its arguments read as its generator reads
// them. The fields of other generators are empty.
type Source struct {
	Generator string

	// cdimage-ubuntu, cdimage-custom, cdimage-device-raw (and cdimage-device,
	// until 2016): of the builds in the folder Path the newest one that has a
	// tarball of Series and Product and, with Import "good", is marked good.
	Path, Series, Product, Import string

	// http and http-cdimage: the tarball at URL, again when the text at Monitor
	// changes, or on every import when there is no Monitor. Name is how its file
	// and its entry in the version detail are called. http-cdimage has a Product too.
	URL, Name, Monitor string

	// system-image and remote-system-image: the file that begins with Prefix of
	// the newest full image in Channel. Device is empty when it is that of the
	// image being made. Server is the base URL of the other server.
	Server, Channel, Prefix, Device string

	Keyring string // keyring; for remote-system-image the one to repack the recovery image with

	Options map[string]string // the options as they are given, known or not
	Ignored []string          // pieces of the options that the server passes over: without a "="
	Extra   []string          // arguments behind the last one that the generator looks at
}

// Source reads the arguments. It fails with ErrBroken for a generator that does
// not exist, at which import-images aborts, and for missing arguments, with which
// no image is ever made.
func (f FileEntry) Source() (Source, error) {
	s := Source{Generator: f.Generator}
	g, ok := generatorNamed(f.Generator)
	bad := func(err error) (Source, error) {
		return s, &systemimage.Error{Op: "read file entry", Place: "file_" + f.Entry, Kind: systemimage.ErrBroken, Err: err}
	}
	if !ok {
		return bad(fmt.Errorf("there is no generator %q: import-images aborts here, and processes no channel behind", f.Generator))
	}
	args := make([]string, len(g.required)+1)
	copy(args, f.Arguments)
	read := len(g.required)
	if g.options != nil {
		s.options(args[read])
		read++
	}
	if len(f.Arguments) > read {
		s.Extra = f.Arguments[read:]
	}
	option := func(name, otherwise string) string {
		if v, ok := s.Options[name]; ok {
			return v
		}
		return otherwise
	}
	g.read(&s, args, option)
	for i, what := range g.required {
		if args[i] == "" {
			return bad(errors.New(f.Generator + " has no " + what + ": it returns nothing, and no image is made"))
		}
	}
	return s, nil
}

// options reads "k=v,k=v". A value can have no comma.
func (s *Source) options(text string) {
	s.Options = map[string]string{}
	for piece := range strings.SplitSeq(text, ",") {
		if name, value, ok := strings.Cut(piece, "="); ok {
			s.Options[name] = value
		} else if piece != "" {
			s.Ignored = append(s.Ignored, piece)
		}
	}
}

// urls are the addresses that the generator asks for.
func (s Source) urls() []string {
	var list []string
	for _, u := range []string{s.URL, s.Monitor} {
		if u != "" {
			list = append(list, u)
		}
	}
	if s.Server != "" {
		list = append(list, strings.TrimRight(s.Server, "/")+"/channels.json")
	}
	return list
}
