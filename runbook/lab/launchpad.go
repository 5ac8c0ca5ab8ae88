package lab

import (
	"os"
	"path/filepath"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// The archives of a new lab's Launchpad.
const (
	OverlayPPA  = "ppa:landing-team/overlay"  // what images are built with
	SnapshotPPA = "ppa:landing-team/snapshot" // not made yet
	SecurityPPA = "ppa:landing-team/security" // holds a fix for one package of the overlay

	EmbargoedPPA = "ppa:landing-team/embargoed" // the same, and private
)

// Launchpad is a client of the lab's Launchpad. Its clock is the fake's: waiting
// takes no time. What happens there is kept in the folder of a lab made by [Open].
func (l *Lab) Launchpad() (*launchpad.Client, error) {
	srv, err := l.LaunchpadServer()
	if err != nil {
		return nil, err
	}
	return srv.Client(), nil
}

// LaunchpadServer is the fake itself, with its knobs. It is made, or read from the
// folder, when it is first asked for.
func (l *Lab) LaunchpadServer() (*launchpadtest.Server, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lp != nil {
		return l.lp, nil
	}
	if l.SSH == nil {
		// Nobody opens the folder again.
		l.lp = launchpadtest.NewServer(launchpadWorld())
		l.lp.Tick = time.Second
		return l.lp, nil
	}
	dir := filepath.Join(l.Images.Root(), "state", "launchpad")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	srv, err := launchpadtest.Open(filepath.Join(dir, "world.json"), launchpadWorld)
	if err != nil {
		return nil, err
	}
	srv.Tick = time.Second
	l.lp = srv
	l.closes = append(l.closes, srv.Err)
	return srv, nil
}

// cloneLaunchpad gives another lab a copy of this one's Launchpad, if there is one.
func (l *Lab) cloneLaunchpad(to *Lab) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lp == nil {
		return nil
	}
	var text []byte
	l.lp.Do(func(w *launchpadtest.World) { text, err = w.Text() })
	if err != nil {
		return err
	}
	w, err := launchpadtest.ParseWorld(text)
	if err != nil {
		return err
	}
	to.lp = launchpadtest.NewServer(w)
	to.lp.Tick = l.lp.Tick
	return nil
}

func launchpadWorld() *launchpadtest.World {
	w := launchpadtest.NewWorld()
	const overlay, security = "~landing-team/ubuntu/overlay", "~landing-team/ubuntu/security"
	const embargoed = "~landing-team/ubuntu/embargoed"
	w.AddPPA("landing-team", "embargoed").Private = true
	w.AddPPA("landing-team", "overlay")
	w.AddPPA("landing-team", "security")
	w.Publish(overlay, "vivid",
		launchpadtest.Package{Name: "unity8", Version: "8.12+15.04.20160824.1-0ubuntu1"},
		launchpadtest.Package{Name: "ubuntu-system-settings", Version: "0.4+15.04.20160811-0ubuntu1"},
		launchpadtest.Package{Name: "ubuntu-touch-meta", Version: "1.250ubuntu1", Binaries: []launchpadtest.BinaryPackage{
			{Name: "ubuntu-touch"}, {Name: "ubuntu-touch-data", All: true}}},
	)
	for _, archive := range []string{security, embargoed} {
		w.Publish(archive, "vivid", launchpadtest.Package{Name: "unity8", Version: "8.12+15.04.20160824.1-0ubuntu1.1"})
	}
	return w
}
