package operate_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// practice is a server to practise on. At work, Runner is an SSH host (see
// package runbook/remote) and the Client verifies signatures.
func practice() (*systemimagetest.Server, *operate.Server, func()) {
	dir, err := os.MkdirTemp("", "systemimage")
	if err != nil {
		log.Fatal(err)
	}
	fake, err := systemimagetest.Create(dir, systemimagetest.SampleWorld())
	if err != nil {
		log.Fatal(err)
	}
	server := &operate.Server{
		Runner: fake,
		Root:   fake.Root(),
		Client: &systemimage.Client{BaseURL: "http://si.example", Unverified: true, HTTP: &http.Client{Transport: direct{fake.Handler()}}},
	}
	return fake, server, func() { os.RemoveAll(dir) }
}

func ExampleServer_Copy() {
	_, server, remove := practice()
	defer remove()
	ctx := context.Background()

	request := operate.CopyRequest{
		From:    "ubuntu-touch/rc-proposed/bq-aquaris.en",
		Version: 3,
		To:      "ubuntu-touch/rc/bq-aquaris.en",
		Device:  "krillin",
		Tag:     "OTA-5-rc",
		// Percentage 0: nobody gets it yet.
	}
	plan, done, err := server.CheckCopy(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("would be version %d, done already: %v\n", plan.Version, done)

	got, err := server.Copy(ctx, request)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %s: version %d, tag %s, at %d %%, delta from %v\n", got.Channel, got.Device, got.Version, got.Tag, got.Percentage, got.Deltas)

	_, done, err = server.CheckCopy(ctx, request)
	fmt.Println("done already:", done, err)
	// Output:
	// would be version 2, done already: false
	// ubuntu-touch/rc/bq-aquaris.en krillin: version 2, tag OTA-5-rc, at 0 %, delta from [1]
	// done already: true <nil>
}

func ExampleServer_Phase() {
	_, server, remove := practice()
	defer remove()
	ctx := context.Background()

	rollout := operate.PhaseRequest{Channel: "ubuntu-touch/stable/meizu.en", Device: "arale", Version: 1, Percentage: 60}
	got, err := server.Phase(ctx, rollout)
	fmt.Println(got.Before, "->", got.Percentage, err)

	// Stop it: nobody else updates to this version.
	rollout.Percentage = 0
	got, err = server.Phase(ctx, rollout)
	fmt.Println(got.Before, "->", got.Percentage, err)

	rollout.Version = 7
	_, err = server.Phase(ctx, rollout)
	fmt.Println(errors.Is(err, systemimage.ErrRefused), err)
	// Output:
	// 30 -> 60 <nil>
	// 60 -> 0 <nil>
	// true cannot set phased percentage: ubuntu-touch/stable/meizu.en arale: Version doesn't exist: 7
}

func ExampleServer_Tag() {
	_, server, remove := practice()
	defer remove()

	got, err := server.Tag(context.Background(), operate.TagRequest{
		Channel: "ubuntu-touch/stable/meizu.en", Device: "arale", Version: 1, Tag: "OTA-4",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("version %d has the tag %s, at %d %%\n", got.Version, got.Tag, got.Percentage)
	// Output:
	// version 2 has the tag OTA-4, at 30 %
}

func ExampleServer_Import() {
	fake, server, remove := practice()
	defer remove()
	err := fake.AddBuild(systemimagetest.Build{
		URL:     "http://jenkins.example.net/krillin/device_krillin.tar.xz",
		Monitor: "http://jenkins.example.net/krillin/device_krillin.build",
		Version: "20150619-6c0ffee",
	})
	if err != nil {
		log.Fatal(err)
	}

	run, err := server.Import(context.Background(), operate.ImportRequest{})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range run.Published() {
		fmt.Printf("%s %s: version %d with %d files\n", e.Channel, e.Device, e.Version, e.Files)
	}
	// Output:
	// ubuntu-touch/rc-proposed/bq-aquaris.en krillin: version 4 with 5 files
}

func ExampleImporter_Pause() {
	fake, _, remove := practice()
	defer remove()
	ctx := context.Background()

	mine := &operate.Importer{Runner: fake, Owner: operate.Owner{Run: "copy-rc-7", Operator: "operator"}}
	yours := &operate.Importer{Runner: fake, Owner: operate.Owner{Run: "copy-stable-3", Operator: "colleague"}}
	for _, i := range []*operate.Importer{mine, yours} {
		if err := i.Pause(ctx); err != nil {
			log.Fatal(err)
		}
	}
	status, err := mine.Status(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range status.By {
		fmt.Printf("%s by %s (%s)\n", status.State, m.Run, m.Operator)
	}
	// Output:
	// paused by copy-rc-7 (operator)
	// paused by copy-stable-3 (colleague)
}

func ExampleImporter_Resume() {
	fake, _, remove := practice()
	defer remove()
	ctx := context.Background()

	mine := &operate.Importer{Runner: fake, Owner: operate.Owner{Run: "copy-rc-7", Operator: "operator"}}
	yours := &operate.Importer{Runner: fake, Owner: operate.Owner{Run: "copy-stable-3", Operator: "colleague"}}
	for _, i := range []*operate.Importer{mine, yours} {
		if err := i.Pause(ctx); err != nil {
			log.Fatal(err)
		}
	}
	// The last one out turns it on again.
	for _, i := range []*operate.Importer{mine, yours} {
		if err := i.Resume(ctx); err != nil {
			log.Fatal(err)
		}
		status, err := i.Status(ctx)
		fmt.Println(status.State, err)
	}
	// Output:
	// paused <nil>
	// on <nil>
}

// A commit that was killed left an index without a signature.
// What killed programs left behind is found before anything is run.
func ExampleServer_Preflight() {
	fake, server, remove := practice()
	defer remove()
	err := fake.Break(systemimagetest.NoSignature, "ubuntu-touch/stable/meizu.en/arale/index.json")
	if err != nil {
		log.Fatal(err)
	}
	findings, err := server.Preflight(context.Background(), "ubuntu-touch/stable/meizu.en", "arale")
	for _, f := range findings {
		fmt.Println(f.Class, f.Blocks, f.Problem)
	}
	fmt.Println(err)
	// Output:
	// missing-signature true is missing: devices refuse the index
	// <nil>
}

func ExampleServer_Mend() {
	fake, server, remove := practice()
	defer remove()
	err := fake.Break(systemimagetest.NoSignature, "ubuntu-touch/stable/meizu.en/arale/index.json")
	if err != nil {
		log.Fatal(err)
	}
	done, err := server.Mend(context.Background(), "ubuntu-touch/stable/meizu.en", "arale")
	fmt.Println(done, err)
	// Output:
	// [signed the index again with re-sign-indexes] <nil>
}
