package launchpadtest_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad/launchpadtest"
)

const script = `
import sys
from launchpadlib.launchpad import Launchpad
lp = Launchpad.login_anonymously('landing-test', service_root=sys.argv[1], launchpadlib_dir=sys.argv[2], version='devel')
ppa = lp.archives.getByReference(reference='~landing-team/ubuntu/overlay')
print(ppa.displayname, ppa.publish)
for s in ppa.getPublishedSources(status='Published', distro_series='/ubuntu/vivid'):
    print(s.source_package_name, s.source_package_version, s.status, len(list(s.getPublishedBinaries())))
print(len(ppa.getPublishedBinaries(ordered=False)))
print(ppa.owner.name, lp.people['landing-team'].getPPAByName(name='snapshot').reference)
print(lp.distributions['ubuntu'].getSeries(name_or_version='vivid').version)
`

// TestLaunchpadlib lets Debian's python3-launchpadlib read the fake, which it
// does by the fake's description of itself.
func TestLaunchpadlib(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import launchpadlib").Run(); err != nil {
		t.Skip("python3-launchpadlib is not installed")
	}
	s := newServer(t)
	s.Do(func(w *launchpadtest.World) { w.PageSize = 1 })
	ts := httptest.NewServer(s)
	defer ts.Close()
	cmd := exec.Command(python, "-c", script, ts.URL+"/", t.TempDir())
	cmd.Env = append(os.Environ(), "no_proxy=127.0.0.1", "NO_PROXY=127.0.0.1", "HOME="+t.TempDir())
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	want := "overlay True\nmir 1.10 Published 3\nunity8 8.12-0ubuntu1 Published 6\n9\nlanding-team ~landing-team/ubuntu/snapshot\n15.04\n"
	if d := cmp.Diff(want, string(out)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
