package systemimagetest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A config is what the server's programs make of etc/config.
type config struct {
	base, keys, keyrings, publish, state string

	public   map[string]string // public_fqdn and the two ports, when given
	mirrors  []mirror          // by host name
	order    []string          // channels in the order of the file
	channels map[string]channelConfig
}

type mirror struct{ host, user, key, port, command string }

type channelConfig struct {
	kind        string
	versionbase int
	fullcount   int
	deltabase   []string
	files       []fileConfig
}

type fileConfig struct {
	name, generator string
	arguments       []string
}

// loadConfig finds and reads the configuration as every program does.
func (p *process) loadConfig() error {
	root := p.root
	if root == "" {
		root = p.dir
	}
	path := root + "/etc/config"
	if _, err := os.Stat(path); err != nil {
		path = filepath.Join(p.home, "etc/config")
	}
	text, err := os.ReadFile(path)
	if err != nil && !exists(path) {
		return raise("Exception", "Configuration file doesn't exist: %s", path)
	} // one that is there and cannot be read counts as empty
	if i := notUTF8(text); i >= 0 {
		return raise("UnicodeDecodeError", "'utf-8' codec can't decode byte 0x%02x in position %d: invalid start byte", text[i], i)
	}
	sections, err := parseConfig(path, text)
	if err != nil {
		if p.era != 2016 {
			p.caught(err, err.(*parseError).class)
			p.record(failure, "Failed to parse configuration file, using empty configuration.")
		}
		sections = nil
	}
	p.conf, err = newConfig(sections, root)
	return err
}

// A setting is a value after list splitting: a value with ", " in it is a list.
type setting struct {
	text string
	list []string
}

// names is the value as a list of names; a plain value is a list of one.
func (s setting) names() []string {
	if s.list != nil {
		return s.list
	}
	return []string{s.text}
}

func newSetting(value string) setting {
	tidy := func(s string) string { return strings.TrimSpace(strings.Trim(s, `"`)) }
	if !strings.Contains(value, ", ") {
		return setting{text: tidy(value)}
	}
	parts := strings.Split(value, ", ")
	for i := range parts {
		parts[i] = tidy(parts[i])
	}
	return setting{list: parts}
}

type section map[string]setting

// number is the integer value of a key.
func (s section) number(key string, def int) (int, error) {
	v, ok := s[key]
	if !ok {
		return def, nil
	}
	if v.list != nil {
		return 0, raise("TypeError", "int() argument must be a string, a bytes-like object or a real number, not 'list'")
	}
	n, err := atoi(v.text)
	if err != nil {
		return 0, raise("ValueError", "invalid literal for int() with base 10: %s", repr(v.text))
	}
	return n, nil
}

// atoi reads an integer as the interpreter does: blanks around, a sign, single underscores.
func atoi(s string) (int, error) {
	t := strings.TrimSpace(s)
	if strings.HasPrefix(t, "_") || strings.HasSuffix(t, "_") || strings.Contains(t, "__") {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(strings.ReplaceAll(t, "_", ""))
}

func keyError(format string, args ...any) error {
	return raise("KeyError", "%s", repr(fmt.Sprintf(format, args...)))
}

// newConfig makes the settings of a parsed file. No sections give the empty
// configuration, with the default paths below root.
func newConfig(sections map[string]section, root string) (*config, error) {
	global := sections["global"]
	for _, key := range []string{"gpg_key_path", "gpg_keyring_path", "publish_path", "state_path"} {
		if global[key].list != nil {
			return nil, raise("AttributeError", "'list' object has no attribute 'startswith'")
		}
	}
	c := &config{public: map[string]string{}, channels: map[string]channelConfig{}}
	c.base = root
	if v, ok := global["base_path"]; ok {
		c.base = v.text
	}
	path := func(key, def string) string {
		v := filepath.Join(c.base, def)
		if s, ok := global[key]; ok {
			v = s.text
		}
		if !filepath.IsAbs(v) {
			v = strings.TrimSuffix(c.base, "/") + "/" + v
		}
		return v
	}
	c.keys = path("gpg_key_path", "secret/gpg/keys")
	c.keyrings = path("gpg_keyring_path", "secret/gpg/keyrings")
	c.publish = path("publish_path", "www")
	c.state = path("state_path", "state")
	for _, key := range []string{"public_fqdn", "public_http_port", "public_https_port"} {
		if v, ok := global[key]; ok {
			c.public[key] = v.text
		}
	}
	if err := c.loadMirrors(sections); err != nil {
		return nil, err
	}
	names, ok := global["channels"]
	if !ok {
		return c, nil
	}
	for _, name := range names.names() {
		s, ok := sections["channel_"+name]
		if !ok {
			return nil, keyError("Missing channel section: channel_%s", name)
		}
		channel, err := newChannelConfig(name, s)
		if err != nil {
			return nil, err
		}
		if _, twice := c.channels[name]; !twice {
			c.order = append(c.order, name)
		}
		c.channels[name] = channel
	}
	return c, nil
}

func newChannelConfig(name string, s section) (c channelConfig, err error) {
	if c.versionbase, err = s.number("versionbase", 1); err != nil {
		return c, err
	}
	c.kind = "manual"
	if v, ok := s["type"]; ok {
		c.kind = v.text
	}
	if c.fullcount, err = s.number("fullcount", 0); err != nil {
		return c, err
	}
	c.deltabase = []string{name}
	if v, ok := s["deltabase"]; ok {
		c.deltabase = v.names()
	}
	files, ok := s["files"]
	if !ok {
		return c, nil
	}
	for _, f := range files.names() {
		v, ok := s["file_"+f]
		if !ok {
			return c, keyError("Missing file entry: file_%s", f)
		}
		if v.list != nil {
			return c, raise("AttributeError", "'list' object has no attribute 'split'")
		}
		fields := strings.Split(v.text, ";")
		c.files = append(c.files, fileConfig{name: f, generator: fields[0], arguments: fields[1:]})
	}
	return c, nil
}

func (c *config) loadMirrors(sections map[string]section) error {
	names, ok := sections["global"]["mirrors"]
	if !ok {
		return nil
	}
	def, ok := sections["mirror_default"]
	if !ok {
		return keyError("Missing mirror_default section.")
	}
	for _, key := range []string{"ssh_user", "ssh_key", "ssh_port", "ssh_command"} {
		if _, ok := def[key]; !ok {
			return keyError("Missing key in mirror_default: %s", key)
		}
	}
	for _, name := range names.names() {
		s, ok := sections["mirror_"+name]
		if !ok {
			return keyError("Missing mirror section: mirror_%s", name)
		}
		host, ok := s["ssh_host"]
		if !ok {
			return keyError("Missing key in mirror_%s: ssh_host", name)
		}
		get := func(key string) string {
			if v, ok := s[key]; ok {
				return v.text
			}
			return def[key].text
		}
		m := mirror{host: host.text, user: get("ssh_user"), key: get("ssh_key"), port: get("ssh_port"), command: get("ssh_command")}
		if _, err := atoi(m.port); err != nil {
			return raise("ValueError", "invalid literal for int() with base 10: %s", repr(m.port))
		}
		if !filepath.IsAbs(m.key) {
			m.key = filepath.Join(c.base, m.key)
		}
		c.mirrors = append(c.mirrors, m)
	}
	slices.SortStableFunc(c.mirrors, func(a, b mirror) int { return strings.Compare(a.host, b.host) })
	return nil
}

// A parseError is a fault in the grammar of the file.
type parseError struct{ class, text string }

func (e *parseError) Error() string { return e.text }

func wrong(class, format string, args ...any) error {
	return &parseError{"configparser." + class, fmt.Sprintf(format, args...)}
}

// parseConfig reads the file with the grammar of the server's interpreter:
// keys keep their case, no interpolation, no comments behind values, values
// continued by deeper indentation, anything twice is an error.
//
// The messages are the interpreter's own.
func parseConfig(path string, text []byte) (map[string]section, error) {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	p := configParser{path: path, raw: map[string]map[string][]string{"DEFAULT": {}}}
	for i, line := range strings.SplitAfter(string(text), "\n") {
		if err := p.line(i+1, line); err != nil {
			return nil, err
		}
	}
	if p.bad != "" {
		return nil, wrong("ParsingError", "Source contains parsing errors: %s%s", repr(path), p.bad)
	}
	sections := map[string]section{}
	for name, options := range p.raw {
		if name == "DEFAULT" {
			continue
		}
		sections[name] = section{}
		for _, from := range []map[string][]string{p.raw["DEFAULT"], options} {
			for key, lines := range from {
				sections[name][key] = newSetting(strings.TrimRight(strings.Join(lines, "\n"), " \t\r\n\v\f"))
			}
		}
	}
	return sections, nil
}

// A configParser is parseConfig at work.
type configParser struct {
	path string
	raw  map[string]map[string][]string // lines of values by section and option

	current      map[string][]string // the section of the line; nil before the first
	name, option string              // of the section, and of the last value in it
	indent       int                 // of the last line that continued no value
	bad          string              // lines that are nothing, for the end
}

func (p *configParser) line(number int, line string) error {
	value := strings.TrimSpace(line)
	continues := p.current != nil && p.option != ""
	switch {
	case strings.HasPrefix(value, "#"), strings.HasPrefix(value, ";"):
		return nil
	case value == "":
		if line != "" && continues {
			p.current[p.option] = append(p.current[p.option], "")
		}
		return nil
	}
	depth := len(line) - len(strings.TrimLeft(line, " \t\v\f"))
	if continues && depth > p.indent {
		p.current[p.option] = append(p.current[p.option], value)
		return nil
	}
	p.indent = depth
	if end := strings.LastIndex(value, "]"); value[0] == '[' && end > 1 {
		return p.header(number, value[1:end])
	}
	if p.current == nil {
		return wrong("MissingSectionHeaderError", "File contains no section headers.\nfile: %s, line: %d\n%s", repr(p.path), number, repr(line))
	}
	sep := strings.IndexAny(value, "=:")
	if sep <= 0 {
		p.bad += fmt.Sprintf("\n\t[line %2d]: %s", number, repr(line))
		return nil
	}
	p.option = strings.TrimSpace(value[:sep])
	if _, twice := p.current[p.option]; twice {
		return wrong("DuplicateOptionError", "While reading from %s [line %2d]: option %s in section %s already exists", repr(p.path), number, repr(p.option), repr(p.name))
	}
	p.current[p.option] = []string{strings.TrimSpace(value[sep+1:])}
	return nil
}

func (p *configParser) header(number int, name string) error {
	if _, twice := p.raw[name]; twice && name != "DEFAULT" {
		return wrong("DuplicateSectionError", "While reading from %s [line %2d]: section %s already exists", repr(p.path), number, repr(name))
	}
	if p.raw[name] == nil {
		p.raw[name] = map[string][]string{}
	}
	p.name, p.option, p.current = name, "", p.raw[name]
	return nil
}
