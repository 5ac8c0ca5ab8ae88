package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gopkg.in/ini.v1"
)

// A siteKey is a key that a section of the site file may have, other than those of
// the programs. A new one is an entry here, and a line in examples/site.conf.
type siteKey struct {
	section, name string
	set           func(s *Site, value, dir string) error
}

// siteKeys are all of them, by section.
func siteKeys() []siteKey {
	text := func(field func(*Site) *string) func(*Site, string, string) error {
		return func(s *Site, value, _ string) error { *field(s) = value; return nil }
	}
	path := func(field func(*Site) *string) func(*Site, string, string) error {
		return func(s *Site, value, dir string) error { *field(s) = file(value, dir); return nil }
	}
	keys := []siteKey{
		{"site", "name", text(func(s *Site) *string { return &s.Name })},
		{"site", "operator", text(func(s *Site) *string { return &s.Operator })},
		{"image-server", "url", text(func(s *Site) *string { return &s.ImageServer.URL })},
		{"image-server", "keyring", path(func(s *Site) *string { return &s.ImageServer.Keyring })},
		{"image-server", "unverified", unverified},
		{"image-server", "cache", cache},
		{"image-server", "lock_wait", lockWait},
		{"cdimage", "logs", text(func(s *Site) *string { return &s.ImageBuilder.Logs })},
		{"cdimage", "project", text(func(s *Site) *string { return &s.ImageBuilder.Images.Project })},
		{"cdimage", "series", text(func(s *Site) *string { return &s.ImageBuilder.Images.Series })},
		{"cdimage", "type", text(func(s *Site) *string { return &s.ImageBuilder.Images.Type })},
		{"launchpad", "root", text(func(s *Site) *string { return &s.Launchpad.Root })},
		{"launchpad", "credentials", path(func(s *Site) *string { return &s.Launchpad.Credentials })},
	}
	for section, of := range map[string]func(*Site) *Host{
		"image-server": func(s *Site) *Host { return &s.ImageServer.Host },
		"cdimage":      func(s *Site) *Host { return &s.ImageBuilder.Host },
	} {
		keys = append(keys,
			siteKey{section, "ssh", text(func(s *Site) *string { return &of(s).SSH })},
			siteKey{section, "jump", text(func(s *Site) *string { return &of(s).Jump })},
			siteKey{section, "known_hosts", path(func(s *Site) *string { return &of(s).KnownHosts })},
			siteKey{section, "host_key", text(func(s *Site) *string { return &of(s).HostKey })},
			siteKey{section, "key_file", path(func(s *Site) *string { return &of(s).KeyFile })},
			siteKey{section, "root", text(func(s *Site) *string { return &of(s).Root })})
	}
	return keys
}

func unverified(s *Site, value, _ string) error {
	switch value {
	case "", "no":
	case "yes":
		s.ImageServer.Unverified = true
	default:
		return fmt.Errorf("unverified = %s: want yes or no", value)
	}
	return nil
}

func cache(s *Site, value, dir string) error {
	switch s.ImageServer.Cache = file(value, dir); value {
	case "no":
		s.ImageServer.NoCache, s.ImageServer.Cache = true, ""
	case "yes":
		s.ImageServer.Cache = ""
	}
	return nil
}

func lockWait(s *Site, value, _ string) (err error) {
	if value == "" {
		return nil
	}
	if s.ImageServer.LockWait, err = time.ParseDuration(value); err != nil || s.ImageServer.LockWait <= 0 {
		return fmt.Errorf("lock_wait = %s: want a time such as 15m", value)
	}
	return nil
}

// file makes a path of the site file absolute or relative to where we are.
func file(path, dir string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return filepath.Join(dir, path)
}

// section reads one section: a key that it does not have is an error, since a
// misspelt one would be ignored in silence.
func (s *Site) section(sec *ini.Section, dir string, programs map[string][]string) error {
	known, ok := programs[sec.Name()]
	set := map[string]func(*Site, string, string) error{}
	for _, k := range siteKeys() {
		if k.section == sec.Name() {
			known, ok = append(known, k.name), true
			set[k.name] = k.set
		}
	}
	switch {
	case ok, sec.Name() == ini.DefaultSection:
	case slices.Contains(programNames, sec.Name()):
		return nil // another program's, which looks at its keys itself
	default:
		return fmt.Errorf("unknown section [%s]%s", sec.Name(), didYouMean(sec.Name(), slices.Concat([]string{"site", "image-server", "cdimage", "launchpad"}, programNames)))
	}
	values := map[string]string{}
	for _, k := range sec.Keys() {
		if !slices.Contains(known, k.Name()) {
			return fmt.Errorf("section [%s] has no key %q%s; it has %s", sec.Name(), k.Name(), didYouMean(k.Name(), known), cmp.Or(strings.Join(known, ", "), "none"))
		}
		values[k.Name()] = k.Value()
		if set[k.Name()] == nil {
			continue
		}
		if err := set[k.Name()](s, k.Value(), dir); err != nil {
			return fmt.Errorf("section [%s]: %w", sec.Name(), err)
		}
	}
	s.options[sec.Name()] = values
	return nil
}
