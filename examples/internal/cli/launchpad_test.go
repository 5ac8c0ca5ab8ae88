package cli

import (
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// All that asks Launchpad asks the one that the site file names: archives, and the
// logs of live file systems, whose addresses stand in other programs' logs as those of
// launchpad.net.
func TestLaunchpadRoot(t *testing.T) {
	t.Parallel()
	srv := launchpadtest.New(t, nil)
	page := ""
	srv.Do(func(w *launchpadtest.World) {
		w.AddPPA("landing-team", "overlay")
		w.AddLivefs("image-team", "vivid", "ubuntu-touch")
		w.LivefsBuilds = append(w.LivefsBuilds, &launchpadtest.LivefsBuild{ID: 7, Livefs: "~image-team/+livefs/ubuntu/vivid/ubuntu-touch", Archive: "ubuntu", Series: "vivid",
			Arch: "armhf", Requester: "operator", State: launchpad.FailedToBuild, Created: w.Now, Started: w.Now, Ended: w.Now})
		w.LogDelay = time.Nanosecond
		page = "https://launchpad.net/~image-team/+livefs/ubuntu/vivid/ubuntu-touch/+build/7"
	})
	ts := httptest.NewServer(srv)
	t.Cleanup(ts.Close)
	site := filepath.Join(t.TempDir(), "site.conf")
	if err := os.WriteFile(site, fmt.Appendf(nil, "[cdimage]\nlogs = %s/logs\n[launchpad]\nroot = %s/devel/\n", ts.URL, ts.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := Program{Name: "failedbuild", Needs: []string{"cdimage"}}.world(options{site: site}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	c, err := w.Launchpad()
	if err != nil {
		t.Fatal(err)
	}
	if a, err := c.Archive(t.Context(), "ppa:landing-team/overlay"); err != nil || !strings.HasPrefix(string(a.SelfLink), ts.URL) {
		t.Errorf("the archive: %+v, %v", a, err)
	}
	log, err := w.LivefsLogs.LivefsLog(t.Context(), page)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if text, err := io.ReadAll(log); err != nil || !strings.Contains(string(text), "E: Build killed") {
		t.Errorf("the log of the live file system: %q, %v", text, err)
	}
}
