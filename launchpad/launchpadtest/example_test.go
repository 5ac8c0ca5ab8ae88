package launchpadtest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// A PPA with one package, and a Launchpad that is out for a moment. The clock is
// the fake's own: nobody waits.
func ExampleNewServer() {
	w := launchpadtest.NewWorld()
	w.AddPPA("landing-team", "overlay")
	w.Publish("~landing-team/ubuntu/overlay", "vivid", launchpadtest.Package{Name: "unity8", Version: "8.12-0ubuntu1"})
	srv := launchpadtest.NewServer(w)
	c := srv.Client()
	ctx := context.Background()

	srv.Faults = []*launchpadtest.Fault{{Like: launchpadtest.Unavailable, Times: 2}}
	ppa, err := c.Archive(ctx, "ppa:landing-team/overlay") // tries again
	fmt.Println(ppa.Reference, err)

	_, err = c.Archive(ctx, "ppa:landing-team/overlai")
	fmt.Println(errors.Is(err, launchpad.ErrNotFound))
	// Output:
	// ~landing-team/ubuntu/overlay <nil>
	// true
}
