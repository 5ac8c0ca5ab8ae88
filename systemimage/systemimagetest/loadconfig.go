package systemimagetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/landingteam/landing/systemimage/channelconfig"
)

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
	text, err := readFile(path)
	if err != nil && !exists(path) {
		return raise("Exception", "Configuration file doesn't exist: %s", path)
	} // one that is there and cannot be read counts as empty
	config, err := channelconfig.Parse(text)
	var f *channelconfig.Failure
	switch errors.As(err, &f); {
	case f == nil:
	case f.Class == "UnicodeDecodeError":
		at := notUTF8(text)
		return raise(f.Class, "'utf-8' codec can't decode byte 0x%02x in position %d: invalid start byte", text[at], at)
	case p.era != 2016:
		p.caught(errors.New(f.Log(path)), f.Class)
		p.record(failure, "Failed to parse configuration file, using empty configuration.")
	}
	p.conf, err = config.Settings(root)
	if errors.As(err, &f) && !f.Empty {
		return raise(f.Class, "%s", f.Text)
	}
	return nil
}

// noConfig are the settings of a server without a configuration: its paths.
func noConfig(root string) *channelconfig.Settings {
	empty, _ := channelconfig.Parse(nil)
	s, _ := empty.Settings(root)
	return s
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
