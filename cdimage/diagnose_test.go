package cdimage_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/cause"
)

// sameDay is within the day of the logs that newLog makes.
var sameDay = time.Date(2016, 9, 13, 20, 0, 0, 0, time.UTC)

// diagnose judges a log whose run has ended, on the day of the build.
func diagnose(t testing.TB, w *writer) cdimage.Diagnosis {
	t.Helper()
	return cdimage.Diagnose(cdimage.Evidence{Build: cdimage.Build{ImageSet: w.set, ID: cdimage.BuildID{Day: 20160913}},
		Log: parseBuild(t, w.String()), Now: sameDay, Ended: true})
}

// summary is what is compared of a diagnosis: outcome, causes, remedy.
func summary(d cdimage.Diagnosis) string {
	out := string(d.Publish) + "\n"
	for _, c := range d.Causes {
		out += strings.TrimSpace(c.Scope+" "+string(c.Class)+" "+c.Severity) + ": " + strings.TrimSpace(c.Line) + "\n"
	}
	return out + "do: " + d.Remedy + "\n"
}

// TestNothingWasAskedFor: of a run that came to asking for live file systems and
// asked for none, nothing can be published again.
func TestNothingWasAskedFor(t *testing.T) {
	building := func() *writer { return newLog("ubuntu-touch", "wily").stage("Building live filesystems") }
	for _, c := range []struct {
		name string
		log  *writer
		want string
	}{
		{"Launchpad down", building().die("get_lp_livefs", "ServerError: HTTP Error 503: Service Unavailable"),
			"none\nlaunchpad infrastructure: ServerError: HTTP Error 503: Service Unavailable\ndo: full rebuild when Launchpad is back\n"},
		{"name resolution", building().die("get_lp", "httplib2.ServerNotFoundError: Unable to find the server at api.launchpad.net"),
			"none\nlaunchpad network: httplib2.ServerNotFoundError: Unable to find the server at api.launchpad.net\ndo: full rebuild when the network is back\n"},
		{"full disk", building().die("run_live_builds", "IOError: [Errno 28] No space left on device"),
			"none\nhost disk-space: IOError: [Errno 28] No space left on device\ndo: free space on the cdimage host, then full rebuild\n"},
		{"credentials", building().die("get_lp", "Unauthorized: HTTP Error 401: Unauthorized", "Response headers:", "---", "status: 401", "---", "Response body:", "---", "Expired token", "---"),
			"none\nlaunchpad infrastructure: Unauthorized: HTTP Error 401: Unauthorized\ndo: give the cdimage host credentials that Launchpad accepts, then full rebuild\n"},
		{"something else", building().die("run_live_builds", "ValueError: odd"),
			"none\nhost unknown: ValueError: odd\ndo: read the log, then full rebuild\n"},
		{"killed", building(), "none\ndo: full rebuild; killed: the log has not grown for 17h37m0s\n"},
		{"mistyped archive", building().line("ubuntu-touch-armhf on Launchpad starting at 2016-09-13 02:13:18").
			die("run_live_builds", "lazr.restfulclient.errors.NotFound: HTTP Error 404: Not Found", "Response headers:", "---", "status: 404", "---", "Response body:", "---", "Object: <Person at 0x7f>, name: u'stable-snapshto'", "---"),
			"none\nlaunchpad configuration: Object: <Person at 0x7f>, name: u'stable-snapshto'\ndo: correct the name that Launchpad does not know (of an archive, a team or a live file system), then full rebuild\n"},
		{"mistyped team", building().line("ubuntu-touch-armhf on Launchpad starting at 2016-09-13 02:13:18").die("run_live_builds", "KeyError: 'ci-trian'"),
			"none\nlaunchpad configuration: KeyError: 'ci-trian'\ndo: correct the name that Launchpad does not know (of an archive, a team or a live file system), then full rebuild\n"},
		{"mistyped archive, as bytes", building().line("ubuntu-touch-armhf on Launchpad starting at 2016-09-13 02:13:18").die("run_live_builds", "lazr.restfulclient.errors.NotFound: HTTP Error 404: Not Found", "Response headers:", "---", "status: 404", "---", "Response body:", "---", `b"No such ppa: 'stable-snapshto'."`, "---"),
			"none\nlaunchpad configuration: b\"No such ppa: 'stable-snapshto'.\"\ndo: correct the name that Launchpad does not know (of an archive, a team or a live file system), then full rebuild\n"},
		{"mistyped archive, refused as an object", building().line("ubuntu-touch-armhf on Launchpad starting at 2016-09-13 02:13:18").die("run_live_builds", "lazr.restfulclient.errors.BadRequest: HTTP Error 400: Bad Request", "Response headers:", "---", "status: 404", "---", "Response body:", "---", `archive: No such object "https://api.launchpad.net/devel/~ci-train/+archive/ubuntu/stable-snapshto".`, "---"),
			"none\nlaunchpad configuration: archive: No such object \"https://api.launchpad.net/devel/~ci-train/+archive/ubuntu/stable-snapshto\".\ndo: correct the name that Launchpad does not know (of an archive, a team or a live file system), then full rebuild\n"},
		{"no live file system definition", building().line("ubuntu-touch-armhf on Launchpad starting at 2016-09-13 02:13:18").die("run_live_builds", "AttributeError: 'NoneType' object has no attribute 'requestBuild'"),
			"none\nlaunchpad configuration: AttributeError: 'NoneType' object has no attribute 'requestBuild'\ndo: correct the name that Launchpad does not know (of an archive, a team or a live file system), then full rebuild\n"},
		{"no such live file system", building().die("get_lp_livefs", "NotFound: HTTP Error 404: Not Found", "Response headers:", "---", "status: 404", "---", "Response body:", "---", "No such live filesystem with this owner/distroseries: 'ubuntu-touhc'.", "---"),
			"none\nlaunchpad configuration: No such live filesystem with this owner/distroseries: 'ubuntu-touhc'.\ndo: correct the name that Launchpad does not know (of an archive, a team or a live file system), then full rebuild\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := diagnose(t, c.log)
			if diff := cmp.Diff(c.want, summary(d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if d.Republish.Safe || d.Republish.First != "" || !slices.Contains(d.Actions, cause.FullRebuild) {
				t.Errorf("%+v, %v", d.Republish, d.Actions)
			}
		})
	}
}

// TestBuildsThatGoOn: what Launchpad was asked for goes on by itself when the run
// dies. When that was everything, its end is waited for.
func TestBuildsThatGoOn(t *testing.T) {
	for _, c := range []struct {
		name string
		log  *writer
		want string
	}{
		{"full disk while waiting", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", "").die("run_live_builds", "IOError: [Errno 28] No space left on device"),
			"none\nhost disk-space: IOError: [Errno 28] No space left on device\ndo: free space on the cdimage host, then wait for a good end of build 75001, then publish-only re-run the same UTC day\n"},
		{"502 while waiting, none has ended", newLog("ubuntu-touch", "wily").build("armhf", "", "i386", "").die("lp_refresh", "ServerError: HTTP Error 502: Bad Gateway"),
			"none\nlaunchpad infrastructure: ServerError: HTTP Error 502: Bad Gateway\ndo: wait for a good end of builds 75000, 75001, then publish-only re-run the same UTC day when Launchpad is back\n"},
		{"503 while asking", newLog("ubuntu-touch", "wily").build("armhf", "").line("ubuntu-touch-i386 on Launchpad starting at 2016-09-13 02:13:18").die("requestBuild", "ServerError: HTTP Error 503: Service Unavailable"),
			"none\nlaunchpad infrastructure: ServerError: HTTP Error 503: Service Unavailable\ndo: full rebuild when Launchpad is back; build 75000 goes on alone\n"},
		{"503 before the second was asked for", newLog("ubuntu-touch", "wily").build("armhf", "").die("get_lp_livefs", "ServerError: HTTP Error 503: Service Unavailable"),
			"none\nlaunchpad infrastructure: ServerError: HTTP Error 503: Service Unavailable\ndo: full rebuild when Launchpad is back; build 75000 goes on alone\n"},
		{"killed", newLog("ubuntu-touch", "wily").build("armhf", "", "i386", good),
			"none\ndo: full rebuild; build 75000 goes on alone; killed: the log has not grown for 16h57m0s\n"},
		{"one failed, one goes on", newLog("ubuntu-touch", "wily").build("armhf", "", "i386", "Cancelled build").die("lp_refresh", "ServerError: HTTP Error 502: Bad Gateway"),
			"none\nubuntu-touch-i386 cancelled: \nlaunchpad infrastructure: ServerError: HTTP Error 502: Bad Gateway\ndo: full rebuild if the cancellation was not meant\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := diagnose(t, c.log)
			if diff := cmp.Diff(c.want, summary(d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestReasonsWithoutATraceback: a run that goes on after a fault, and publishes
// less than it was to.
func TestReasonsWithoutATraceback(t *testing.T) {
	const makeError = "make: *** [/srv/cdimage.ubuntu.com/scratch/lubuntu/xenial/daily/tmp/xenial-powerpc/packages-stamp] Error 1"
	lubuntu := func() *writer { return newLog("lubuntu", "xenial") }
	for _, c := range []struct {
		name string
		log  *writer
		want string
	}{
		{"no images, no live file systems", lubuntu().stage("Building Lubuntu daily CDs").line("CD1 missing some packages needed by debootstrap").line(makeError).
			stage("Publishing").line("No daily image for powerpc!").line("No images produced!").stage("Finished"),
			"none\npublish unknown: " + makeError + "\ndo: read the log, then look up the newest live file system of each architecture, then publish-only re-run the same UTC day\n"},
		{"killed after make failed", lubuntu().build("powerpc", good).stage("Downloading live filesystem images").stage("Building Packages and Sources list files").line("Missing debootstrap-required libfoo-perl").line(makeError),
			"none\npublish unknown: " + makeError + "\ndo: read the log, then publish-only re-run the same UTC day; killed: the log has not grown for 16h57m0s\n"},
		{"debian-cd, all of it", lubuntu().build("powerpc", good).stage("Downloading live filesystem images").got("powerpc", "squashfs").stage("Building Lubuntu daily CDs").line(makeError).
			stage("Publishing").line("No daily image for powerpc!").line("No images produced!").stage("Finished"),
			"none\nlubuntu-powerpc unknown: " + makeError + "\ndo: read the log, then publish-only re-run the same UTC day\n"},
		{"nothing says why", lubuntu().stage("Publishing").line("No images produced!").stage("Finished"),
			"none\npublish unknown: No images produced!\ndo: read the log, then look up the newest live file system of each architecture, then publish-only re-run the same UTC day\n"},
		{"a body was cut", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good).stage("Downloading live filesystem images").got("armhf", "rootfs.tar.gz").publish("armhf").line("No preinstalled-touch image for i386!").finish(),
			"partial\nubuntu-touch-i386 network: No preinstalled-touch image for i386!\ndo: publish-only re-run the same UTC day\n"},
		{"a body was cut, today", newLog("ubuntu-server", "noble").build("arm64+raspi", good, "amd64+generic", good).stage("Downloading live filesystem images").got("arm64+raspi", "disk1.img.xz").publish("arm64+raspi").finish(),
			"partial\nubuntu-server-amd64-generic network: ===== Downloading live filesystem images =====\ndo: publish-only re-run the same UTC day\n"},
		{"all bodies were cut", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good).stage("Downloading live filesystem images").die("download_live_filesystems", "NoFilesystemImages: No filesystem images found."),
			"none\npublish network: NoFilesystemImages: No filesystem images found.\ndo: publish-only re-run the same UTC day\n"},
		{"the body of a device's image was cut", newLog("ubuntu-touch", "wily").build("armhf", good).stage("Downloading live filesystem images").got("armhf", "rootfs.tar.gz").stage("Copying images to debian-cd output directory").
			die("add_android_support", "IOError: [Errno 2] No such file or directory: '/srv/cdimage.ubuntu.com/scratch/ubuntu-touch/wily/daily-preinstalled/live/boot-armhf+mako.img'"),
			"none\npublish network: IOError: [Errno 2] No such file or directory: '/srv/cdimage.ubuntu.com/scratch/ubuntu-touch/wily/daily-preinstalled/live/boot-armhf+mako.img'\ndo: publish-only re-run the same UTC day\n"},
		{"nothing came, then another stage died", newLog("ubuntu-server", "noble").build("amd64+generic", good, "arm64+generic", good).stage("Downloading live filesystem images").
			line("http://127.0.0.1:8199/missing/livecd.ubuntu-cpc.manifest:").line("2016-09-13 03:13:59 ERROR 404: File not found.").line("http://127.0.0.1:8199/missing/livecd.ubuntu-cpc.manifest:").line("2016-09-13 03:13:59 ERROR 404: File not found.").
			stage("Publishing").line("No images produced!").stage("Purging old images").stage("Handling simplestreams").line("Refreshing simplestreams...").die("refresh_simplestreams", "ModuleNotFoundError: No module named 'simplestreams'"),
			"none\npublish network: 2016-09-13 03:13:59 ERROR 404: File not found.\npublish unknown: ModuleNotFoundError: No module named 'simplestreams'\ndo: read the log, then publish-only re-run the same UTC day\n"},
		{"one did not come, then the disk was full", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good).stage("Downloading live filesystem images").failed(1, "rootfs.tar.gz", "404: Not Found").got("armhf", "rootfs.tar.gz").
			publish("armhf").line("No preinstalled-touch image for i386!").line("No keys found; not signing images.").stage("Purging old images").die("purge", "OSError: [Errno 28] No space left on device"),
			"partial\nubuntu-touch-i386 network: 2016-09-13 03:13:18 ERROR 404: Not Found.\nhost disk-space: OSError: [Errno 28] No space left on device\ndo: free space on the cdimage host, then publish-only re-run the same UTC day\n"},
		{"Test Observer refuses", newLog("ubuntu-server", "noble").build("amd64+generic", good).publish("amd64").line("Submitting images to Test Observer").line("HTTP error 403").line("Couldn't submit artifact to Test Observer: 403 Forbidden").finish(),
			"complete\ntest observer configuration warning: Couldn't submit artifact to Test Observer: 403 Forbidden\ndo: submit the images to Test Observer again\n"},
		{"Test Observer and mirrors", newLog("ubuntu-server", "noble").build("amd64+generic", good).publish("amd64").line("Couldn't submit artifact to Test Observer: 503 Server Error").finish().line("ssh: connect to host mirror-a.example.internal port 22: Connection timed out"),
			"complete\ntest observer network warning: Couldn't submit artifact to Test Observer: 503 Server Error\nmirrors network warning: ssh: connect to host mirror-a.example.internal port 22: Connection timed out\ndo: submit the images to Test Observer again, re-trigger mirrors\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, summary(diagnose(t, c.log))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestHostAndItsNeighbours: what the image host, its network or Launchpad's answer
// lacks is said in the remedy, which is never just to do it again.
func TestHostAndItsNeighbours(t *testing.T) {
	built := func() *writer { return newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good) }
	publishing := func() *writer {
		return built().stage("Downloading live filesystem images").got("armhf", "rootfs.tar.gz").got("i386", "rootfs.tar.gz").stage("Publishing").line("Publishing armhf ...")
	}
	downloading := func() *writer { return built().stage("Downloading live filesystem images") }
	asking := func() *writer {
		return newLog("ubuntu-touch", "wily").stage("Building live filesystems").line("ubuntu-touch-armhf on Launchpad starting at 2016-09-13 02:13:18")
	}
	const noImages = "NoFilesystemImages: No filesystem images found."
	for _, c := range []struct {
		name string
		log  *writer
		want string
	}{
		{"quota", publishing().die("publish_binary", "OSError: [Errno 122] Disk quota exceeded: '/srv/x'"),
			"broken\nhost disk-space: OSError: [Errno 122] Disk quota exceeded: '/srv/x'\ndo: free space on the cdimage host, then publish-only re-run the same UTC day\n"},
		{"quota while downloading", downloading().line("Cannot write to '/srv/cdimage.ubuntu.com/scratch/ubuntu-touch/wily/daily-preinstalled/live/armhf.rootfs.tar.gz' (Disk quota exceeded).").die("download_live_filesystems", noImages),
			"none\nhost disk-space: Cannot write to '/srv/cdimage.ubuntu.com/scratch/ubuntu-touch/wily/daily-preinstalled/live/armhf.rootfs.tar.gz' (Disk quota exceeded).\ndo: free space on the cdimage host, then publish-only re-run the same UTC day\n"},
		{"memory", publishing().die("run", "OSError: [Errno 12] Cannot allocate memory"),
			"broken\nhost infrastructure: OSError: [Errno 12] Cannot allocate memory\ndo: give the cdimage host memory, then publish-only re-run the same UTC day\n"},
		{"memory of Python", publishing().die("checksum", "MemoryError"),
			"broken\nhost infrastructure: MemoryError\ndo: give the cdimage host memory, then publish-only re-run the same UTC day\n"},
		{"permission", publishing().die("publish_binary", "PermissionError: [Errno 13] Permission denied: '/srv/x'"),
			"broken\nhost configuration: PermissionError: [Errno 13] Permission denied: '/srv/x'\ndo: give the files of the cdimage host back to the user who builds, then publish-only re-run the same UTC day\n"},
		{"read-only", publishing().die("publish_binary", "IOError: [Errno 30] Read-only file system: '/srv/x'"),
			"broken\nhost infrastructure: IOError: [Errno 30] Read-only file system: '/srv/x'\ndo: mend the disk of the cdimage host, then publish-only re-run the same UTC day\n"},
		{"lost mount", publishing().die("publish_binary", "OSError: [Errno 116] Stale file handle: '/srv/x'"),
			"broken\nhost infrastructure: OSError: [Errno 116] Stale file handle: '/srv/x'\ndo: mend the disk of the cdimage host, then publish-only re-run the same UTC day\n"},
		{"signing", publishing().line("gpg: signing failed: No secret key").die("sign_cdimage", "Exception: Command 'gpg' returned non-zero exit status 2"),
			"broken\nhost configuration: gpg: signing failed: No secret key\ndo: mend the key that the cdimage host signs with, then publish-only re-run the same UTC day\n"},
		{"stopped", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", "").die("run_live_builds", "KeyboardInterrupt"),
			"none\nhost cancelled: KeyboardInterrupt\ndo: wait for a good end of build 75001, then publish-only re-run the same UTC day if it was not stopped on purpose\n"},

		{"too many questions", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", "").die("lp_refresh", "lazr.restfulclient.errors.ClientError: HTTP Error 429: Too Many Requests"),
			"none\nlaunchpad infrastructure: lazr.restfulclient.errors.ClientError: HTTP Error 429: Too Many Requests\ndo: wait for a good end of build 75001, then publish-only re-run the same UTC day when Launchpad is back\n"},
		{"a page in the place of JSON", asking().die("get_lp", "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
			"none\nlaunchpad infrastructure: json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)\ndo: full rebuild when Launchpad is back\n"},
		{"certificate", asking().die("get_lp", "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:997)"),
			"none\nlaunchpad network: ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:997)\ndo: mend the certificates of the cdimage host, or its clock, then full rebuild\n"},
		{"certificate of wget", downloading().line("ERROR: cannot verify launchpadlibrarian.net's certificate, issued by 'CN=x':").line("  Issued certificate has expired.").die("download_live_filesystems", noImages),
			"none\npublish network: ERROR: cannot verify launchpadlibrarian.net's certificate, issued by 'CN=x':\ndo: mend the certificates of the cdimage host, or its clock, then publish-only re-run the same UTC day\n"},
		{"handshake", asking().die("get_lp", "ssl.SSLError: [SSL: TLSV1_ALERT_INTERNAL_ERROR] tlsv1 alert internal error (_ssl.c:997)"),
			"none\nlaunchpad network: ssl.SSLError: [SSL: TLSV1_ALERT_INTERNAL_ERROR] tlsv1 alert internal error (_ssl.c:997)\ndo: full rebuild when the network is back\n"},
		{"hidden files", downloading().failed(0, "rootfs.tar.gz", "403: Forbidden").failed(1, "rootfs.tar.gz", "403: Forbidden").die("download_live_filesystems", noImages),
			"none\npublish network: 2016-09-13 03:13:18 ERROR 403: Forbidden.\ndo: find out why Launchpad refuses the files, then publish-only re-run the same UTC day\n"},
		{"files that are gone", downloading().failed(0, "rootfs.tar.gz", "410: Gone").failed(1, "rootfs.tar.gz", "410: Gone").die("download_live_filesystems", noImages),
			"none\npublish network: 2016-09-13 03:13:18 ERROR 410: Gone.\ndo: publish-only re-run the same UTC day\n"},
		{"cut in a traceback", publishing().line("Traceback (most recent call last):").line("  File \"x.py\", line 3, in f"),
			"broken\ndo: publish-only re-run the same UTC day; killed: the log has not grown for 16h37m0s\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := diagnose(t, c.log)
			if diff := cmp.Diff(c.want, summary(d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if slices.Contains(d.Warnings, "") {
				t.Errorf("an empty remark: %q", d.Warnings)
			}
		})
	}
}

// TestOwnBuildRules: a rule of an importer counts where no traceback stands beside
// its line, and as a warning where it says so.
func TestOwnBuildRules(t *testing.T) {
	signing := cause.Rule{Class: "signing", Pattern: `^gpg: signing failed: `, Remedy: cause.Remedy{Text: "unlock the signing key, then {again}", Actions: []cause.Action{cause.FixConfiguration}}}
	for _, c := range []struct {
		name    string
		log     *writer
		warning bool
		want    string
	}{
		{"nothing published", newLog("ubuntu-touch", "wily").build("armhf", good).stage("Publishing").line("gpg: signing failed: no key").line("No images produced!").stage("Finished"), false,
			"none\npublish signing: gpg: signing failed: no key\ndo: unlock the signing key, then publish-only re-run the same UTC day\n"},
		{"killed", newLog("ubuntu-touch", "wily").build("armhf", good).stage("Copying images to debian-cd output directory").line("gpg: signing failed: no key"), false,
			"none\npublish signing: gpg: signing failed: no key\ndo: unlock the signing key, then publish-only re-run the same UTC day; killed: the log has not grown for 17h7m0s\n"},
		{"beside a live file system that failed", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", failed).publish("armhf").line("gpg: signing failed: no key").finish(), false,
			"partial\nubuntu-touch-i386 unknown: \npublish signing: gpg: signing failed: no key\ndo: read the livefs log\n"},
		{"published", newLog("ubuntu-touch", "wily").build("armhf", good).publish("armhf").line("gpg: signing failed: no key").finish(), false,
			"complete\ndo: none\n"},
		{"a warning", newLog("ubuntu-touch", "wily").build("armhf", good).publish("armhf").line("gpg: signing failed: no key").finish(), true,
			"complete\npublish signing warning: gpg: signing failed: no key\ndo: unlock the signing key\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			signing.Warning = c.warning
			rules, err := cdimage.Compile(nil, append(new(cdimage.Rules).Build(), signing))
			if err != nil {
				t.Fatal(err)
			}
			log, err := rules.ParseBuildLog(strings.NewReader(c.log.String()))
			if err != nil {
				t.Fatal(err)
			}
			d := cdimage.Diagnose(cdimage.Evidence{Build: cdimage.Build{ImageSet: c.log.set, ID: cdimage.BuildID{Day: 20160913}}, Log: log, Now: sameDay, Ended: true})
			if diff := cmp.Diff(c.want, summary(d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestAgeWithoutATime: a log that has no time is not from the year 1.
func TestAgeWithoutATime(t *testing.T) {
	log := parseBuild(t, "xubuntu-amd64: https://launchpad.net/~o/+livefs/ubuntu/resolute/xubuntu/+build/1\n")
	for name, e := range map[string]cdimage.Evidence{
		"taken now":        {Log: log, Now: sameDay},
		"no clock":         {Log: log},
		"known to be over": {Log: log, Now: sameDay, Ended: true},
	} {
		d := cdimage.Diagnose(e)
		if strings.Contains(d.Remedy, "has not grown") || d.Running == e.Ended {
			t.Errorf("%s: running %v, %s", name, d.Running, d.Remedy)
		}
	}
}

// TestRemedyAndRepublishAgree: to publish again is advised only where it is safe, or
// where what has to hold first is said; and never where it would mix in an older live
// file system. In all recorded logs, at several times.
func TestRemedyAndRepublishAgree(t *testing.T) {
	seen := 0
	for name, text := range recordedBuildLogs(t) {
		log := parseBuild(t, text)
		build, err := cdimage.ParseBuild(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, after := range []time.Duration{time.Minute, 5 * time.Hour, 30 * time.Hour} {
			for _, ended := range []bool{false, true} {
				seen++
				d := cdimage.Diagnose(cdimage.Evidence{Build: build, Log: log, Now: log.End.Add(after), Ended: ended})
				r := d.Republish
				if r.Safe && r.First != "" {
					t.Errorf("%s: safe, and first %s", name, r.First)
				}
				if advised := slices.Contains(d.Actions, cause.PublishOnly); advised && !r.Safe && r.First == "" {
					t.Errorf("%s: %s, but safe: no, %s", name, d.Remedy, r.Why)
				}
				if slices.Contains(d.Actions, cause.FullRebuild) && r.Safe {
					t.Errorf("%s: %s, but safe: yes", name, d.Remedy)
				}
				for _, a := range d.Arches {
					if slices.Contains(d.Actions, cause.PublishOnly) && !a.Good() && a.State != "in progress" && a.State != "unknown" {
						t.Errorf("%s: %s, with %s %s", name, d.Remedy, a.Label, a.State)
					}
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("%d diagnoses", seen)
	}
}

// TestLogThatCouldNotBeWritten: a run that ended well and whose log has no end is
// judged by its directory, and not called killed.
func TestLogThatCouldNotBeWritten(t *testing.T) {
	log := newLog("ubuntu-server", "noble").build("arm64+raspi", good, "amd64+generic", good).stage("Downloading live filesystem images").got("arm64+raspi", "disk1.img.xz")
	exit := func(n int) *int { return &n }
	for _, c := range []struct {
		name  string
		text  string
		exit  *int
		files []string
		want  string
	}{
		{"all is there", log.String() + "2016-09-13 03:0", exit(0), []string{"noble-preinstalled-server-arm64+raspi.img.xz", "noble-preinstalled-server-amd64.img.xz", "SHA256SUMS"},
			"complete\nhost disk-space warning: the run ended with status 0, its log has no end: there was no room to write it\ndo: free space for the logs on the cdimage host; the image is published\n"},
		{"one is missing", log.String(), exit(0), []string{"noble-preinstalled-server-arm64+raspi.img.xz"},
			"partial\nhost disk-space: the run ended with status 0, its log has no end: there was no room to write it\ndo: free space on the cdimage host, then publish-only re-run the same UTC day\n"},
		{"nothing is there", log.String(), exit(0), []string{},
			"none\nhost disk-space: the run ended with status 0, its log has no end: there was no room to write it\ndo: free space on the cdimage host, then publish-only re-run the same UTC day\n"},
		{"killed", log.String(), exit(143), []string{}, "none\ndo: publish-only re-run the same UTC day; killed: the log has not grown for 16h47m0s\n"},
		{"killed, by all that is known", log.String(), nil, nil, "none\ndo: publish-only re-run the same UTC day; killed: the log has not grown for 16h47m0s\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := cdimage.Diagnose(cdimage.Evidence{Build: cdimage.Build{ImageSet: log.set, ID: cdimage.BuildID{Day: 20160913}},
				Log: parseBuild(t, c.text), Now: sameDay, Ended: true, Exit: c.exit, Files: c.files})
			if diff := cmp.Diff(c.want, summary(d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if cut := slices.Contains(d.Warnings, "the log stops in the middle of a line"); cut == strings.HasSuffix(c.text, "\n") {
				t.Errorf("warnings %q", d.Warnings)
			}
		})
	}
}

// TestLabelOfFile: the publisher's names for what the labels call otherwise.
func TestLabelOfFile(t *testing.T) {
	arches := cdimage.Arches{{Label: "ubuntu-server-amd64-generic"}, {Label: "ubuntu-server-arm64-raspi"}, {Label: "ubuntu-server-arm64-generic"}, {Label: "ubuntu-touch-custom-armhf"}}
	for file, want := range map[string]string{
		"noble-preinstalled-server-amd64.img.xz":         "ubuntu-server-amd64-generic",
		"noble-preinstalled-server-arm64+raspi.img.xz":   "ubuntu-server-arm64-raspi",
		"noble-preinstalled-server-arm64.img.xz":         "ubuntu-server-arm64-generic",
		"noble-preinstalled-server-arm64+raspi.manifest": "ubuntu-server-arm64-raspi",
		"14.09-preinstalled-touch-armhf.tar.gz":          "ubuntu-touch-custom-armhf",
		"vivid-preinstalled-boot-armhf+mako.img":         "ubuntu-touch-custom-armhf",
		"vivid-preinstalled-recovery-armel+mako.img":     "ubuntu-touch-custom-armhf",
		"vivid-preinstalled-touch-i386.tar.gz":           "",
		"SHA256SUMS":                                     "",
		".marked_good":                                   "",
		"vivid-":                                         "",
	} {
		if got := arches.LabelOfFile(file); got != want {
			t.Errorf("%s: %q, want %q", file, got, want)
		}
	}
}
