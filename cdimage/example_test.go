package cdimage_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/cause"
	"github.com/landingteam/landing/cdimage/cdimagetest"
)

func ExampleParseBuildLog() {
	f, err := os.Open("testdata/cd-build-logs/ubuntu-touch-custom/vivid/daily-preinstalled-20160913.log")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	log, err := cdimage.ParseBuildLog(f)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("finished:", log.Finished, "published:", log.Publish)
	for _, a := range log.Arches {
		fmt.Println(a.Label, a.State, a.End.Sub(a.Start), a.Published)
	}
	for _, c := range log.Causes {
		fmt.Printf("%s: %s, line %d: %s\n", c.Scope, c.Class, c.Number, c.Line)
	}
	// Output:
	// finished: true published: partial
	// ubuntu-touch-custom-armhf Successfully built 55m2s true
	// ubuntu-touch-custom-i386 Successfully built 31m42s false
	// ubuntu-touch-custom-i386: network, line 14: 2016-09-13 03:13:59 ERROR 404: Not Found.
}

func ExampleParseLivefsLog() {
	f, err := os.Open("testdata/livefs/vivid-armhf-postinst.txt.gz") // told by its first bytes
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	log, err := cdimage.ParseLivefsLog(f)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(log.Failing)
	for _, c := range log.Causes {
		fmt.Printf("%s %s, line %d: %s\n", c.Class, c.Package, c.Number, c.Line)
	}
	fmt.Println(log.Remedy().Text)
	// Output:
	// buildlivefs: lb_chroot_install-packages install
	// package urfkill, line 264: dpkg: error processing package urfkill (--configure):
	// fix the package urfkill, then full rebuild
}

// A cause of one's own, with its remedy, is one entry in the table of rules.
func ExampleCompile() {
	rules, err := cdimage.Compile(append(new(cdimage.Rules).Livefs(), cause.Rule{
		Class:   "snap-store",
		Pattern: `^error: cannot reach the snap store at \S+`,
		Remedy:  cause.Remedy{Text: "wait for the snap store, then {again}", Actions: []cause.Action{cause.Wait}},
	}), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	log, err := rules.ParseLivefsLog(strings.NewReader(`RUN: /usr/share/launchpad-buildd/slavebin/buildlivefs ['buildlivefs']
[2016-09-06 02:13:54] lb_chroot_hooks 
error: cannot reach the snap store at api.snapcraft.example
P: Begin unmounting filesystems...
Traceback (most recent call last):
CalledProcessError: Command 'lb build' returned non-zero exit status 1
RUN: /usr/share/launchpad-buildd/slavebin/scan-for-processes ['scan-for-processes']
RUN: /usr/share/launchpad-buildd/slavebin/remove-build ['remove-build']
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(log.Causes[0].Class, "in line", log.Causes[0].Number)
	fmt.Println(log.Remedy().Text)
	// Output:
	// snap-store in line 3
	// wait for the snap store, then full rebuild
}

func ExampleDiagnose() {
	read := func(name string) *bytes.Reader {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			fmt.Println(err)
		}
		return bytes.NewReader(b)
	}
	log, err := cdimage.ParseBuildLog(read("cd-build-logs/ubuntu-touch-custom/vivid/daily-preinstalled-20160906.1.log"))
	if err != nil {
		fmt.Println(err)
		return
	}
	i386, err := cdimage.ParseLivefsLog(read("livefs/vivid-i386-unmet.txt.gz"))
	if err != nil {
		fmt.Println(err)
		return
	}
	build, err := cdimage.ParseBuild("ubuntu-touch-custom/vivid/daily-preinstalled-20160906.1.log")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(cdimage.Diagnose(cdimage.Evidence{
		Build:  build,
		Log:    log,
		Livefs: map[string]*cdimage.LivefsLog{"ubuntu-touch-custom-i386": i386},
		Now:    time.Date(2016, 9, 6, 12, 0, 0, 0, time.UTC), // by the host's clock
	}))
	// Output:
	// ubuntu-touch-custom/vivid/daily-preinstalled-20160906.1: published, but not for all architectures
	//   ubuntu-touch-custom-armhf  Successfully built, published
	//                              https://launchpad.net/~ubuntu-cdimage/+livefs/ubuntu/vivid/ubuntu-touch-custom/+build/74655
	//   ubuntu-touch-custom-i386   Failed to build, not published
	//                              https://launchpad.net/~ubuntu-cdimage/+livefs/ubuntu/vivid/ubuntu-touch-custom/+build/74656
	// why: ubuntu-touch-custom-i386: dependency, package ubuntu-touch
	//   line 257> ubuntu-touch : Depends: unity8 (>= 8.12+15.04.20160903.3) but 8.12+15.04.20160824.1-0ubuntu1 is to be installed
	// do: fix the dependency of ubuntu-touch, then full rebuild; a publish-only re-run would mix in an older rootfs of ubuntu-touch-custom-i386
	// publish-only re-run safe: no (ubuntu-touch-custom-i386 has no good build of this run, an older one would be mixed in)
}

func ExampleClient_Latest() {
	server := httptest.NewServer(&cdimagetest.LogTree{Dir: "testdata/cd-build-logs"})
	defer server.Close()

	client := &cdimage.Client{BaseURL: server.URL} // leave BaseURL empty for the public tree
	latest, err := client.Latest(context.Background(), cdimage.ImageSet{
		Project: "ubuntu-touch", Series: "vivid", Type: "daily-preinstalled",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(latest.ID, latest.LogPath())
	// Output:
	// 20150421.1 ubuntu-touch/vivid/daily-preinstalled-20150421.1.log
}

// Nothing failed on Launchpad, so that its logs are not needed.
func ExampleClient_Diagnose() {
	server := httptest.NewServer(&cdimagetest.LogTree{Dir: "testdata/cd-build-logs"})
	defer server.Close()

	build, err := cdimage.ParseBuild("ubuntu-touch-custom/vivid/daily-preinstalled-20160913.log")
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &cdimage.Client{BaseURL: server.URL}
	d, err := client.Diagnose(context.Background(), build, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Publish, d.Actions)
	for _, c := range d.Causes {
		fmt.Println(c.Scope, c.Class)
	}
	// Output:
	// partial [publish-only]
	// ubuntu-touch-custom-i386 network
}

// From a mail of the image builder to the log.
