package systemimagetest_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// create is what [systemimagetest.New] does for a test.
func create(w systemimagetest.World) (s *systemimagetest.Server, remove func()) {
	dir, err := os.MkdirTemp("", "images")
	if err != nil {
		log.Fatal(err)
	}
	s, err = systemimagetest.Create(dir, w)
	if err != nil {
		log.Fatal(err)
	}
	return s, func() { os.RemoveAll(dir) }
}

func Example() {
	images, remove := create(systemimagetest.SampleWorld())
	defer remove()

	web := httptest.NewServer(images.Handler())
	defer web.Close()

	out, err := images.Run(context.Background(), command.Command{Argv: []string{
		images.Root() + "/bin/copy-image", "-r", "3", "-p", "0", "-t", "OTA-13", "-vvv",
		"ubuntu-touch/rc-proposed/bq-aquaris.en", "ubuntu-touch/rc/bq-aquaris.en", "krillin",
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("exit", out.Exit)
	for line := range strings.Lines(string(out.Stdout)) {
		if _, record, ok := strings.Cut(line, " INFO Publishing new image "); ok {
			fmt.Print(record)
		}
	}

	r, err := web.Client().Get(web.URL + "/ubuntu-touch/rc/bq-aquaris.en/krillin/index.json")
	if err != nil {
		log.Fatal(err)
	}
	defer r.Body.Close()
	index, err := io.ReadAll(r.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.Count(string(index), `"phased-percentage": 0`), "images at 0 %")
	// Output:
	// exit 0
	// '2' (ubuntu=20150611,device=20150611-4c0ffee,custom=20150612-102-29-15-vivid,keyring=archive-master,tag=OTA-13,version=2) with 5 files.
	// 2 images at 0 %
}

func ExampleParseWorld() {
	w, err := systemimagetest.ParseWorld(`
-- channels --
stable
    phone
        1: ubuntu=20150610,keyring=archive-master,tag=OTA-4
        2 from 1 at 30%: ubuntu=20150611,keyring=archive-master,tag=OTA-5
newest alias stable
`)
	if err != nil {
		log.Fatal(err)
	}
	images, remove := create(w)
	defer remove()
	snapshot, err := images.Snapshot()
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(snapshot) {
		if strings.HasPrefix(line, "-- ") || strings.HasPrefix(line, "full") || strings.HasPrefix(line, "delta") {
			fmt.Print(line)
		}
	}
	// Output:
	// -- channels --
	// -- newest/phone --
	// full 1: ubuntu=20150610,keyring=archive-master,tag=OTA-4,version=1
	// full 2 at 30%: ubuntu=20150611,keyring=archive-master,tag=OTA-5,version=2
	// delta 2 from 1 at 30%: ubuntu=20150611,keyring=archive-master,tag=OTA-5,version=2
	// -- stable/phone --
	// full 1: ubuntu=20150610,keyring=archive-master,tag=OTA-4,version=1
	// full 2 at 30%: ubuntu=20150611,keyring=archive-master,tag=OTA-5,version=2
	// delta 2 from 1 at 30%: ubuntu=20150611,keyring=archive-master,tag=OTA-5,version=2
	// -- problems --
	// -- config --
	// -- crontab --
}

func ExampleServer_AddBuild() {
	images, remove := create(systemimagetest.SampleWorld())
	defer remove()
	err := images.AddBuild(systemimagetest.Build{
		URL:     "http://jenkins.example.net/krillin/device_krillin.tar.xz",
		Monitor: "http://jenkins.example.net/krillin/device_krillin.build",
		Version: "20150619-6c0ffee",
	})
	if err != nil {
		log.Fatal(err)
	}
	out, err := images.Run(context.Background(), command.Command{Argv: []string{"bin/import-images", "-vv"}})
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(string(out.Stdout)) {
		if _, record, ok := strings.Cut(line, " INFO Publishing new image "); ok {
			fmt.Print(record)
		}
	}
	// Output:
	// '4' (ubuntu=20150611,device=20150619-6c0ffee,custom=20150612-102-29-15-vivid,keyring=archive-master,version=4) with 5 files.
}

func ExampleServer_SetFaults() {
	images, remove := create(systemimagetest.SampleWorld())
	defer remove()
	// The copy is killed when its full image is published at 100 %, before its delta.
	if err := images.SetFaults(systemimagetest.Faults{Kill: systemimagetest.Signed, KillCommit: 2}); err != nil {
		log.Fatal(err)
	}
	out, err := images.Run(context.Background(), command.Command{Argv: []string{
		"bin/copy-image", "-p", "0", "ubuntu-touch/rc-proposed/bq-aquaris.en", "ubuntu-touch/rc/bq-aquaris.en", "krillin",
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("exit", out.Exit)
	snapshot, err := images.Snapshot()
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(snapshot) {
		if strings.HasPrefix(line, "leftover") {
			fmt.Print(line)
		}
	}
	// Output:
	// exit 137
	// leftover ubuntu-touch/rc/bq-aquaris.en/krillin/index.json.new
	// leftover ubuntu-touch/rc/bq-aquaris.en/krillin/index.json.new.asc
}

func ExampleServer_FailHTTP() {
	images, remove := create(systemimagetest.SampleWorld())
	defer remove()
	images.FailHTTP(systemimagetest.HTTPFault{Path: "/channels.json", Times: 1, Status: 503})
	for range 2 {
		w := httptest.NewRecorder()
		images.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/channels.json", nil))
		fmt.Println(w.Code)
	}
	// Output:
	// 503
	// 200
}
