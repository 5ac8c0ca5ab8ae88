package channelconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// Settings are what the programs of the server make of a [Config].
type Settings struct {
	BasePath    string // what relative paths below begin with
	KeyPath     string // gpg_key_path: the signing keys
	KeyringPath string // gpg_keyring_path: the keyring tarballs
	PublishPath string // the published tree
	StatePath   string // the folder of the global lock

	// The address that is written into version files. All three must be given
	// before an image can be made; "" is not given.
	PublicFQDN, PublicHTTPPort, PublicHTTPSPort string

	Mirrors  []MirrorSettings
	Channels []ChannelSettings // in the order in which import-images processes them
}

// MirrorSettings say how a mirror is told to synchronise: Command is run there
// over SSH.
type MirrorSettings struct {
	Name string // of its section, [mirror_NAME]
	Host string
	Port int
	User string
	Key  string // file of the private key

	Command string
}

// ChannelSettings are those of one channel.
type ChannelSettings struct {
	Name string

	// Type is "auto" for a channel that import-images processes. Every other
	// word, also a misspelt one, is as good as "manual".
	Type string

	VersionBase int         // number of the first image; 1 when not given
	FullCount   int         // full images that are kept; 0 and less keep all
	DeltaBase   []string    // channels whose newest full image is the base of a delta; the channel itself when not given
	Files       []FileEntry // in the order in which they are made
}

// A FileEntry is an entry of a channel's files: what a file of the image is
// made from.
type FileEntry struct {
	Entry     string   // as it stands in files, such as "device,krillin"
	Name      string   // what stands before the comma: of the entries with one name, one is used
	Device    string   // what stands behind it: the entry is for this device only
	ForDevice bool     // there is a comma
	Generator string   // such as "cdimage-ubuntu"
	Arguments []string // what stands behind it, split at each ";", with all blanks
}

// newFileEntry splits an entry of files and the value of its key.
func newFileEntry(entry, value string) FileEntry {
	fields := strings.Split(value, ";")
	f := FileEntry{Entry: entry, Generator: fields[0], Arguments: fields[1:]}
	f.Name, f.Device, f.ForDevice = strings.Cut(entry, ",")
	return f
}

// Auto reports whether import-images makes images for the channel.
func (s ChannelSettings) Auto() bool { return s.Type == "auto" }

// FilesFor returns the entries that are used for a device, in order: those for
// any device and its own, the first of each name. An entry for the device behind
// the one for any is never used.
func (s ChannelSettings) FilesFor(device string) []FileEntry {
	var list []FileEntry
	for _, f := range s.Files {
		if f.ForDevice && f.Device != device || slices.ContainsFunc(list, func(o FileEntry) bool { return o.Name == f.Name }) {
			continue
		}
		list = append(list, f)
	}
	return list
}

// Channel returns the settings of a channel.
func (s *Settings) Channel(name string) (ChannelSettings, bool) {
	for _, c := range s.Channels {
		if c.Name == name {
			return c, true
		}
	}
	return ChannelSettings{}, false
}

// Settings loads the configuration as the server's programs do. Root is what
// SYSTEM_IMAGE_ROOT is set to, or the folder that they are started in: the
// base path of a configuration that names none.
//
// The error, a [*Failure] within a [systemimage.Error], is what the programs die of:
// a listed channel without section, a number that is none. For a Config
// with a fault in its grammar it is that fault again, and the Settings beside it
// are those that the programs go on with.
func (c *Config) Settings(root string) (*Settings, error) {
	l := &loading{Config: c}
	if c.failure != nil {
		e := &systemimage.Error{Op: "load configuration", Kind: systemimage.ErrMalformed, Line: c.failure.Line, Column: min(1, c.failure.Line), Err: c.failure}
		if !c.failure.Empty {
			return nil, e
		}
		return l.settings(root), e
	}
	s := l.settings(root)
	if l.failure != nil {
		e := &systemimage.Error{Op: "load configuration", Kind: systemimage.ErrBroken, Err: l.failure}
		if n := l.failure.Line; n > 0 {
			e.Line, e.Column, e.Offset = n, 1, int64(c.lines[n-1].start)
		}
		return nil, e
	}
	return s, nil
}

// A loading is the first failure of a load; what comes after it counts no more.
type loading struct {
	*Config
	failure *Failure
}

func (l *loading) fail(section, key, class, format string, args ...any) {
	if l.failure == nil {
		l.failure = &Failure{Class: class, Text: fmt.Sprintf(format, args...), Line: l.Line(section, key), Section: section, Key: key}
	}
}

// missing is the exception for something that is not there; its text is in quotes.
func (l *loading) missing(section, key, format string, args ...any) {
	l.fail(section, key, "KeyError", "%s", pyRepr(fmt.Sprintf(format, args...)))
}

// text is a value that must not be a list, for what would be called on it.
func (l *loading) text(section, key, def, method string) string {
	v, ok := l.Get(section, key)
	switch {
	case !ok:
		return def
	case v.List != nil:
		l.fail(section, key, "AttributeError", "'list' object has no attribute '%s'", method)
	}
	return v.Text
}

func (l *loading) number(section, key string, def int) int {
	v, ok := l.Get(section, key)
	if !ok {
		return def
	}
	if v.List != nil {
		l.fail(section, key, "TypeError", "int() argument must be a string, a bytes-like object or a real number, not 'list'")
		return def
	}
	n, ok := pyInt(v.Text)
	if !ok {
		l.fail(section, key, "ValueError", "invalid literal for int() with base 10: %s", pyRepr(v.Text))
	}
	return n
}

func (l *loading) settings(root string) *Settings {
	s := &Settings{BasePath: root}
	if v, ok := l.Get("global", "base_path"); ok {
		s.BasePath = v.Text
		if v.List != nil {
			l.fail("global", "base_path", "TypeError", "expected str, bytes or os.PathLike object, not list")
		}
	}
	path := func(key, def string) string {
		p := l.text("global", key, pyJoin(s.BasePath, def), "startswith")
		if strings.HasPrefix(p, "/") {
			return p
		}
		return pyJoin(s.BasePath, p)
	}
	s.KeyPath = path("gpg_key_path", "secret/gpg/keys")
	s.KeyringPath = path("gpg_keyring_path", "secret/gpg/keyrings")
	s.PublishPath = path("publish_path", "www")
	s.StatePath = path("state_path", "state")
	for key, field := range map[string]*string{"public_fqdn": &s.PublicFQDN, "public_http_port": &s.PublicHTTPPort, "public_https_port": &s.PublicHTTPSPort} {
		v, _ := l.Get("global", key)
		*field = v.String()
	}
	if v, ok := l.Get("global", "mirrors"); ok {
		s.Mirrors = l.mirrors(s.BasePath, v.Names())
	}
	if v, ok := l.Get("global", "channels"); ok {
		s.Channels = l.channels(v.Names())
	}
	return s
}

func (l *loading) mirrors(base string, names []string) (list []MirrorSettings) {
	const general = "mirror_default"
	if l.byName[general] == nil {
		l.missing("global", "mirrors", "Missing mirror_default section.")
		return nil
	}
	for _, key := range []string{"ssh_user", "ssh_key", "ssh_port", "ssh_command"} {
		if _, ok := l.Get(general, key); !ok {
			l.missing(general, "", "Missing key in mirror_default: %s", key)
		}
	}
	seen := map[string]bool{}
	for _, name := range names {
		section := "mirror_" + name
		if l.byName[section] == nil {
			l.missing("global", "mirrors", "Missing mirror section: %s", section)
			return nil
		}
		host, ok := l.Get(section, "ssh_host")
		if !ok {
			l.missing(section, "", "Missing key in %s: ssh_host", section)
		}
		from := func(key string) string {
			if _, ok := l.Get(section, key); ok {
				return section
			}
			return general
		}
		user, _ := l.Get(from("ssh_user"), "ssh_user")
		command, _ := l.Get(from("ssh_command"), "ssh_command")
		m := MirrorSettings{Name: name, Host: host.String(), User: user.String(), Command: command.String()}
		m.Key = l.text(from("ssh_key"), "ssh_key", "", "startswith")
		if !strings.HasPrefix(m.Key, "/") {
			m.Key = pyJoin(base, m.Key)
		}
		m.Port = l.number(from("ssh_port"), "ssh_port", 0)
		if !seen[name] {
			list = append(list, m)
		}
		seen[name] = true
	}
	return list
}

func (l *loading) channels(names []string) []ChannelSettings {
	var list []ChannelSettings
	seen := map[string]bool{}
	for _, name := range names {
		section := Section(name)
		if l.byName[section] == nil {
			l.missing("global", "channels", "Missing channel section: %s", section)
			return nil
		}
		if seen[name] || l.failure != nil {
			continue
		}
		seen[name] = true
		list = append(list, l.channel(name, section))
	}
	return list
}

func (l *loading) channel(name, section string) ChannelSettings {
	s := ChannelSettings{Name: name, Type: "manual", DeltaBase: []string{name}}
	s.VersionBase = l.number(section, "versionbase", 1)
	if v, ok := l.Get(section, "type"); ok {
		s.Type = v.String()
	}
	s.FullCount = l.number(section, "fullcount", 0)
	if v, ok := l.Get(section, "deltabase"); ok {
		s.DeltaBase = v.Names()
	}
	files, ok := l.Get(section, "files")
	if !ok {
		return s
	}
	for _, entry := range files.Names() {
		key := "file_" + entry
		if l.key(section, key) == nil {
			l.missing(section, "files", "Missing file entry: %s", key)
			return s
		}
		s.Files = append(s.Files, newFileEntry(entry, l.text(section, key, "", "split")))
	}
	return s
}

// pyJoin joins two paths as Python's os.path.join does; b is relative.
func pyJoin(a, b string) string {
	if a == "" || strings.HasSuffix(a, "/") {
		return a + b
	}
	return a + "/" + b
}
