package launchpadtest_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad"
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

// python runs a script under Debian's python3-launchpadlib with the address of a
// fake and a folder of its own.
func python(t *testing.T, s *launchpadtest.Server, script string, args ...string) string {
	t.Helper()
	const interpreter = "/usr/bin/python3"
	if err := exec.Command(interpreter, "-c", "import launchpadlib").Run(); err != nil {
		t.Skip("python3-launchpadlib is not installed")
	}
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	cmd := exec.Command(interpreter, append([]string{"-c", script, ts.URL + "/", t.TempDir()}, args...)...)
	cmd.Env = append(os.Environ(), "no_proxy=127.0.0.1", "NO_PROXY=127.0.0.1", "HOME="+t.TempDir())
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	return string(out)
}

// TestLaunchpadlib lets Debian's python3-launchpadlib read the fake, which it
// does by the fake's description of itself.
func TestLaunchpadlib(t *testing.T) {
	s := newServer(t)
	s.Do(func(w *launchpadtest.World) { w.PageSize = 1 })
	want := "overlay True\nmir 1.10 Published 3\nunity8 8.12-0ubuntu1 Published 6\n9\nlanding-team ~landing-team/ubuntu/snapshot\n15.04\n"
	if d := cmp.Diff(want, python(t, s, script)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

const credentialsScript = `
import sys
from launchpadlib.credentials import AccessToken, Credentials
from launchpadlib.launchpad import Launchpad
ours, theirs = sys.argv[3:]
cred = Credentials.load_from_path(ours)
lp = Launchpad(cred, None, None, service_root=sys.argv[1], cache=sys.argv[2], version='devel')
ppa = lp.people['landing-team'].getPPAByName(name='overlay')
print(repr(cred.consumer.key), ppa.private, len(ppa.getPublishedSources()))
cred = Credentials('System-wide: Ubuntu (host)')
cred.access_token = AccessToken('token', 'secret')
cred.save_to_path(theirs)
`

// TestCredentialsOfLaunchpadlib: launchpadlib opens a private archive with a file
// written here, and what it writes is read here.
func TestCredentialsOfLaunchpadlib(t *testing.T) {
	s := newServer(t)
	s.Do(func(w *launchpadtest.World) { w.Archive(overlay).Private = true })
	ours, theirs := filepath.Join(t.TempDir(), "ours"), filepath.Join(t.TempDir(), "theirs")
	if err := launchpad.NewCredentials("landing 100% tool", "token", "secret").WriteFile(ours); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("'landing 100% tool' True 2\n", python(t, s, credentialsScript, ours, theirs)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	cred, err := launchpad.ReadCredentials(theirs)
	if err != nil || cred.ConsumerKey != "System-wide: Ubuntu (host)" {
		t.Fatal(cred, err)
	}
	c := s.Client()
	c.Credentials = cred
	if a, err := c.Archive(t.Context(), overlay); err != nil || !a.Publish.Is(true) {
		t.Errorf("the archive as launchpadlib's credentials see it: %+v, %v", a, err)
	}
}
