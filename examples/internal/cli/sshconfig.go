package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/kevinburke/ssh_config"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/remote"
)

// An sshConfig is what ~/.ssh/config says of hosts: their names, users, ports, keys,
// and what they are reached through. What the site file says counts first.
type sshConfig struct {
	file *ssh_config.Config // nil: there is none
	home string
}

// userSSHConfig reads ~/.ssh/config. Without one, and beside an error, it says nothing
// of any host.
func userSSHConfig() (sshConfig, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return sshConfig{}, nil
	}
	return readSSHConfig(filepath.Join(home, ".ssh", "config"), home)
}

func readSSHConfig(path, home string) (sshConfig, error) {
	c := sshConfig{home: home}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	defer f.Close()
	file, err := ssh_config.Decode(f)
	if err != nil {
		return c, fmt.Errorf("%s is passed over, since it cannot be read in full: %w", path, err)
	}
	c.file = file
	return c, nil
}

// get is what the file says of a host; "" is nothing.
func (c sshConfig) get(alias, key string) string {
	if c.file == nil {
		return ""
	}
	value, err := c.file.Get(alias, key)
	if err != nil {
		return ""
	}
	return value
}

// key is the first key of a host that is there.
func (c sshConfig) key(alias string) string {
	if c.file == nil {
		return ""
	}
	names, _ := c.file.GetAll(alias, "IdentityFile") // what cannot be read names none
	for _, name := range names {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "%d", c.home), "%h", cmp.Or(c.get(alias, "HostName"), alias))
		if rest, ok := strings.CutPrefix(name, "~/"); ok {
			name = filepath.Join(c.home, rest)
		}
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	return ""
}

// mostJumps bounds the hosts to go through, which the file may name in a circle.
const mostJumps = 8

// host makes the client of a host that is named USER@HOST:PORT, where HOST may be a
// name of the file's.
func (c sshConfig) host(m Host, where string, depth int) *remote.Host {
	user, addr, ok := strings.Cut(where, "@")
	if !ok {
		user, addr = "", where
	}
	alias, port := addr, ""
	if h, p, err := net.SplitHostPort(addr); err == nil {
		alias, port = h, p
	}
	if name := c.get(alias, "HostName"); name != "" {
		addr = strings.ReplaceAll(name, "%h", alias)
	} else {
		addr = alias
	}
	if port = cmp.Or(port, c.get(alias, "Port")); port != "" {
		addr = net.JoinHostPort(addr, port)
	}
	h := &remote.Host{Addr: addr, User: cmp.Or(user, c.get(alias, "User")), HostKey: m.HostKey,
		KeyFile: cmp.Or(m.KeyFile, c.key(alias)), Current: runbook.Current}
	if m.KnownHosts != "" {
		h.KnownHosts = []string{m.KnownHosts}
	}
	through := cmp.Or(m.Jump, c.get(alias, "ProxyJump"))
	m.Jump = "" // of this host alone
	if through == "" || strings.EqualFold(through, "none") || depth > mostJumps {
		return h
	}
	last := h
	hops := strings.Split(through, ",")
	for i := len(hops) - 1; i >= 0; i-- {
		last.Jump = c.host(m, strings.TrimPrefix(strings.TrimSpace(hops[i]), "ssh://"), depth+1)
		if last = last.Jump; i > 0 {
			last.Jump = nil // the hop before it stands in the same list
		}
	}
	return h
}
