package launchpad_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// practice is a fake Launchpad with an overlay PPA, an empty snapshot PPA and
// a live file system. Leave it out to talk to the real one.
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

// Copy a package and wait until it is published on every architecture.
func Example() {
	c, _ := practice() // or &launchpad.Client{Credentials: cred}
	ctx := context.Background()
	plan, err := c.Plan(ctx, launchpad.PlanRequest{
		From: "ppa:landing-team/overlay", To: "ppa:landing-team/snapshot", Series: "vivid", Names: []string{"unity8"},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := plan.Err(); err != nil { // something stands in the way
		log.Fatal(err)
	}
	report, err := c.Copy(ctx, plan, launchpad.CopyOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range report.Packages {
		fmt.Println(p.Name, p.Version, p.State)
	}
	// Output:
	// unity8 8.12-0ubuntu1 published
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
	for src, err := range c.Sources(ctx, ppa.SelfLink, launchpad.PublicationFilter{Status: launchpad.Published, Series: "vivid"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(src.SourceName, src.SourceVersion)
	}
	// Output:
	// mir 0.21
	// unity8 8.12-0ubuntu1
}

// The whole of a PPA, with the plan as a person sees it.
func ExampleClient_Plan() {
	c, _ := practice()
	plan, err := c.Plan(context.Background(), launchpad.PlanRequest{From: "ppa:landing-team/overlay", To: "ppa:landing-team/snapshot", Series: "vivid"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(plan.Text())
	// Output:
	// from https://api.launchpad.test/devel/~landing-team/+archive/ubuntu/overlay vivid
	// to   https://api.launchpad.test/devel/~landing-team/+archive/ubuntu/snapshot vivid
	// copy     mir 0.21 replaces 0.20, 3 binaries
	// copy     unity8 8.12-0ubuntu1, 3 binaries
}

// A copy job that fails tells nobody. The report does.
func ExampleClient_Copy() {
	c, srv := practice()
	srv.Do(func(w *launchpadtest.World) {
		w.FailCopy = map[string]string{"unity8": "source contains expired files"}
	})
	ctx := context.Background()
	plan, err := c.Plan(ctx, launchpad.PlanRequest{From: "ppa:landing-team/overlay", To: "ppa:landing-team/snapshot", Series: "vivid"})
	if err != nil {
		log.Fatal(err)
	}
	report, err := c.Copy(ctx, plan, launchpad.CopyOptions{})
	fmt.Println(report.Count(launchpad.CopyPublished), "published")
	fmt.Println(err)
	// Output:
	// 1 published
	// 1 of 2 packages are not published in https://api.launchpad.test/devel/~landing-team/+archive/ubuntu/snapshot: unity8 8.12-0ubuntu1: lost (the copy job failed or waits; the requester gets a mail, and the target's +packages page may show why)
}

func ExampleManifest_Compare() {
	before := &launchpad.Manifest{Packages: []launchpad.Package{{Name: "mir", Version: "0.20"}, {Name: "old", Version: "1"}}}
	after := &launchpad.Manifest{Packages: []launchpad.Package{{Name: "mir", Version: "0.21"}, {Name: "unity8", Version: "8.12"}}}
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
	build, adopted, err := c.RequestLivefsBuild(ctx, "~image-team/ubuntu/vivid/ubuntu-touch", launchpad.BuildRequest{
		Archive: "ppa:landing-team/snapshot", Arch: "armhf",
		Override: map[string]any{"extra_ppas": []string{"landing-team/snapshot"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(build.Title, "adopted:", adopted)
	if err := c.WaitForBuild(ctx, build, nil); err != nil {
		log.Fatal(err)
	}
	files, err := c.BuildFiles(ctx, build)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(build.State, "with", len(files), "files")
	// Output:
	// armhf build of ubuntu-touch livefs in ubuntu vivid adopted: false
	// Successfully built with 2 files
}

// Why did the image build fail? Its log says it, as far as its end.
func ExampleClient_BuildLog() {
	c, srv := practice()
	srv.Do(func(w *launchpadtest.World) { w.FailBuild = map[string]bool{"ubuntu-touch/armhf": true} })
	ctx := context.Background()
	build, _, err := c.RequestLivefsBuild(ctx, "~image-team/ubuntu/vivid/ubuntu-touch", launchpad.BuildRequest{Arch: "armhf"})
	if err != nil {
		log.Fatal(err)
	}
	err = c.WaitForBuild(ctx, build, nil)
	fmt.Println(err)
	tail, err := c.BuildLog(ctx, build, 16) // waits for it
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", tail)
	// Output:
	// armhf build of ubuntu-touch livefs in ubuntu vivid: Failed to build; log: not there yet, see BuildLog
	// E: Build killed
}

func ExampleClient_Login() {
	c, srv := practice()
	c.Consumer = "landing-tool"
	ctx := context.Background()
	cred, err := c.Login(ctx, func(page string) {
		fmt.Println("open the page and choose a level of access")
		srv.Review(page, "operator", "WRITE_PRIVATE") // what a person does
	})
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "login")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "credentials")
	fmt.Println(cred, "written:", cred.WriteFile(path) == nil)
	c.Credentials = new(launchpad.Credentials)
	fmt.Println(c.Credentials.ReadFile(path))

	_, err = c.Login(ctx, nil) // nobody is there
	fmt.Println(errors.Is(err, launchpad.ErrNoCredentials))
	// Output:
	// open the page and choose a level of access
	// credentials of "landing-tool" written: true
	// <nil>
	// true
}

func ExampleClient_CreatePPA() {
	c, _ := practice()
	ctx := context.Background()
	ppa, err := c.CreatePPA(ctx, "ppa:landing-team/snapshot-ota13", "Snapshot of OTA-13.")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ppa.Reference)
	_, err = c.CreatePPA(ctx, "ppa:landing-team/snapshot", "")
	fmt.Println(errors.Is(err, launchpad.ErrRefused), err)
	// Output:
	// ~landing-team/ubuntu/snapshot-ota13
	// true cannot create ppa:landing-team/snapshot: POST https://api.launchpad.test/devel/~landing-team: refused (400): Landing Team already has a PPA for Ubuntu named 'snapshot'.
}

// Which builds of a source are done?
func ExampleClient_SourceBuilds() {
	c, _ := practice()
	ctx := context.Background()
	ppa, err := c.Archive(ctx, "ppa:landing-team/overlay")
	if err != nil {
		log.Fatal(err)
	}
	for src, err := range c.Sources(ctx, ppa.SelfLink, launchpad.PublicationFilter{Name: "unity8"}) {
		if err != nil {
			log.Fatal(err)
		}
		for b, err := range c.SourceBuilds(ctx, src.SelfLink) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(b.Arch(), b.State)
		}
	}
	// Output:
	// amd64 Successfully built
	// armhf Successfully built
	// i386 Successfully built
}
