package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What ~/.ssh/config says of a host counts where the site file says nothing.
func TestSSHConfig(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	key := filepath.Join(home, "id_images")
	if err := os.WriteFile(key, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(home, "config")
	if err := os.WriteFile(path, []byte(`
Host images
  HostName images.example.net
  Port 2222
  IdentityFile ~/id_missing
  IdentityFile ~/id_images
  ProxyJump anna@first.example.net,gateway
Host gateway
  HostName gateway.example.net
  User hopper
Host circle
  ProxyJump circle
Host *
  User lander
`), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := readSSHConfig(path, home)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		m    Host
		want string // host by host, from the last one back
	}{
		"an alias":            {Host{SSH: "images"}, "lander@images.example.net:2222 id_images < hopper@gateway.example.net < anna@first.example.net"},
		"the site file first": {Host{SSH: "cdimage@images:22", Jump: "x@y:24", KeyFile: "/k"}, "cdimage@images.example.net:22 k < x@y:24 k"},
		"not named there":     {Host{SSH: "other.example.net"}, "lander@other.example.net"},
	} {
		var hops []string
		for h := c.host(tt.m, tt.m.SSH, 0); h != nil; h = h.Jump {
			text := h.User + "@" + h.Addr
			if h.KeyFile != "" {
				text += " " + filepath.Base(h.KeyFile)
			}
			hops = append(hops, text)
		}
		if d := cmp.Diff(tt.want, strings.Join(hops, " < ")); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
	n := 0
	for h := c.host(Host{}, "circle", 0); h != nil; h = h.Jump {
		if n++; n > 100 {
			t.Fatal("a circle of hosts has no end")
		}
	}
	none, err := readSSHConfig(filepath.Join(home, "none"), home)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"u", "h:1"}, []string{none.host(Host{}, "u@h:1", 0).User, none.host(Host{}, "u@h:1", 0).Addr}); d != "" {
		t.Errorf("without a file (-want +got)\n%s", d)
	}
}
