package launchpad_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// practice is a fake Launchpad with an overlay PPA, an empty snapshot PPA and
// a livefs. Leave it out to talk to the real one.
func practice() (*launchpad.Client, *launchpadtest.Server) {
	w := launchpadtest.NewWorld()
	w.AddPPA("landing-team", "overlay")
	w.AddPPA("landing-team", "snapshot")
	w.AddLivefs("image-team", "vivid", "ubuntu-touch")
	w.Publish("~landing-team/ubuntu/overlay", "vivid",
		launchpadtest.Package{Name: "unity8", Version: "8.12-0ubuntu1"},
		launchpadtest.Package{Name: "mir", Version: "0.21"})
	w.Publish("~landing-team/ubuntu/snapshot", "vivid", launchpadtest.Package{Name: "mir", Version: "0.20"})
	s := launchpadtest.NewServer(w)
	s.Tick = time.Second
	return s.Client(), s
}

func ExampleClient_Archive() {
	c, _ := practice()
	ctx := context.Background()
	ppa, err := c.Archive(ctx, "ppa:landing-team/overlay")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ppa.Reference, "is published:", ppa.Publish)
	_, err = c.Archive(ctx, "ppa:landing-team/overlai")
	fmt.Println(errors.Is(err, launchpad.ErrNotFound))
	// Output:
	// ~landing-team/ubuntu/overlay is published: true
	// true
}

func ExampleClient_Sources() {
	c, _ := practice()
	ctx := context.Background()
	ppa, err := c.Archive(ctx, "ppa:landing-team/overlay")
	if err != nil {
		log.Fatal(err)
	}
	for src, err := range c.Sources(ctx, ppa.SelfLink, launchpad.SourceFilter{Status: launchpad.Published, Series: "vivid"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(src.SourceName, src.SourceVersion)
	}
	// Output:
	// mir 0.21
	// unity8 8.12-0ubuntu1
}

func ExampleClient_Copy() {
	c, _ := practice()
	ctx := context.Background()
	plan, err := c.Plan(ctx, launchpad.PlanRequest{From: "ppa:landing-team/overlay", To: "ppa:landing-team/snapshot", Series: "vivid"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(plan.Text())
	report, err := c.Copy(ctx, plan, launchpad.CopyOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range report.Results {
		fmt.Println(p.Name, p.Version, p.Outcome)
	}
	// Output:
	// from https://api.launchpad.test/devel/~landing-team/+archive/ubuntu/overlay vivid
	// to   https://api.launchpad.test/devel/~landing-team/+archive/ubuntu/snapshot vivid
	// copy     mir 0.21 replaces 0.20, 3 binaries
	// copy     unity8 8.12-0ubuntu1, 3 binaries
	// mir 0.21 published
	// unity8 8.12-0ubuntu1 published
}

// A copy job that fails tells nobody. The report does.
func ExampleReport_Err() {
	c, srv := practice()
	srv.Do(func(w *launchpadtest.World) {
		w.FailCopy = map[string]string{"unity8": "source contains expired files"}
	})
	_, _, err := c.Snapshot(context.Background(), launchpad.PlanRequest{From: "ppa:landing-team/overlay", To: "ppa:landing-team/snapshot", Series: "vivid"}, launchpad.CopyOptions{})
	fmt.Println(err)
	// Output:
	// 1 of 2 packages are not published in https://api.launchpad.test/devel/~landing-team/+archive/ubuntu/snapshot: unity8 8.12-0ubuntu1: lost (the copy job failed or waits; the requester gets a mail, and the target's +packages page may show why)
}

func ExampleManifest_Compare() {
	before := &launchpad.Manifest{Packages: []launchpad.PackageState{{Name: "mir", Version: "0.20"}, {Name: "old", Version: "1"}}}
	after := &launchpad.Manifest{Packages: []launchpad.PackageState{{Name: "mir", Version: "0.21"}, {Name: "unity8", Version: "8.12"}}}
	for _, change := range before.Compare(after) {
		fmt.Println(change)
	}
	// Output:
	// changed mir 0.20 to 0.21
	// gone    old 1
	// new     unity8 8.12
}

func ExampleClient_RequestLivefsBuild() {
	c, _ := practice()
	ctx := context.Background()
	l, err := c.Livefs(ctx, "~image-team/ubuntu/vivid/ubuntu-touch")
	if err != nil {
		log.Fatal(err)
	}
	build, adopted, err := c.RequestLivefsBuild(ctx, l, launchpad.LivefsRequest{
		Archive: "ppa:landing-team/snapshot", Arch: "armhf",
		Override: map[string]any{"extra_ppas": []string{"landing-team/snapshot"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(build.Title, "adopted:", adopted)
	if err := c.WaitForBuild(ctx, build, launchpad.WaitOptions{}); err != nil {
		log.Fatal(err)
	}
	files, err := c.LivefsFiles(ctx, build.SelfLink)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(build.State, "with", len(files), "files")
	// Output:
	// armhf build of ubuntu-touch livefs in ubuntu vivid adopted: false
	// Successfully built with 2 files
}

func ExampleClient_Login() {
	c, srv := practice()
	cred, err := c.Login(context.Background(), launchpad.LoginRequest{
		ConsumerKey: "landing-tool",
		Show: func(page string) {
			fmt.Println("open the page and choose a level of access")
			srv.Review(page, "operator", "WRITE_PRIVATE") // what a person does
		},
	})
	fmt.Println(cred, err)
	_, err = c.Login(context.Background(), launchpad.LoginRequest{ConsumerKey: "landing-tool"})
	fmt.Println(errors.Is(err, launchpad.ErrUnattended))
	// Output:
	// open the page and choose a level of access
	// credentials of "landing-tool" <nil>
	// true
}

func ExampleCompareVersions() {
	fmt.Println(launchpad.CompareVersions("1.10", "1.9"), launchpad.CompareVersions("1.0~rc1", "1.0"))
	// Output: 1 -1
}

func ExampleClient_CreatePPA() {
	c, _ := practice()
	ppa, err := c.CreatePPA(context.Background(), launchpad.NewPPA{Owner: "landing-team", Name: "snapshot-ota13", DisplayName: "OTA-13"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ppa.Reference)
	_, err = c.CreatePPA(context.Background(), launchpad.NewPPA{Owner: "landing-team", Name: "snapshot"})
	fmt.Println(errors.Is(err, launchpad.ErrRefused), err)
	// Output:
	// ~landing-team/ubuntu/snapshot-ota13
	// true cannot create ~landing-team/ubuntu/snapshot: POST https://api.launchpad.test/devel/~landing-team: refused (400): Landing Team already has a PPA for Ubuntu named 'snapshot'.
}

// Which builds of an archive are done?
func ExampleClient_Builds() {
	c, _ := practice()
	ctx := context.Background()
	ppa, err := c.Archive(ctx, "ppa:landing-team/overlay")
	if err != nil {
		log.Fatal(err)
	}
	for b, err := range c.Builds(ctx, ppa.SelfLink, launchpad.BuildFilter{SourceName: "unity8"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(b.Arch, b.State)
	}
	// Output:
	// amd64 Successfully built
	// armhf Successfully built
	// i386 Successfully built
}
