package cli

import (
	"cmp"
	"fmt"
	"net/url"
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
		{"image-server", "url", address("url", func(s *Site) *string { return &s.ImageServer.URL })},
		{"image-server", "keyring", path(func(s *Site) *string { return &s.ImageServer.Keyring })},
		{"image-server", "unverified", unverified},
		{"image-server", "cache", cache},
		{"image-server", "lock_wait", lockWait},
		{"cdimage", "logs", address("logs", func(s *Site) *string { return &s.ImageBuilder.Logs })},
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
			siteKey{section, "ssh", login("ssh", func(s *Site) *string { return &of(s).SSH })},
			siteKey{section, "jump", login("jump", func(s *Site) *string { return &of(s).Jump })},
			siteKey{section, "known_hosts", path(func(s *Site) *string { return &of(s).KnownHosts })},
			siteKey{section, "host_key", text(func(s *Site) *string { return &of(s).HostKey })},
			siteKey{section, "key_file", path(func(s *Site) *string { return &of(s).KeyFile })},
			siteKey{section, "root", folder(func(s *Site) *string { return &of(s).Root })})
	}
	return keys
}

// address is a URL.
func address(key string, field func(*Site) *string) func(*Site, string, string) error {
	return func(s *Site, value, _ string) error {
		*field(s) = value
		u, err := url.Parse(value)
		if value != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("%s = %s: want an address such as https://system-image.example.net", key, bare(value))
		}
		return nil
	}
}

// login is where to log in to.
func login(key string, field func(*Site) *string) func(*Site, string, string) error {
	return func(s *Site, value, _ string) error {
		*field(s) = value
		if strings.ContainsAny(value, " \t\n/") {
			return fmt.Errorf("%s = %s: want USER@HOST[:PORT], or a name of ~/.ssh/config", key, value)
		}
		return nil
	}
}

// folder is one over there.
func folder(field func(*Site) *string) func(*Site, string, string) error {
	return func(s *Site, value, _ string) error {
		*field(s) = value
		if value != "" && !strings.HasPrefix(value, "/") {
			return fmt.Errorf("root = %s: want the whole path of a folder on the host, such as /srv/system-image.ubuntu.com", value)
		}
		return nil
	}
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

// section reads one section: a key that it does not have is a fault, since a
// misspelt one would be ignored in silence.
func (s *Site) section(sec *ini.Section, dir string, programs map[string][]string, lines *siteScan) {
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
		return // another program's, which looks at its keys itself
	default:
		lines.add(lines.of(sec.Name(), ""), "unknown section [%s]%s", sec.Name(), didYouMean(sec.Name(), slices.Concat([]string{"site", "image-server", "cdimage", "launchpad"}, programNames)))
		return
	}
	values := map[string]string{}
	for _, k := range sec.Keys() {
		at := lines.of(sec.Name(), k.Name())
		switch {
		case sec.Name() == ini.DefaultSection:
			lines.add(cmp.Or(at, lines.at[" "+k.Name()]), "key %q stands before any section: put it below the line of its section, such as [image-server]", k.Name())
			continue
		case !slices.Contains(known, k.Name()):
			lines.add(at, "section [%s] has no key %q%s; it has %s", sec.Name(), k.Name(), didYouMean(k.Name(), known), cmp.Or(strings.Join(known, ", "), "none"))
			continue
		}
		values[k.Name()] = k.Value()
		if set[k.Name()] == nil {
			continue
		}
		if err := set[k.Name()](s, k.Value(), dir); err != nil {
			lines.add(at, "section [%s]: %v", sec.Name(), err)
		}
	}
	s.options[sec.Name()] = values
}
