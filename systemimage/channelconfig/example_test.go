package channelconfig_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/channelconfig"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

const exampleConfig = `[global]
base_path = /srv/system-image.ubuntu.com
channels = ubuntu-touch/rc-proposed/ubuntu

# Straight from the daily builds
[channel_ubuntu-touch/rc-proposed/ubuntu]
type = auto
fullcount = 3
files = ubuntu, device,mako, device, keyring, version
file_ubuntu = cdimage-ubuntu;/srv/cdimage.ubuntu.com/daily;vivid;import=good
file_device,mako = http;http://jenkins.example.net/mako.tar.xz;name=device,monitor=http://jenkins.example.net/mako.build
file_device = http;http://jenkins.example.net/generic.tar.xz;name=device
file_keyring = keyring;archive-master
file_version = version
`

func ExampleParse() {
	config, err := channelconfig.Parse([]byte(exampleConfig))
	if err != nil {
		log.Fatal(err)
	}
	settings, err := config.Settings("")
	if err != nil {
		log.Fatal(err)
	}
	for _, channel := range settings.Channels {
		fmt.Println(channel.Name, "auto:", channel.Auto())
		for _, f := range channel.FilesFor("mako") {
			fmt.Println(" ", f.Entry, "from", f.Generator)
		}
	}
	// One bad line, and the server has no configuration at all.
	_, err = channelconfig.Parse([]byte(exampleConfig + "type manual\n"))
	var failure *channelconfig.Failure
	fmt.Println(errors.As(err, &failure), failure.Line, failure.Empty)
	// Output:
	// ubuntu-touch/rc-proposed/ubuntu auto: true
	//   ubuntu from cdimage-ubuntu
	//   device,mako from http
	//   keyring from keyring
	//   version from version
	// true 15 true
}

func ExampleConfig_Edit() {
	config, err := channelconfig.Parse([]byte(exampleConfig))
	if err != nil {
		log.Fatal(err)
	}
	section := channelconfig.Section("ubuntu-touch/rc-proposed/ubuntu")
	edited, err := config.Edit(
		channelconfig.Set(section, "fullcount", "10"),
		channelconfig.RemoveFile(section, "device"),
	)
	if err != nil {
		log.Fatal(err)
	}
	files, _ := edited.Get(section, "files")
	fmt.Println(files)

	// The server takes a comma without a blank for a part of the name.
	_, err = config.Edit(channelconfig.Set(section, "files", "ubuntu,version"))
	fmt.Println(errors.Is(err, systemimage.ErrRefused))
	// Output:
	// ubuntu, device,mako, keyring, version
	// true
}

func ExampleLinter() {
	config, err := channelconfig.Parse([]byte(`[global]
base_path = /srv/system-image.ubuntu.com
public_fqdn = system-image.example.net
public_http_port = 80
public_https_port = 443
channels = daily

[channel_daily]
type = atuo
fullcount = 3
files = ubuntu, keyring, version
file_ubuntu = cdimage-ubuntu;/srv/cdimage.ubuntu.com/daily;vivid,import=good
file_keyring = keyring;archive-master
file_version = version
`))
	if err != nil {
		log.Fatal(err)
	}
	var linter channelconfig.Linter // looks at the text alone
	findings, err := linter.Lint(context.Background(), config)
	if err != nil {
		log.Fatal(err)
	}
	mended := config
	for _, f := range findings {
		fmt.Printf("line %d: %s: %s\n", f.Line, f.Severity, f.Problem)
		if mended, err = mended.Edit(f.Fix...); err != nil {
			log.Fatal(err)
		}
	}
	for _, change := range config.Changes(mended) {
		fmt.Println(change)
	}
	// Output:
	// line 9: error: type is "atuo": is "auto" meant?
	// line 12: error: the series is "vivid,import=good"
	// channel daily: type is auto, was atuo
	// channel daily: file_ubuntu is cdimage-ubuntu;/srv/cdimage.ubuntu.com/daily;vivid;import=good, was cdimage-ubuntu;/srv/cdimage.ubuntu.com/daily;vivid,import=good
}

// Write an edited text where the file still is what was read.
func ExampleHostFile_Replace() {
	dir, err := os.MkdirTemp("", "channelconfig")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	fake, err := systemimagetest.Create(dir, systemimagetest.SampleWorld())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	file := &channelconfig.HostFile{Runner: fake, Path: fake.Root() + "/etc/config"}
	old, err := file.Read(ctx)
	if err != nil {
		log.Fatal(err)
	}
	section := channelconfig.Section("ubuntu-touch/rc-proposed/meizu.en")
	next, err := old.Edit(channelconfig.Set(section, "fullcount", "5"))
	if err != nil {
		log.Fatal(err)
	}
	for _, change := range old.Changes(next) {
		fmt.Println(change)
	}
	backup, err := file.Replace(ctx, old, next)
	fmt.Println("the old text is beside it:", backup != "", err)
	// Output:
	// channel ubuntu-touch/rc-proposed/meizu.en: fullcount is 5, was 3
	// the old text is beside it: true <nil>
}
