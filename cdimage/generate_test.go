package cdimage_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/landingteam/landing/cdimage"
)

// A logKind is a kind of log that generateLog writes.
type logKind string

// The kinds. Together they are the mix that the image host and Launchpad's
// builders write, see [generateMix].
const (
	GoodRun      logKind = "good run"         // 40 to 60 lines
	OneArchFails logKind = "one arch fails"   // published in part
	AllFail      logKind = "all fail"         // no live file system
	BadDownload  logKind = "bad download"     // one file never arrives
	PublishCrash logKind = "publishing crash" // full disk while publishing
	CutRun       logKind = "cut"              // stops in the middle of a line
	ISORun       logKind = "iso"              // with the output of debian-cd, size decides
	LivefsFails  logKind = "livefs fails"     // a livefs log with unmet dependencies near its end
	LivefsGood   logKind = "livefs good"      // a livefs log of a good build
	LongLine     logKind = "long line"        // a livefs log of which one line takes up the size
	ErrorLines   logKind = "error lines"      // a livefs log whose short lines all hold the word error
)

// generateLog writes one log of a kind. The same seed gives the same log. size is
// what is aimed at in bytes for ISORun and the livefs logs, and of no meaning
// for the others.
func generateLog(w io.Writer, kind logKind, size int64, seed uint64) error {
	c := &counter{w: bufio.NewWriterSize(w, 64<<10)}
	g := &generator{counter: c, r: rand.New(rand.NewPCG(seed, 1)), size: size, id: 74000 + seed%1000}
	switch kind {
	case LivefsFails, LivefsGood, LongLine, ErrorLines:
		g.livefs(kind)
	default:
		g.run(kind)
	}
	return c.w.Flush()
}

// generateMix calls f with the kinds, sizes and seeds of a mix of cd-build-logs, or of
// livefs logs, until their sizes add up to about total bytes.
func generateMix(livefs bool, total int64, f func(kind logKind, size int64, seed uint64) error) error {
	r := rand.New(rand.NewPCG(7, 7))
	for seed := uint64(0); total > 0; seed++ {
		kind, size := LivefsFails, int64(1<<20)+r.Int64N(3<<20)
		if livefs && r.IntN(10) == 0 {
			kind = LivefsGood
		}
		if !livefs {
			kind, size = buildKind(r.IntN(100)), 6<<10
			if kind == ISORun {
				size = 1<<20 + r.Int64N(19<<20)
			}
		}
		if err := f(kind, size, seed); err != nil {
			return err
		}
		total -= size
	}
	return nil
}

func buildKind(percent int) logKind {
	for _, k := range []struct {
		upTo int
		kind logKind
	}{{60, GoodRun}, {75, OneArchFails}, {83, AllFail}, {91, BadDownload}, {95, PublishCrash}, {98, CutRun}} {
		if percent < k.upTo {
			return k.kind
		}
	}
	return ISORun
}

type counter struct {
	w *bufio.Writer
	n int64
}

func (c *counter) printf(format string, args ...any) {
	n, _ := fmt.Fprintf(c.w, format, args...)
	c.n += int64(n)
}

type generator struct {
	*counter
	r    *rand.Rand
	size int64
	id   uint64
}

func (g *generator) run(kind logKind) {
	states := []string{"Successfully built", "Successfully built"}
	switch kind {
	case OneArchFails:
		states[g.r.IntN(2)] = "Failed to build"
	case AllFail:
		states = []string{"Failed to build", "Chroot problem"}
	}
	arches := []string{"armhf", "i386"}
	g.printf("===== Building live filesystems =====\nTue Sep  6 02:11:59 UTC 2016\n")
	for i, a := range arches {
		g.printf("ubuntu-touch-custom-%s on Launchpad starting at 2016-09-06 02:11:59\n", a)
		g.printf("ubuntu-touch-custom-%s: https://launchpad.net/~ubuntu-cdimage/+livefs/ubuntu/vivid/ubuntu-touch-custom/+build/%d\n", a, g.id+uint64(i))
	}
	for i, a := range arches {
		g.printf("ubuntu-touch-custom-%s on Launchpad finished at 2016-09-06 02:43:45 (%s)\n", a, states[i])
	}
	if kind == AllFail {
		g.printf("Traceback (most recent call last):\n  File \"lib/cdimage/build.py\", line 714, in build_image_set_locked\n    live_successful = run_live_builds(config)\nLiveBuildsFailed: No live filesystem builds succeeded.\n")
		return
	}
	if kind == ISORun {
		g.printf("===== Germinating =====\nTue Sep  6 03:00:07 UTC 2016\nGerminating for vivid/armhf ...\n")
	}
	g.printf("===== Downloading live filesystem images =====\nTue Sep  6 03:07:07 UTC 2016\n")
	published := []string{}
	for i, a := range arches {
		if states[i] != "Successfully built" {
			continue
		}
		if kind == BadDownload && i == 1 {
			g.printf("https://launchpad.net/~ubuntu-cdimage/+livefs/ubuntu/vivid/ubuntu-touch-custom/+build/%d/+files/livecd.ubuntu-touch.rootfs.tar.gz:\n2016-09-06 03:13:59 ERROR 404: Not Found.\n", g.id+1)
			continue
		}
		published = append(published, a)
		for _, f := range []string{"rootfs.tar.gz", "manifest", "boot-" + a + "+generic.img", "system-armel+generic.img", "recovery-armel+generic.img", "custom.tar.gz"} {
			g.printf("2016-09-06 03:09:43 URL:https://launchpadlibrarian.net/200522207/livecd.ubuntu-touch.%s [378221655/378221655] -> \"/srv/cdimage.ubuntu.com/scratch/ubuntu-touch-custom/vivid/daily-preinstalled/live/%s.%s\" [1]\n", f, a, f)
		}
	}
	if kind == ISORun {
		g.printf("===== Building Ubuntu daily CDs =====\nTue Sep  6 03:20:00 UTC 2016\n")
		for g.n < g.size-2000 {
			name := packageNames[g.r.IntN(len(packageNames))]
			g.printf("  Adding pool/main/%s/%s/%s_%d.%d-1_armhf.deb to CD 1 (size %d)\n", name[:1], name, name, g.r.IntN(9), g.r.IntN(30), g.r.IntN(1<<20))
		}
	}
	g.printf("===== Copying images to debian-cd output directory =====\nTue Sep  6 03:26:56 UTC 2016\n===== Publishing =====\nTue Sep  6 03:27:07 UTC 2016\n")
	for _, a := range published {
		g.printf("Publishing %s ...\nPublishing %s live manifest ...\nPublishing vivid-preinstalled-boot-%s+generic.img ...\nPublishing %s custom tarball ...\n", a, a, a, a)
		if kind == PublishCrash {
			g.printf("Traceback (most recent call last):\n  File \"lib/cdimage/build.py\", line 769, in build_image_set_locked\n    publisher.publish(date)\nIOError: [Errno 28] No space left on device\n")
			return
		}
		if kind == CutRun {
			g.printf("Making %s zsy", a)
			return
		}
		g.printf("Making %s zsync metafile ...\n", a)
	}
	if kind == BadDownload {
		g.printf("No preinstalled-touch image for i386!\n")
	}
	g.printf("No keys found; not signing images.\n===== Purging old images =====\nTue Sep  6 03:29:26 UTC 2016\nPurging ubuntu-touch-custom/daily-preinstalled images older than 7 days ...\n")
	g.printf("===== Triggering mirrors =====\nTue Sep  6 03:29:27 UTC 2016\nmirror-a.example.internal:\n===== Finished =====\nTue Sep  6 03:29:35 UTC 2016\n")
}

// packageNames hold words that a careless pattern takes for a fault.
var packageNames = []string{
	"libgpg-error0", "liberror-perl", "libfailsafe0", "hash-sum-tools", "timeout-helper-404", "fail2ban", "unity8", "libc6",
	"qtdeclarative5-ubuntu-ui-toolkit-plugin", "python3-gi", "fonts-ubuntu", "language-pack-touch-de", "libmirclient9", "ofono", "urfkill", "network-manager",
}

func (g *generator) livefs(kind logKind) {
	build := fmt.Sprintf("LIVEFSBUILD-%d", g.id)
	for _, s := range []string{"slave-prep", "unpack-chroot", "mount-chroot", "override-sources-list", "update-debian-chroot"} {
		g.printf("RUN: /usr/share/launchpad-buildd/slavebin/%s ['%s', '%s']\n", s, s, build)
	}
	g.printf("RUN: /usr/share/launchpad-buildd/slavebin/buildlivefs ['buildlivefs', '--build-id', '%s', '--arch', 'armhf', '--project', 'ubuntu-touch-custom', '--series', 'vivid']\n", build)
	steps := []string{"lb_clean", "lb_config", "lb_bootstrap", "lb_chroot", "lb_chroot_archives chroot install", "lb_chroot_install-packages install"}
	for i, s := range steps {
		g.printf("[2016-09-20 02:05:%02d] %s \n", i+10, s)
	}
	switch kind {
	case LongLine:
		g.counter.w.WriteString(strings.Repeat("x", int(g.size)) + "\n")
		g.n += g.size
	case ErrorLines:
		for g.n < g.size {
			g.printf("error: unable to say what failed\n")
		}
	default:
		for g.n < g.size-4000 {
			g.livefsLine()
		}
	}
	g.printf("[2016-09-20 02:08:35] lb_chroot_install-packages live \nP: Begin installing packages (live pass)...\n")
	if kind != LivefsGood {
		g.printf("The following packages have unmet dependencies:\n ubuntu-touch-live-extra : Depends: libmirclient9 (>= 0.24.0) but it is not installable\nE: Unable to correct problems, you have held broken packages.\n")
		g.printf("P: Begin unmounting filesystems...\nP: Saving caches...\nReading package lists...\nBuilding dependency tree...\nReading state information...\n")
		g.printf("Traceback (most recent call last):\n  File \"/usr/share/launchpad-buildd/slavebin/buildlivefs\", line 214, in main\n    builder.build()\nCalledProcessError: Command 'lb build' returned non-zero exit status 1\n")
	}
	for _, s := range []string{"scan-for-processes", "umount-chroot", "remove-build"} {
		g.printf("RUN: /usr/share/launchpad-buildd/slavebin/%s ['%s', '%s']\n", s, s, build)
	}
}

// livefsLine writes one line, or a package's three, in the proportions of a
// real log.
func (g *generator) livefsLine() {
	name := packageNames[g.r.IntN(len(packageNames))]
	version := fmt.Sprintf("%d.%d+15.04.2016%04d-0ubuntu1", g.r.IntN(9), g.r.IntN(40), g.r.IntN(1000))
	switch p := g.r.IntN(70); { // an unpack is three lines, so 15 of 70 make 45 %
	case p < 5:
		g.printf("Get:%d http://ftpmaster.internal/ubuntu/ vivid/main %s armhf %s [%d kB]\n", g.r.IntN(3000), name, version, g.r.IntN(2000))
	case p < 20:
		g.printf("Selecting previously unselected package %s.\nPreparing to unpack .../%s_%s_armhf.deb ...\nUnpacking %s (%s) ...\n", name, name, version, name, version)
	case p < 55:
		g.printf("Setting up %s (%s) ...\n", name, version)
	case p < 65:
		g.printf("Cached load succeeded for \"/var/cache/apparmor/click_com.ubuntu.%s_%d\".\n", name, g.r.IntN(1000))
	default:
		g.printf("update-alternatives: using /usr/bin/%s to provide /usr/bin/x-%s (error-handler) in auto mode\n", name, name)
	}
}

// TestGenerate: each kind of generated log is what it is called.
func TestGenerate(t *testing.T) {
	for kind, want := range map[logKind]string{
		GoodRun:      "complete 0",
		OneArchFails: "partial 1",
		AllFail:      "none 2",
		BadDownload:  "partial 1",
		PublishCrash: "broken 1",
		CutRun:       "not yet 0",
		ISORun:       "complete 0",
	} {
		var a, b bytes.Buffer
		if err := generateLog(&a, kind, 1<<20, 5); err != nil {
			t.Fatal(err)
		}
		if err := generateLog(&b, kind, 1<<20, 5); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s: not the same twice", kind)
		}
		l, err := cdimage.ParseBuildLog(&a)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%s %d", l.Publish, len(l.Causes)); got != want {
			t.Errorf("%s: %s, want %s: %+v", kind, got, want, l.Causes)
		}
	}
	for kind, want := range map[logKind]int{LivefsFails: 1, LivefsGood: 0, LongLine: 1, ErrorLines: 1} {
		var a bytes.Buffer
		if err := generateLog(&a, kind, 1<<20, 5); err != nil {
			t.Fatal(err)
		}
		l, err := cdimage.ParseLivefsLog(&a)
		if err != nil || len(l.Causes) != want || l.Incomplete != "" {
			t.Errorf("%s: %v %+v", kind, err, l)
		}
	}
	kinds := map[logKind]int{}
	if err := generateMix(false, 64<<20, func(kind logKind, size int64, seed uint64) error {
		kinds[kind]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(kinds) != 7 || kinds[GoodRun] < kinds[OneArchFails] {
		t.Errorf("mix %v", kinds)
	}
}
