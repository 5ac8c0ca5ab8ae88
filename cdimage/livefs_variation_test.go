package cdimage_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage/cause"
)

// failing puts lines in the place of the deciding ones of a recorded log, of
// the touch era or of today.
func failing(t testing.TB, today bool, lines string) string {
	t.Helper()
	name, from := "livefs/vivid-armhf-notask.txt.gz", "E: Couldn't find task"
	if today {
		name, from = "livefs/stonking-arm64-debhash.txt.gz", "E: Failed to fetch"
	}
	log := read(t, name)
	i := strings.Index(log, "\n"+from) + 1
	j := strings.Index(log, "P: Begin unmounting filesystems...")
	return log[:i] + strings.TrimPrefix(lines, "\n") + log[j:]
}

// TestLivefsVariations goes through the failure catalogue with other names and
// wordings. A second class is the weaker cause that stays possible.
func TestLivefsVariations(t *testing.T) {
	const (
		hookFailed = "E: config/hooks/60-install-click.chroot failed (exit non-zero). You should check for errors.\n"
		dpkgFailed = "E: Sub-process /usr/bin/dpkg returned an error code (1)\n"
	)
	for _, c := range []struct {
		name, lines string
		class       cause.Class
		line, pkg   string // a part of the deciding line
		second      cause.Class
	}{
		{"full disk behind dpkg", "dpkg: error processing archive /var/cache/apt/archives/unity8_8.12_armhf.deb (--unpack):\n cannot copy extracted data for './usr/bin/unity8': failed to write (No space left on device)\n" + dpkgFailed,
			cause.DiskSpace, "(No space left on device)", "", ""},
		{"full disk in a hook", "cp: error writing '/root/x': No space left on device\n" + hookFailed, cause.DiskSpace, "cp: error writing", "", ""},
		{"full disk told by a service", "Setting up fail2ban (1.0) ...\ndbus-daemon: No space left on device\n" + hookFailed, cause.DiskSpace, "dbus-daemon", "", ""},

		{"deb 404, touch era", "Err http://ppa.launchpad.net/x/y/ubuntu/ vivid/main qtmir armhf 0.4.5\n  404  Not Found\nE: Failed to fetch http://ppa.launchpad.net/x/y/ubuntu/pool/main/q/qtmir/qtmir_0.4.5_armhf.deb  404  Not Found\n\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\n",
			cause.Network, "E: Failed to fetch http://ppa", "", ""},
		{"deb 404, today", "Err:12 http://ftpmaster.internal/ubuntu stonking/main arm64 hash-sum-tools arm64 1.0\n  404  Not Found [IP: 10.0.0.1 80]\nE: Failed to fetch http://ftpmaster.internal/ubuntu/pool/main/h/hash-sum-tools/hash-sum-tools_1.0_arm64.deb  404  Not Found [IP: 10.0.0.1 80]\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\n",
			cause.Network, "E: Failed to fetch", "", ""},
		{"newest apt", "Error: Failed to fetch http://ftpmaster.internal/ubuntu/pool/main/s/systemd/libsystemd0_260_arm64.deb  File has unexpected size (100 != 200). Mirror sync in progress? [IP: 10.0.0.1 80]\nError: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\n",
			cause.Network, "File has unexpected size", "", ""},
		{"size mismatch", "E: Failed to fetch http://ftpmaster.internal/ubuntu/pool/u/u_1_armhf.deb  Size mismatch\n", cause.Network, "Size mismatch", "", ""},
		{"503", "W: Failed to fetch http://ftpmaster.internal/ubuntu/dists/vivid/main/binary-armhf/Packages  503  Service Unavailable [IP: 91.189.88.1 80]\nE: Some index files failed to download. They have been ignored, or old ones used instead.\n",
			cause.Network, "503  Service Unavailable", "", ""},
		{"only the summary", "E: Some index files failed to download. They have been ignored, or old ones used instead.\n", cause.Network, "E: Some index files", "", ""},
		{"debootstrap", "E: Couldn't download dists/vivid/main/binary-armhf/Packages\n", cause.Network, "E: Couldn't download", "", ""},
		{"debootstrap release", "E: Failed getting release file http://ftpmaster.internal/ubuntu/dists/vivid/Release\n", cause.Network, "Failed getting release", "", ""},
		{"git in a hook", "Cloning into 'x'...\nfatal: unable to access 'https://git.launchpad.net/x/': Could not resolve host: git.launchpad.net\n" + hookFailed, cause.Network, "Could not resolve host", "", ""},
		{"curl in a hook", "curl: (7) Failed to connect to archive-team.internal port 80: Connection timed out\n" + hookFailed, cause.Network, "curl: (7)", "", ""},
		{"wget in a hook, other quotes", "wget: unable to resolve host address ‘archive-team.internal’\n" + hookFailed, cause.Network, "wget: unable", "", ""},
		{"wget status in a hook", "2016-09-11 02:09:33 ERROR 503: Service Unavailable.\n" + hookFailed, cause.Network, "ERROR 503", "", ""},
		{"wget connecting", "Connecting to archive-team.internal (archive-team.internal)|10.0.0.1|:80... failed: Connection timed out.\n" + hookFailed, cause.Network, "Connecting to", "", ""},
		{"missing index hides a package", "W: Failed to fetch http://ppa.launchpad.net/x/y/ubuntu/dists/vivid/main/binary-armhf/Packages  Hash Sum mismatch\n\nW: Some index files failed to download. They have been ignored, or old ones used instead.\nE: Unable to locate package unity8-desktop-session\n",
			cause.Network, "W: Failed to fetch", "", ""},
		{"healed, then dependencies", "Err http://ftpmaster.internal/ubuntu/ vivid/main unity8 armhf 1:8.12-1\n  Connection failed [IP: 91.189.88.1 80]\nGet:3 http://ftpmaster.internal/ubuntu/ vivid/main unity8 armhf 1:8.12-1 [12 kB]\nThe following packages have unmet dependencies:\n ofono : Depends: libc6 (>= 3) but 2.21 is to be installed\nE: Unable to correct problems, you have held broken packages.\n",
			cause.Dependency, " ofono : Depends: ", "ofono", ""},
		{"healed index", "Err http://ftpmaster.internal vivid/universe armhf Packages\n  Hash Sum mismatch\nGet:4 http://ftpmaster.internal vivid/universe armhf Packages [3 kB]\nE: Couldn't find task 'ubuntu-touch'\n", cause.Seed, "Couldn't find task", "ubuntu-touch", ""},

		{"wget tried again, then dependencies", "http://archive-team.internal/click_list:\n2016-09-11 02:09:33 ERROR 503: Service Unavailable.\n2016-09-11 02:09:40 URL:http://archive-team.internal/click_list [1234/1234] -> \"click_list\" [1]\nThe following packages have unmet dependencies:\n ofono : Depends: libc6 (>= 3) but 2.21 is to be installed\nE: Unable to correct problems, you have held broken packages.\n",
			cause.Dependency, " ofono : Depends: ", "ofono", ""},
		{"wget tried again in more words, then a task", "Connecting to archive-team.internal|10.0.0.1|:80... failed: Connection timed out.\nRetrying.\n\nHTTP request sent, awaiting response... 200 OK\n2016-09-11 02:09:40 (1.20 MB/s) - ‘click_list’ saved [1234/1234]\n\nE: Couldn't find task 'ubuntu-touch'\n",
			cause.Seed, "Couldn't find task", "ubuntu-touch", ""},
		{"wget tried again, then failed for good", "2016-09-11 02:09:33 ERROR 503: Service Unavailable.\n2016-09-11 02:09:40 URL:http://archive-team.internal/a [1234/1234] -> \"a\" [1]\nwget: unable to resolve host address 'archive-team.internal'\n" + hookFailed,
			cause.Network, "wget: unable", "", ""},
		{"wget tried again, and nothing else", "2016-09-11 02:09:33 ERROR 503: Service Unavailable.\n2016-09-11 02:09:40 URL:http://archive-team.internal/a [1234/1234] -> \"a\" [1]\nE: odd\n", cause.Network, "ERROR 503", "", ""},
		{"ignored, then got", "Ign:1 http://ftpmaster.internal/ubuntu vivid/main armhf ofono armhf 1.0\n  503  Service Unavailable [IP: 10.0.0.1 80]\nGet:1 http://ftpmaster.internal/ubuntu vivid/main armhf ofono armhf 1.0 [12 kB]\nE: Couldn't find task 'ubuntu-touch'\n",
			cause.Seed, "Couldn't find task", "ubuntu-touch", ""},

		{"uid gid", "There were changes to the password database,\nplease adjust the values in the livecd-rootfs source in the file:\nlive-build/ubuntu-touch/hooks/00-uid-gid-fix.chroot_early\n" + hookFailed, cause.LivecdRootfs, "please adjust", "", ""},
		{"record", "uid of phablet doesn't match record\n" + hookFailed, cause.LivecdRootfs, "doesn't match record", "", ""},
		{"architecture", "Unknown architecture target sparc\n", cause.LivecdRootfs, "Unknown architecture", "", ""},
		{"variant", "bogus variant custom\n", cause.LivecdRootfs, "bogus variant", "", ""},
		{"fingerprints", "Fingerprints do not match\n", cause.LivecdRootfs, "Fingerprints", "", ""},
		{"kernels", "E: Cannot handle more than one kernel for raspi\n", cause.LivecdRootfs, "more than one kernel", "", ""},
		{"no kernel", "No kernel output for arm64+raspi!\n", cause.LivecdRootfs, "No kernel output", "", ""},
		{"bare hook", "something odd\n" + hookFailed, cause.LivecdRootfs, "failed (exit non-zero)", "", ""},
		{"hook dies in Python", "Traceback (most recent call last):\n  File \"/usr/bin/click\", line 3, in <module>\n    main()\nValueError: bad manifest\n" + hookFailed, cause.LivecdRootfs, "failed (exit non-zero)", "", ""},
		{"hook dies in Python behind a package", "dpkg: error processing package click (--configure):\n installed click package post-installation script subprocess returned error exit status 1\n" + dpkgFailed + "Traceback (most recent call last):\n  File \"/usr/bin/click\", line 3, in <module>\nValueError: x\n" + hookFailed,
			cause.Package, "dpkg: error processing package click", "click", ""},

		{"postinst, first of several", "dpkg: error processing package lightdm (--configure):\n subprocess installed post-installation script returned error exit status 1\ndpkg: dependency problems prevent configuration of ubuntu-touch:\n ubuntu-touch depends on lightdm; however:\n\ndpkg: error processing package ubuntu-touch (--configure):\n dependency problems - leaving unconfigured\n" + dpkgFailed,
			cause.Package, "dpkg: error processing package lightdm", "lightdm", ""},
		{"follower told first", "dpkg: error processing package ubuntu-touch (--configure):\n dependency problems - leaving unconfigured\ndpkg: error processing package urfkill:armhf (--configure):\n subprocess installed post-installation script returned error exit status 10\n" + dpkgFailed,
			cause.Package, "dpkg: error processing package urfkill", "urfkill", ""},
		{"file conflict", "dpkg: error processing archive /var/cache/apt/archives/libfoo-error1_2.0-1_armhf.deb (--unpack):\n trying to overwrite '/usr/lib/404', which is also in package libfoo 1.0\n" + dpkgFailed,
			cause.Package, "trying to overwrite", "libfoo-error1", ""},
		{"went on without an index", "W: Failed to fetch http://ppa.launchpad.net/x/y/ubuntu/dists/vivid/main/i18n/Translation-en  404  Not Found\ndpkg: error processing package urfkill (--configure):\n subprocess installed post-installation script returned error exit status 1\n" + dpkgFailed,
			cause.Package, "urfkill", "urfkill", cause.Network},

		{"conflicts", "The following packages have unmet dependencies:\n unity8 : Conflicts: unity7 but 7.4 is to be installed\nE: Unable to correct problems, you have held broken packages.\n", cause.Dependency, "Conflicts: unity7", "unity8", ""},
		{"pre-depends", "The following packages have unmet dependencies:\n dpkg-dev : PreDepends: tar but it is not installable\n", cause.Dependency, "PreDepends", "dpkg-dev", ""},
		{"breaks", "The following packages have unmet dependencies:\n libc6 : Breaks: timeout-helper-404 (< 2) but 1 is to be installed\nE: Error, pkgProblemResolver::Resolve generated breaks, this may be caused by held packages.\n", cause.Dependency, "Breaks: timeout-helper-404", "libc6", ""},
		{"candidate", "E: Package 'liberror-perl' has no installation candidate\n", cause.Dependency, "no installation candidate", "liberror-perl", ""},
		{"held only", "E: Unable to correct problems, you have held broken packages.\n", cause.Dependency, "held broken packages", "", ""},

		{"task", "E: Couldn't find task 'fail-safe-live'\n", cause.Seed, "Couldn't find task", "fail-safe-live", ""},
		{"locate", "E: Unable to locate package hash-sum-404\n", cause.Seed, "Unable to locate package hash-sum-404", "hash-sum-404", ""},
		{"germinate", "! Unknown package unity9 for seed touch\n", cause.Seed, "unity9 for seed", "unity9", ""},
		{"locate and candidate", "E: Unable to locate package nothere\nE: Package 'gone' has no installation candidate\n", cause.Dependency, "no installation candidate", "gone", cause.Seed},

		{"nothing known", "Segmentation fault (core dumped)\n", cause.Unknown, "Segmentation fault", "", ""},
		{"noise only", "initctl: Unable to connect to Upstart: Failed to connect to socket /com/ubuntu/upstart: Connection refused\nE: 503 odd\n", cause.Unknown, "E: 503 odd", "", ""},
	} {
		for _, today := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				l := parseLivefs(t, failing(t, today, c.lines))
				if len(l.Causes) == 0 {
					t.Fatalf("no cause: %+v", l)
				}
				got := l.Causes[0]
				if got.Class != c.class || !strings.Contains(got.Line, c.line) || got.Package != c.pkg {
					t.Errorf("got %+v, want %s %q %s", got, c.class, c.line, c.pkg)
				}
				second := cause.Class("")
				if len(l.Causes) > 1 {
					second = l.Causes[1].Class
				}
				if second != c.second {
					t.Errorf("second cause %q, want %q: %+v", second, c.second, l.Causes)
				}
				if !strings.Contains(l.Failing, "lb_chroot_install-packages") {
					t.Errorf("failing step %q", l.Failing)
				}
			})
		}
	}
}

// TestPrecedence: of two classes in one step the stronger one wins, whichever is
// told first. The other is the weaker cause, unless it follows from the first.
func TestPrecedence(t *testing.T) {
	said := []struct {
		class cause.Class
		line  string
	}{
		{cause.DiskSpace, "cp: error writing '/root/x': No space left on device"},
		{cause.Infrastructure, "lpbuildd.target.backend.BackendException: lost"},
		{cause.Network, "E: Failed to fetch http://ftpmaster.internal/ubuntu/pool/main/q/qtmir/qtmir_0.4.5_armhf.deb  404  Not Found"},
		{cause.LivecdRootfs, "bogus variant x"},
		{cause.Package, "dpkg: error processing package x (--configure):"},
		{cause.Dependency, " x : Depends: y but it is not installable"},
		{cause.Seed, "E: Couldn't find task 'x'"},
		{cause.LivecdRootfs, "E: config/hooks/60-x.chroot failed (exit non-zero). You should check for errors."},
	}
	for i, strong := range said {
		for j, weak := range said[i+1:] {
			for _, lines := range []string{strong.line + "\n" + weak.line + "\n", weak.line + "\n" + strong.line + "\n"} {
				causes := parseLivefs(t, failing(t, false, lines)).Causes
				if causes[0].Class != strong.class || causes[0].Line != strong.line {
					t.Errorf("%s: got %+v", lines, causes)
				}
				hook := i+1+j == len(said)-1
				follows := hook || strong.class == cause.DiskSpace || strong.class == cause.Network && weak.class == cause.Seed
				if len(causes) > 1 == follows || len(causes) > 1 && causes[1].Class != weak.class {
					t.Errorf("%s: second cause: %+v", lines, causes)
				}
			}
		}
	}
}

// TestEarlierStepsAreForgiven: what a step complained of that went well is no
// cause of what fails later, except an index that the later step needs.
func TestEarlierStepsAreForgiven(t *testing.T) {
	earlier := "W: Failed to fetch http://ftpmaster.internal/ubuntu/dists/vivid/universe/binary-armhf/Packages  Temporary failure resolving 'ftpmaster.internal'\n" +
		"dpkg: error processing package x (--configure):\ncp: No space left on device\nE: Couldn't find task 'y'\n"
	log := insert(t, failing(t, false, " ofono : Depends: libc6 but it is not installable\n"), "[2016-09-11 03:09:29] lb_chroot_package-lists", earlier)
	want := []cause.Cause{{Class: cause.Dependency, Line: " ofono : Depends: libc6 but it is not installable", Number: 254, Package: "ofono"}}
	if diff := cmp.Diff(want, parseLivefs(t, log).Causes); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
	log = insert(t, failing(t, false, "E: Unable to locate package unity8\n"), "[2016-09-11 03:09:29] lb_chroot_package-lists", earlier)
	if l := parseLivefs(t, log); l.Causes[0].Class != cause.Network || len(l.Causes) != 1 {
		t.Errorf("got %+v", l.Causes)
	}
	healed := "Get:9 http://ftpmaster.internal vivid/universe armhf Packages [10 kB]\n"
	log = insert(t, failing(t, false, "E: Unable to locate package unity8\n"), "[2016-09-11 03:09:29] lb_chroot_package-lists", earlier+healed)
	if l := parseLivefs(t, log); l.Causes[0].Class != cause.Seed {
		t.Errorf("healed: got %+v", l.Causes)
	}
}

// TestFarNetworkMessage: a hook that went on without the network long before
// another one failed.
func TestFarNetworkMessage(t *testing.T) {
	far := "wget: unable to resolve host address 'x.internal'\n" + strings.Repeat("Addition succeeded for \"com.ubuntu.app\".\n", 100)
	l := parseLivefs(t, failing(t, false, far+"please adjust the values in the livecd-rootfs source in the file:\n"))
	if l.Causes[0].Class != cause.LivecdRootfs {
		t.Errorf("got %+v", l.Causes)
	}
	l = parseLivefs(t, failing(t, false, far+"E: config/hooks/60-x.chroot failed (exit non-zero). You should check for errors.\n"))
	if l.Causes[0].Class != cause.Network {
		t.Errorf("with nothing else: got %+v", l.Causes)
	}
}

// TestBeforeAndAfterTheBuild: the chroot, the cleaning and the builder itself.
func TestBeforeAndAfterTheBuild(t *testing.T) {
	ok := read(t, "livefs/vivid-armhf-ok.txt.gz")
	until := func(log, mark string) string { return log[:strings.Index(log, mark)] }
	chroot := until(ok, "RUN: /usr/share/launchpad-buildd/slavebin/buildlivefs")
	clean := ok[strings.Index(ok, "RUN: /usr/share/launchpad-buildd/slavebin/scan-for-processes"):]
	for _, c := range []struct {
		name, log         string
		class, underlying cause.Class
		line              string
	}{
		{"chroot, network", chroot + "W: Failed to fetch http://x/dists/vivid/InRelease  Could not connect to x:80\nE: Some index files failed to download. They have been ignored, or old ones used instead.\n" + clean, cause.Chroot, cause.Network, "E: Some index files"},
		{"chroot, package", chroot + "dpkg: error processing package libc-bin (--configure):\n subprocess installed post-installation script returned error exit status 139\nE: Sub-process /usr/bin/dpkg returned an error code (1)\n" + clean, cause.Chroot, cause.Package, "dpkg: error processing"},
		{"chroot, full disk", chroot + "tar: ./usr/lib: Cannot mkdir: No space left on device\n" + clean, cause.Chroot, cause.DiskSpace, "tar: "},
		{"chroot, full disk behind a lost index", chroot + "E: Failed to fetch http://x/dists/vivid/InRelease  Could not connect to x:80\ntar: ./usr/lib: Cannot mkdir: No space left on device\n" + clean, cause.Chroot, cause.DiskSpace, "tar: "},
		{"chroot, builder", chroot + "lpbuildd.target.backend.BackendException: Container failed to start\n" + clean, cause.Chroot, cause.Infrastructure, "BackendException"},
		{"chroot, nothing known", chroot + "odd\n" + clean, cause.Chroot, "", "odd"},
		{"builder lost in the build", until(ok, "[2016-09-06 02:12:03] lb_chroot_hooks"), cause.Infrastructure, "", "Processing triggers"},
		{"builder lost while cleaning", until(ok, "RUN: /usr/share/launchpad-buildd/slavebin/remove-build"), cause.Infrastructure, "", "Unmounting chroot"},
		{"processes left", strings.Replace(ok, "Scanning for processes to kill in build LIVEFSBUILD-74601...\n", "Scanning for processes to kill in build LIVEFSBUILD-74601...\nABORTING: Failed to kill all processes.\n", 1), cause.Infrastructure, "", "ABORTING"},
		{"umount", until(ok, "RUN: /usr/share/launchpad-buildd/slavebin/remove-build") + "failed to umount /home/buildd/x\n", cause.Infrastructure, "", "failed to umount"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := parseLivefs(t, c.log)
			if len(l.Causes) != 1 || l.Causes[0].Class != c.class || l.Causes[0].Underlying != c.underlying || !strings.Contains(l.Causes[0].Line, c.line) {
				t.Errorf("got %+v %+v", l.Failing, l.Causes)
			}
		})
	}
	// The builder's own exception, at the end of the build's traceback.
	lost := strings.Replace(failing(t, true, "Setting up x ...\n"), "subprocess.CalledProcessError:", "lpbuildd.target.backend.BackendException:", 1)
	if l := parseLivefs(t, lost); len(l.Causes) != 1 || l.Causes[0].Class != cause.Infrastructure {
		t.Errorf("got %+v", l.Causes)
	}
	// A package that fails and a builder that then cannot clean up: the
	// package decides, the builder is the weaker cause.
	both := strings.Replace(failing(t, false, "dpkg: error processing package x (--configure):\n"), "Scanning for processes", "ABORTING: Failed to kill all processes.\nScanning for processes", 1)
	if l := parseLivefs(t, both); len(l.Causes) != 2 || l.Causes[0].Class != cause.Package || l.Causes[1].Class != cause.Infrastructure {
		t.Errorf("got %+v", l.Causes)
	}
}

// TestHowBuildsEnd: the ways in which buildlivefs goes well, dies, or is killed.
func TestHowBuildsEnd(t *testing.T) {
	touch := read(t, "livefs/vivid-armhf-ok.txt.gz")
	const scan = "RUN: /usr/share/launchpad-buildd/slavebin/scan-for-processes"
	const tidy = "P: Begin unmounting filesystems...\nP: Saving caches...\nReading package lists...\nBuilding dependency tree...\nReading state information...\n"
	const frame = "  File \"/usr/lib/python3/dist-packages/lpbuildd/target/build_livefs.py\", line 260, in run\n    self.build()\n"
	died := func(how string) string {
		return "Build failed\nTraceback (most recent call last):\n" + frame + "subprocess.CalledProcessError: Command '['lxc', 'exec', 'lp-x', '--', '/bin/sh', '-c', 'cd /build && lb build']' " + how + "\n"
	}
	killed := scan + " ['scan-for-processes', 'LIVEFSBUILD-74601']\nScanning for processes to kill in build LIVEFSBUILD-74601...\n"
	for _, c := range []struct {
		name, before string // what stands before the cleaning
		class        cause.Class
		line         string
		up           int // how many lines above the cleaning
	}{
		{"live-build tidies up after a good part too", tidy, "", "", 0},
		{"and then goes on", tidy + "Moving livecd.ubuntu-touch.rootfs.tar.gz\n", "", "", 0},
		{"livecd-rootfs fails behind live-build", tidy + "No kernel output for raspi!\n" + died("returned non-zero exit status 1."), cause.LivecdRootfs, "No kernel output", 6},
		{"something fails behind live-build", tidy + "mv: odd\n\n" + died("returned non-zero exit status 1."), cause.Unknown, "mv: odd", 7},
		{"something fails in live-build", "mount: odd\n" + tidy + died("returned non-zero exit status 32."), cause.Unknown, "mount: odd", 11},
		{"the builder's disk is full", tidy + strings.Replace(died(""), "subprocess.CalledProcessError: Command", "OSError: [Errno 28] No space left on device: ", 1), cause.DiskSpace, "OSError", 1},
		{"killed, Python 2", killed + strings.TrimSuffix(died("returned non-zero exit status -9"), "."), cause.Cancelled, "exit status -9", 1},
		{"killed, Python 3.10", killed + died("returned non-zero exit status -9."), cause.Cancelled, "exit status -9.", 1},
		{"killed, Python 3.5", killed + died("died with <Signals.SIGKILL: 9>."), cause.Cancelled, "died with <Signals.SIGKILL: 9>.", 1},
		{"killed in a container", killed + died("returned non-zero exit status 137."), cause.Cancelled, "exit status 137.", 1},
		{"killed while something went wrong", "dpkg: error processing package x (--configure):\n" + killed + died("returned non-zero exit status -9."), cause.Cancelled, "exit status -9.", 1},
		{"killed by nobody", "Killed\n" + died("returned non-zero exit status 137."), cause.Unknown, "Killed", 6},
	} {
		log := insert(t, touch, scan, c.before)
		l := parseLivefs(t, log)
		if c.class == "" {
			if !l.OK() {
				t.Errorf("%s: %+v", c.name, l)
			}
			continue
		}
		number := strings.Count(log[:strings.LastIndex(log, scan)], "\n") + 1 - c.up
		if len(l.Causes) != 1 || l.Causes[0].Class != c.class || !strings.Contains(l.Causes[0].Line, c.line) || l.Causes[0].Number != number {
			t.Errorf("%s: %+v, want %s %q in line %d", c.name, l.Causes, c.class, c.line, number)
		}
	}
}

func TestIncomplete(t *testing.T) {
	whole := failing(t, false, "E: Couldn't find task 'x'\n")
	for name, log := range map[string]string{
		"empty":         "",
		"no livefs log": "hello\nworld\n",
		"cut":           whole[:strings.Index(whole, "find task")],
	} {
		l := parseLivefs(t, log)
		if l.Incomplete == "" || len(l.Causes) > 0 || l.OK() {
			t.Errorf("%s: %+v", name, l)
		}
		if got := l.Remedy().Actions; len(got) != 1 || got[0] != cause.ReadLivefsLog {
			t.Errorf("%s: %v", name, got)
		}
	}
	cut := parseLivefs(t, whole[:strings.Index(whole, "P: Saving caches")+10])
	if cut.Incomplete == "" || len(cut.Causes) != 1 || cut.Causes[0].Class != cause.Seed {
		t.Errorf("cut behind the failing step: %+v", cut)
	}
}

// TestLastWords: of a step that nobody has a rule for the last error is quoted,
// and never the clock stamp above the next step.
func TestLastWords(t *testing.T) {
	const stamp = "[Tue Aug 11 02:24:19 2026]\n"
	today := failing(t, true, "Setting up x ...\n")
	early := func(said string) string {
		i := strings.Index(today, "RUN: /usr/share/launchpad-buildd/bin/in-target build")
		j := strings.Index(today, "RUN: /usr/share/launchpad-buildd/bin/in-target scan-for-processes")
		return today[:i] + said + stamp + today[j:]
	}
	for _, c := range []struct {
		name, log, line string
	}{
		{"a step before the build", early("E: Something nobody has a rule for\n"), "E: Something nobody has a rule for"},
		{"with more behind it", early("Error: odd\nReading package lists...\n\n"), "Error: odd"},
		{"without an error", early("odd\n" + stamp), "odd"},
		{"in live-build", failing(t, false, "E: Something nobody has a rule for\nReading package lists...\nGet:9 http://x noble Release [1 kB]\n"), "E: Something nobody has a rule for"},
		{"the last of two", failing(t, false, "E: Can not write log (Is /dev/pts mounted?) - posix_openpt (2: No such file or directory)\nfatal: odd\nfatal: odder\ncleaning\n"), "fatal: odder"},
		{"only harmless ones", failing(t, false, "E: Can not write log (Is /dev/pts mounted?) - posix_openpt (2: No such file or directory)\nmount: odd\n"), "mount: odd"},
		{"a script in Python", failing(t, true, "Traceback (most recent call last):\n  File \"/usr/bin/x\", line 3, in <module>\n    raise KeyError(\"No space left on device\")\nKeyError: 'armhf'\ncleaning\n"), "KeyError: 'armhf'"},
		{"of an earlier step", insert(t, failing(t, false, "mount: odd\n"), "[2016-09-11 03:09:29] lb_chroot_package-lists", "E: long forgotten\n"), "mount: odd"},
	} {
		l := parseLivefs(t, c.log)
		if len(l.Causes) != 1 || l.Causes[0].Line != c.line || strings.Split(c.log, "\n")[l.Causes[0].Number-1] != c.line {
			t.Errorf("%s: %+v, want %q", c.name, l.Causes, c.line)
		}
	}
}

// TestTracebacksInLivefsLogs: the last line of a traceback decides, and not the
// source code above it.
func TestTracebacksInLivefsLogs(t *testing.T) {
	for _, c := range []struct {
		name, raise, last string
		class             cause.Class
	}{
		{"builder", `    raise BackendException("Container failed to start")`, "lpbuildd.target.backend.BackendException: Container failed to start", cause.Infrastructure},
		{"network", `    raise ConnectionError(e, request=request)`, "requests.exceptions.ConnectionError: HTTPConnectionPool(host='x', port=80): Max retries exceeded", cause.Network},
		{"something else", `    raise OSError(28, "No space left on device")`, "ValueError: odd", cause.Unknown},
		{"and something else", `    raise LXDException("x")`, "KeyError: 'armhf'", cause.Unknown},
	} {
		l := parseLivefs(t, failing(t, true, "Traceback (most recent call last):\n  File \"/usr/bin/x\", line 3, in <module>\n"+c.raise+"\n"+c.last+"\n"))
		if len(l.Causes) != 1 || l.Causes[0].Class != c.class || l.Causes[0].Line != c.last {
			t.Errorf("%s: %+v, want %s %q", c.name, l.Causes, c.class, c.last)
		}
	}
}

// TestChrootRemedies: what is done about a chroot that could not be made is said by
// what lies below.
func TestChrootRemedies(t *testing.T) {
	today := failing(t, true, "x\n")
	i := strings.Index(today, "RUN: /usr/share/launchpad-buildd/bin/in-target build")
	j := strings.Index(today, "RUN: /usr/share/launchpad-buildd/bin/in-target scan-for-processes")
	for _, c := range []struct {
		said    string
		below   cause.Class
		remedy  string
		actions string
	}{
		{"lpbuildd.target.backend.BackendException: Container failed to start\n", cause.Infrastructure, "full rebuild; the builder could not make its chroot: tell the Launchpad operators which builder it was", "full-rebuild ask-launchpad"},
		{"E: Release file for http://ftpmaster.internal/ubuntu/dists/noble/InRelease is not valid yet (invalid for another 5h 42min 12s). Updates for this repository will not be applied.\n", cause.Infrastructure, "full rebuild; the builder's clock is behind that of the archive: tell the Launchpad operators which builder it was", "full-rebuild ask-launchpad"},
		{"E: Failed to fetch http://ftpmaster.internal/ubuntu/dists/noble/InRelease  Could not connect to ftpmaster.internal:80\n", cause.Network, "wait for the archive/builder, then full rebuild", "wait full-rebuild"},
		{"tar: x: Cannot write: No space left on device\n", cause.DiskSpace, "full rebuild; the builder's disk was full: ask for a bigger one if it repeats", "full-rebuild"},
		{"dpkg: error processing package libc-bin (--configure):\n", cause.Package, "fix the package libc-bin that the builder's chroot is updated to, then full rebuild", "fix-package full-rebuild"},
		{"E: odd\n", "", "wait for the archive/builder, then full rebuild", "wait full-rebuild"},
	} {
		l := parseLivefs(t, today[:i]+c.said+today[j:])
		var actions []string
		for _, a := range l.Remedy().Actions {
			actions = append(actions, string(a))
		}
		if len(l.Causes) != 1 || l.Causes[0].Class != cause.Chroot || l.Causes[0].Underlying != c.below || l.Remedy().Text != c.remedy || strings.Join(actions, " ") != c.actions {
			t.Errorf("%s%+v\n%s %v", c.said, l.Causes, l.Remedy().Text, actions)
		}
	}
}
