package systemimage_test

import (
	"context"
	"fmt"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
)

func ExampleParseIndex() {
	index, err := systemimage.ParseIndex([]byte(`{
	    "global": {"generated_at": "Sun Nov 22 09:51:13 UTC 2026"},
	    "images": [
	        {"type": "full", "version": 12, "version_detail": "ubuntu=20150611,tag=OTA-4,version=12", "files": []},
	        {"type": "full", "version": 13, "phased-percentage": 20, "files": []},
	        {"type": "delta", "base": 12, "version": 13, "phased-percentage": 20, "files": []}
	    ]
	}`))
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range index.Images {
		fmt.Printf("%v at %d %%\n", m, m.Percentage)
	}
	released, _ := index.Full(12)
	fmt.Println(released.Detail().Tag())
	// Output:
	// full 12 at 100 %
	// full 13 at 20 %
	// delta 12->13 at 20 %
	// OTA-4
}

// The recorded tree in testdata stands for an image server.
func exampleServer() *httptest.Server {
	return httptest.NewServer(http.FileServer(http.Dir("testdata/tree")))
}

// The newest image of each device of a channel.
func Example() {
	server := exampleServer()
	defer server.Close()
	const channel = "ubuntu-touch/rc/bq-aquaris.en"

	ctx := context.Background()
	client := &systemimage.Client{BaseURL: server.URL, Unverified: true}
	list, err := client.Channels(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, device := range slices.Sorted(maps.Keys(list.Channels[channel].Devices)) {
		index, err := client.IndexOf(ctx, list, channel, device)
		if err != nil {
			log.Fatal(err)
		}
		newest, ok := index.Latest()
		fmt.Println(device, newest, newest.Detail().Tag(), ok)
	}
	// Output:
	// krillin full 1 OTA-4-rc true
	// vegetahd full 1 OTA-4-rc true
}

func ExampleClient_Channels() {
	server := exampleServer()
	defer server.Close()

	client := &systemimage.Client{BaseURL: server.URL, Unverified: true}
	list, err := client.Channels(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	c := list.Channels["ubuntu-touch/rc-proposed/bq-aquaris.en"]
	fmt.Println(len(list.Names()) > 0, c.Alias == "", c.Devices["krillin"].Index)
	// Output:
	// true true /ubuntu-touch/rc-proposed/bq-aquaris.en/krillin/index.json
}

func ExampleClient_Latest() {
	server := exampleServer()
	defer server.Close()

	client := &systemimage.Client{BaseURL: server.URL, Unverified: true}
	m, err := client.Latest(context.Background(), "ubuntu-touch/rc-proposed/bq-aquaris.en", "krillin")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m, m.VersionDetail)
	// Output:
	// full 3 ubuntu=20150611,device=20150611-4c0ffee,custom=20150612-102-29-15-vivid,keyring=archive-master,version=3
}

func ExampleClient_Full() {
	server := exampleServer()
	defer server.Close()

	client := &systemimage.Client{BaseURL: server.URL, Unverified: true}
	m, err := client.Full(context.Background(), "ubuntu-touch/stable/meizu.en", "arale", 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v, %s, for %d %% of the devices\n", m, m.Detail().Tag(), m.Percentage)
	for _, f := range m.Files {
		fmt.Printf("%d  %5d bytes  %.24s\n", f.Order, f.Size, f.Path)
	}
	// Output:
	// full 1, OTA-4-rc, for 30 % of the devices
	// 0   1300 bytes  /pool/ubuntu-28569bbec34
	// 1   1572 bytes  /pool/device-7f233912774
	// 2    968 bytes  /pool/custom-686d20e1eae
	// 3   2352 bytes  /pool/keyring-a765c8fad3
	// 4    484 bytes  /ubuntu-touch/stable/mei
}

// Which channels carry a release, and how far is it phased in?
func ExampleClient_Find() {
	server := exampleServer()
	defer server.Close()

	client := &systemimage.Client{BaseURL: server.URL, Unverified: true}
	selector := systemimage.Selector{Tag: "OTA-4-rc", Type: systemimage.Full, Device: "arale"}
	var lines []string
	for found, err := range client.Find(context.Background(), 4, selector) {
		if err != nil {
			log.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s: %v at %d %%", found.Index.Channel, found.Image, found.Percentage))
	}
	slices.Sort(lines) // they come as they are read
	fmt.Println(strings.Join(lines, "\n"))
	// Output:
	// ubuntu-touch/rc/meizu.en: full 1 at 100 %
	// ubuntu-touch/stable/meizu.en: full 1 at 30 %
}

func ExampleClient_Download() {
	server := exampleServer()
	defer server.Close()
	root, err := os.ReadFile("testdata/tree/gpg/archive-master.tar.xz") // shipped with the program, never fetched
	if err != nil {
		log.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)

	ctx := context.Background()
	client := &systemimage.Client{BaseURL: server.URL, Trust: &keyring.Trust{Root: root}}
	published, err := client.Index(ctx, "ubuntu-touch/stable/meizu.en", "arale")
	if err != nil {
		log.Fatal(err)
	}
	image, _ := published.Latest()
	path, err := client.Download(ctx, published, image.Files[4], folder, func(done, total int64) {
		fmt.Printf("%d of %d bytes\n", done, total)
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(filepath.Base(path))
	// Output:
	// 484 of 484 bytes
	// version-1.tar.xz
}

// What every device gets, in one sweep over the server.
func ExampleClient_Survey() {
	server := exampleServer()
	defer server.Close()

	client := &systemimage.Client{BaseURL: server.URL, Unverified: true}
	var lines []string
	for published, err := range client.Survey(context.Background(), 4) {
		if err != nil {
			log.Fatal(err)
		}
		if m, ok := published.Latest(); ok && published.Device == "krillin" {
			lines = append(lines, fmt.Sprintf("%s: %v", published.Channel, m))
		}
	}
	slices.Sort(lines) // they come as they are read
	fmt.Println(strings.Join(lines, "\n"))
	// Output:
	// ubuntu-touch/rc-proposed/bq-aquaris.en: full 3
	// ubuntu-touch/rc/bq-aquaris.en: full 1
	// ubuntu-touch/stable/bq-aquaris.en: full 1
	// ubuntu-touch/ubuntu-15.04/bq-aquaris.en: full 1
	// ubuntu-touch/ubuntu-rtm/14.09-proposed: full 3
}
