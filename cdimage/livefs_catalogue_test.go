package cdimage_test

import (
	"strings"
	"testing"

	"github.com/landingteam/landing/cdimage/cause"
)

// harmless lines stand in every log of a good build. They name packages and
// services after faults, and tell of what heals or was never needed.
const harmless = `Get:3 http://ftpmaster.internal/ubuntu/ vivid/main no-space-left armhf 4.04-1 [12 kB]
Err http://ftpmaster.internal/ubuntu/ vivid/main heals404 armhf 1:8.12-1
  Connection failed [IP: 91.189.88.1 80]
Get:4 http://ftpmaster.internal/ubuntu/ vivid/main heals404 armhf 1:8.12-1 [12 kB]
Selecting previously unselected package libdpkg-error-perl.
Preparing to unpack .../python3-404-not-found_4.04-1_all.deb ...
Unpacking timeout-helper-404 (4.04-1) over (4.03-1) ...
Setting up hash-sum-mismatch (1.0) ...
E: Can not write log (Is /dev/pts mounted?) - posix_openpt (2: No such file or directory)
initctl: Unable to connect to Upstart: Failed to connect to socket /com/ubuntu/upstart: Connection refused
Failed to connect to bus: Connection refused
invoke-rc.d: policy-rc.d denied execution of start.
update-alternatives: warning: skip creation of /usr/share/man/man1/error.1.gz because associated file doesn't exist
debconf: delaying package configuration, since apt-utils is not installed
WARNING: failed to find a module for aufs: fatal error 404
Failed to reload daemon: Connection timed out
gpg: WARNING: unsafe ownership, lookup failed: Name or service not known
`

type failureCase struct{ class, line, pkg, text string }

func catalogue(t testing.TB) (cases []failureCase) {
	t.Helper()
	for _, block := range strings.Split("\n"+read(t, "catalogue.txt"), "\n--- ")[1:] {
		head, text, _ := strings.Cut(block, "\n")
		f := strings.Split(head, " | ")
		if len(f) < 2 {
			continue // a line of a diff
		}
		c := failureCase{class: f[0], line: f[1], text: strings.TrimRight(text, "\n") + "\n"}
		if len(f) > 2 {
			c.pkg = f[2]
		}
		cases = append(cases, c)
	}
	return cases
}

// TestCatalogue reads every failure of the catalogue in a log of the touch era
// and of today, alone and between harmless lines.
func TestCatalogue(t *testing.T) {
	count := map[string]int{}
	for _, c := range catalogue(t) {
		count[c.class]++
		t.Run(c.class+" "+c.line, func(t *testing.T) {
			for name, text := range map[string]string{"alone": c.text, "after": harmless + c.text, "before": c.text + harmless, "between": harmless + c.text + harmless} {
				if c.class == "unknown" && (name == "before" || name == "between") {
					continue // the last line is quoted
				}
				for era, today := range map[string]bool{"touch": false, "today": true} {
					l := parseLivefs(t, failing(t, today, text))
					if len(l.Causes) == 0 {
						t.Errorf("%s, %s: no cause", era, name)
						continue
					}
					got := l.Causes[0]
					if string(got.Class) != c.class || !strings.Contains(got.Line, c.line) || got.Package != c.pkg {
						t.Errorf("%s, %s: %s %q package %q, want %s %q %q", era, name, got.Class, got.Line, got.Package, c.class, c.line, c.pkg)
					}
				}
			}
		})
	}
	for _, class := range []cause.Class{cause.DiskSpace, cause.Network, cause.LivecdRootfs, cause.Package, cause.Dependency, cause.Seed} {
		if count[string(class)] < 5 {
			t.Errorf("%d cases of %s", count[string(class)], class)
		}
	}
}
