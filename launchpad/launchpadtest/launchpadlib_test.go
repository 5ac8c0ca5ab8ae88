package launchpadtest_test

import (
	"bufio"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// launchpadlib prepares to run a script under Debian's python3-launchpadlib with the
// address of a fake and a folder of its own.
func launchpadlib(t *testing.T, s *launchpadtest.Server, script string, args ...string) (*httptest.Server, *exec.Cmd) {
	t.Helper()
	const interpreter = "/usr/bin/python3"
	if err := exec.Command(interpreter, "-c", "import launchpadlib").Run(); err != nil {
		t.Skip("python3-launchpadlib is not installed")
	}
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	cmd := exec.CommandContext(t.Context(), interpreter, append([]string{"-c", script, ts.URL + "/", t.TempDir()}, args...)...)
	cmd.Env = append(os.Environ(), "no_proxy=127.0.0.1", "NO_PROXY=127.0.0.1", "HOME="+t.TempDir())
	cmd.Stderr = new(strings.Builder)
	return ts, cmd
}

// python runs a script to its end.
func python(t *testing.T, s *launchpadtest.Server, script string, args ...string) string {
	t.Helper()
	_, cmd := launchpadlib(t, s, script, args...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, cmd.Stderr)
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
	cred := new(launchpad.Credentials)
	err := cred.ReadFile(theirs)
	if err != nil || cred.ConsumerKey != "System-wide: Ubuntu (host)" {
		t.Fatal(cred, err)
	}
	c := s.Client()
	c.Credentials = cred
	if a, err := c.Archive(t.Context(), overlay); err != nil || !a.Publish.Is(true) {
		t.Errorf("the archive as launchpadlib's credentials see it: %+v, %v", a, err)
	}
}

const writingScript = `
import sys
from launchpadlib.credentials import Credentials
from launchpadlib.launchpad import Launchpad
cred = Credentials('tool')
token = cred.get_request_token(web_root=sys.argv[1], token_format=Credentials.DICT_TOKEN_FORMAT)
print(token['oauth_token_consumer'], [l['value'] for l in token['access_levels']])
print('review', token['oauth_token'], flush=True)
sys.stdin.readline()
cred.exchange_request_token_for_access_token(web_root=sys.argv[1])
lp = Launchpad(cred, None, None, service_root=sys.argv[1], cache=sys.argv[2], version='devel')
print(lp.me.name)
team = lp.people['landing-team']
made = team.createPPA(name='made', displayname='Made')
print(made.reference, [p.name for p in team.ppas])
ubuntu = lp.distributions['ubuntu']
print([s.name for s in ubuntu.series], [a.architecture_tag for a in ubuntu.getSeries(name_or_version='vivid').architectures])
vivid = ubuntu.getSeries(name_or_version='vivid')
overlay = team.getPPAByName(name='overlay')
print(made.copyPackage(source_name='mir', version='1.10', from_archive=overlay, to_pocket='Release', include_binaries=True))
print(made.copyPackages(source_names=['unity8'], from_archive=overlay, to_pocket='Release', include_binaries=True))
while len(made.getPublishedSources()) < 2: pass
row = made.getPublishedSources(source_name='mir')[0]
print(row.source_package_version, row.requestDeletion(removal_comment='by script'), row.status, row.removal_comment)
livefs = lp.livefses.getByName(owner=lp.people['image-team'], distro_series=vivid, name='ubuntu-touch')
build = livefs.requestBuild(archive=ubuntu.main_archive, distro_arch_series=vivid.getDistroArchSeries(archtag='armhf'), pocket='Release', metadata_override={'a': 1})
print(build.title, build.buildstate, [b.title for b in livefs.pending_builds], build.cancel(), build.buildstate)
`

// TestLaunchpadlibWrites lets launchpadlib log in, as a person allows it, and do all
// that the description of the fake speaks of.
func TestLaunchpadlibWrites(t *testing.T) {
	s := newServer(t)
	s.Do(func(w *launchpadtest.World) {
		w.AddLivefs("image-team", "vivid", "ubuntu-touch")
		w.JobDelay = time.Second
	})
	ts, cmd := launchpadlib(t, s, writingScript)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if token, ok := strings.CutPrefix(lines.Text(), "review "); ok {
			if err := s.Review(ts.URL+"/+authorize-token?oauth_token="+token, "operator", "WRITE_PRIVATE"); err != nil {
				t.Error(err)
			}
			in.Write([]byte("\n"))
			continue
		}
		got.WriteString(lines.Text() + "\n")
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, got.String(), cmd.Stderr)
	}
	want := `tool ['UNAUTHORIZED', 'READ_PUBLIC', 'WRITE_PUBLIC', 'READ_PRIVATE', 'WRITE_PRIVATE']
operator
~landing-team/ubuntu/made ['overlay', 'snapshot', 'made']
['vivid', 'xenial'] ['amd64', 'armhf', 'i386']
None
None
1.10 None Deleted by script
armhf build of ubuntu-touch livefs in ubuntu vivid Needs building ['armhf build of ubuntu-touch livefs in ubuntu vivid'] None Cancelled build
`
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
