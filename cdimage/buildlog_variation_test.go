package cdimage_test

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/cause"
)

// A writer puts a cd-build-log together line by line.
type writer struct {
	strings.Builder
	set  cdimage.ImageSet
	sub  string
	next int
	now  time.Time
}

func newLog(project, series string) *writer {
	return &writer{set: cdimage.ImageSet{Project: project, Series: series, Type: "daily-preinstalled"}, next: 75000, now: time.Date(2016, 9, 13, 2, 13, 18, 0, time.UTC)}
}

func (w *writer) line(format string, args ...any) *writer {
	fmt.Fprintf(w, format+"\n", args...)
	return w
}

func (w *writer) stage(name string) *writer {
	w.now = w.now.Add(10 * time.Minute)
	return w.line("===== %s =====", name).line("%s", w.now.Format("Mon Jan _2 15:04:05 UTC 2006"))
}

func (w *writer) label(arch string) string {
	l := w.set.Project
	if w.sub != "" {
		l += "-" + w.sub
	}
	return l + "-" + strings.ReplaceAll(arch, "+", "-")
}

// build writes the whole first stage: arch, state, arch, state…; an empty
// state leaves out the end.
func (w *writer) build(archStates ...string) *writer {
	w.stage("Building live filesystems")
	const clock = "2006-01-02 15:04:05"
	for i := 0; i < len(archStates); i += 2 {
		w.line("%s on Launchpad starting at %s", w.label(archStates[i]), w.now.Format(clock))
		w.line("%s: https://launchpad.net/~ubuntu-cdimage/+livefs/ubuntu/%s/%s/+build/%d", w.label(archStates[i]), w.set.Series, w.set.Project, w.next)
		w.next++
	}
	for i := 0; i < len(archStates); i += 2 {
		w.now = w.now.Add(20 * time.Minute)
		if archStates[i+1] != "" {
			w.line("%s on Launchpad finished at %s (%s)", w.label(archStates[i]), w.now.Format(clock), archStates[i+1])
		}
	}
	return w
}

func (w *writer) got(arch, file string) *writer {
	target := arch + "." + file
	if strings.Contains(file, arch) {
		target = file
	}
	return w.line(`%s URL:https://launchpadlibrarian.net/200525707/livecd.ubuntu-touch.%s [37/37] -> "/srv/cdimage.ubuntu.com/scratch/%s/%s/%s/live/%s" [1]`, w.now.Format("2006-01-02 15:04:05"), file, w.set.Project, w.set.Series, w.set.Type, target)
}

// failed writes wget's two lines about a file of the n-th livefs build.
func (w *writer) failed(n int, file, status string) *writer {
	return w.line("https://launchpad.net/~ubuntu-cdimage/+livefs/ubuntu/%s/%s/+build/%d/+files/livecd.ubuntu-touch.%s:", w.set.Series, w.set.Project, 75000+n, file).
		line("%s ERROR %s.", w.now.Format("2006-01-02 15:04:05"), status)
}

func (w *writer) publish(arches ...string) *writer {
	w.stage("Copying images to debian-cd output directory").stage("Publishing")
	for _, a := range arches {
		w.line("Publishing %s ...", a).line("Publishing %s live manifest ...", a).line("Making %s zsync metafile ...", a)
	}
	return w
}

func (w *writer) finish() *writer {
	return w.line("No keys found; not signing images.").stage("Purging old images").stage("Triggering mirrors").line("mirror-a.example.internal:").stage("Finished")
}

func (w *writer) die(function string, lines ...string) *writer {
	w.line("Traceback (most recent call last):").
		line(`  File "/srv/cdimage.ubuntu.com/bin/../lib/cdimage/build.py", line 714, in build_image_set_locked`).
		line(`    x = %s(config)`, function).
		line(`  File "/srv/cdimage.ubuntu.com/bin/../lib/cdimage/livefs.py", line 373, in %s`, function)
	for _, l := range lines {
		w.line("%s", l)
	}
	return w
}

const (
	good   = "Successfully built"
	failed = "Failed to build"
)

func TestBuildLogVariations(t *testing.T) {
	noImages := []string{`    raise NoFilesystemImages("No filesystem images found.")`, "NoFilesystemImages: No filesystem images found."}
	for _, c := range []struct {
		name    string
		log     *writer
		publish cdimage.Outcome
		causes  string // scope class, …
		actions string
		safe    bool
	}{
		{"order of architectures turned round", newLog("ubuntu-touch", "wily").build("i386", good, "armhf", failed).got("i386", "rootfs.tar.gz").publish("i386").finish(),
			cdimage.Partial, "ubuntu-touch-armhf unknown", "read-livefs-log", false},
		{"three architectures", newLog("ubuntu-touch", "xenial").build("armhf", good, "i386", "Cancelled build", "arm64", good).got("armhf", "rootfs.tar.gz").got("arm64", "rootfs.tar.gz").publish("armhf", "arm64").finish(),
			cdimage.Partial, "ubuntu-touch-i386 cancelled", "full-rebuild", false},
		{"one upload fails, one chroot", newLog("ubuntu-touch", "xenial").build("armhf", "Failed to upload", "i386", "Chroot problem", "arm64", good).publish("arm64").finish(),
			cdimage.Partial, "ubuntu-touch-armhf upload, ubuntu-touch-i386 chroot", "wait full-rebuild", false},
		{"taken for ended too early", newLog("ubuntu-touch", "xenial").build("armhf", "Gathering build output", "i386", good).publish("i386").finish(),
			cdimage.Partial, "ubuntu-touch-armhf infrastructure", "full-rebuild ask-launchpad", false},

		{"no address, one missing", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good).stage("Downloading live filesystem images").got("armhf", "rootfs.tar.gz").line("failed: Connection timed out.").publish("armhf").line("No preinstalled-touch image for i386!").finish(),
			cdimage.Partial, "ubuntu-touch-i386 network", "publish-only", true},
		{"no address, both missing", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good).stage("Downloading live filesystem images").line("Unable to establish SSL connection.").line("Unable to establish SSL connection.").die("download_live_filesystems", noImages...),
			cdimage.None, "publish network", "publish-only", true},
		{"resumed by wget", newLog("ubuntu-touch", "wily").build("armhf", good).stage("Downloading live filesystem images").line("Read error (Connection reset by peer) in headers.").line("Read error (Connection reset by peer) in headers.").
			line(`2016-09-13 03:11:38 URL:https://launchpadlibrarian.net/1/livecd.ubuntu-touch.rootfs.tar.gz [37/37] -> "/srv/cdimage.ubuntu.com/scratch/ubuntu-touch/wily/daily-preinstalled/live/armhf.rootfs.tar.gz" [3]`).publish("armhf").finish(),
			cdimage.Complete, "", "nothing", true},
		{"failed, then came", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good).stage("Downloading live filesystem images").failed(1, "rootfs.tar.gz", "502: Bad Gateway").got("armhf", "rootfs.tar.gz").got("i386", "rootfs.tar.gz").publish("armhf", "i386").finish(),
			cdimage.Complete, "", "nothing", true},
		{"the other one came", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good).stage("Downloading live filesystem images").failed(1, "rootfs.tar.gz", "502: Bad Gateway").got("armhf", "rootfs.tar.gz").publish("armhf").finish(),
			cdimage.Partial, "ubuntu-touch-i386 network", "publish-only", true},
		{"device image missing", newLog("ubuntu-touch", "wily").build("armhf", good).stage("Downloading live filesystem images").got("armhf", "rootfs.tar.gz").failed(0, "boot-armhf+flo.img", "503: Service Unavailable").stage("Copying images to debian-cd output directory").
			die("add_android_support", "IOError: [Errno 2] No such file or directory: '/srv/cdimage.ubuntu.com/scratch/ubuntu-touch/wily/daily-preinstalled/live/boot-armhf+flo.img'"),
			cdimage.None, "publish network", "publish-only", true},
		{"a livefs fails and a download too", newLog("ubuntu-touch", "wily").build("armhf", failed, "i386", good).stage("Downloading live filesystem images").failed(1, "rootfs.tar.gz", "404: Not Found").die("download_live_filesystems", noImages...),
			cdimage.None, "ubuntu-touch-armhf unknown, publish network", "read-livefs-log", false},
		{"today, all dropped", newLog("ubuntu-server", "stonking").build("arm64+raspi", good, "amd64+generic", good).stage("Downloading live filesystem images").failed(0, "disk1.img.xz", "404: Not Found").failed(1, "disk1.img.xz", "404: Not Found").publish().line("No images produced!").finish(),
			cdimage.None, "publish network", "publish-only", true},
		{"subproject and mapped names", func() *writer {
			w := newLog("ubuntu-server", "noble")
			w.sub = "live"
			return w.build("arm64+largemem", good, "amd64+generic", good, "arm64+generic", failed).publish("arm64+largemem", "amd64").finish()
		}(), cdimage.Partial, "ubuntu-server-live-arm64-generic unknown", "read-livefs-log", false},

		{"Launchpad loses its mind while polling", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", "").die("lp_refresh", "ServerError: HTTP Error 502: Bad Gateway", "Response headers:", "---", "status: 502", "---", "Response body:", "---", "<html>", "---"),
			cdimage.None, "launchpad infrastructure", "wait publish-only", false},
		{"Launchpad refuses the credentials", newLog("ubuntu-touch", "wily").stage("Building live filesystems").line("ubuntu-touch-armhf on Launchpad starting at 2016-09-13 02:13:18").die("run_live_builds", "Unauthorized: HTTP Error 401: Unauthorized", "Response headers:", "---", "status: 401", "---", "Response body:", "---", "Unknown access token", "---"),
			cdimage.None, "launchpad infrastructure", "full-rebuild", false},
		{"publish only, Launchpad down", newLog("ubuntu-touch", "wily").stage("Downloading live filesystem images").die("live_item_paths", "ServerError: HTTP Error 503: Service Unavailable"),
			cdimage.None, "launchpad infrastructure", "publish-only", false},
		{"no such livefs", newLog("ubuntu-touch", "wily").stage("Building live filesystems").die("get_lp_livefs", "Exception: Live filesystem ubuntu-touch not found on ~ubuntu-cdimage"),
			cdimage.None, "host configuration", "fix-configuration full-rebuild", false},
		{"no builder", newLog("ubuntu-touch", "saucy").stage("Building live filesystems").die("live_builder", "UnknownArchitecture: No live filesystem builder known for ubuntu-touch"),
			cdimage.None, "host configuration", "fix-configuration full-rebuild", false},
		{"nothing to reuse", newLog("ubuntu-touch", "noble").stage("Building live filesystems").line("ubuntu-touch-armhf on Launchpad starting at 2016-09-13 02:13:18").die("run_live_builds", "Exception: no build found to reuse for armhf"),
			cdimage.None, "publish operator", "full-rebuild", false},
		{"forced ID", newLog("ubuntu-touch", "wily").build("armhf", good).publish().die("new_publish_dir", "OSError: [Errno 17] File exists: '/srv/cdimage.ubuntu.com/www/full/ubuntu-touch/wily/daily-preinstalled/20160913'"),
			cdimage.None, "publish operator", "correct-command publish-only", true},
		{"unknown crash", newLog("ubuntu-touch", "wily").build("armhf", good).stage("Copying images to debian-cd output directory").die("build_livecd_base", "KeyError: 'armhf'"),
			cdimage.None, "publish unknown", "publish-only", true},
		{"full disk, today", newLog("ubuntu-touch", "noble").build("armhf", good).publish("armhf").die("publish_binary", "OSError: [Errno 28] No space left on device: '/srv/x'"),
			cdimage.Broken, "host disk-space", "free-space publish-only", true},
		{"full disk, livefs failed as well", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", failed).publish("armhf").die("publish_binary", "IOError: [Errno 28] No space left on device"),
			cdimage.Broken, "ubuntu-touch-i386 unknown, host disk-space", "free-space read-livefs-log", false},

		{"seed", newLog("xubuntu", "wily").build("amd64", good).stage("Germinating").line("Germinating for wily/amd64 ...").line("* Cloning branch wily of https://git.launchpad.net/x").line("! Could not open STRUCTURE from checkout of (any of):").die("germinate_arch", "CalledProcessError: Command 'germinate' returned non-zero exit status 1"),
			cdimage.None, "publish seed", "fix-seed publish-only", true},
		{"seed, a package", newLog("xubuntu", "wily").build("amd64", good).stage("Germinating").line("! Unknown package fail2ban-error for seed desktop").die("germinate_arch", "CalledProcessError: Command 'germinate' returned non-zero exit status 1"),
			cdimage.None, "publish seed", "fix-seed publish-only", true},
		{"seeds time out", newLog("xubuntu", "wily").build("amd64", good).stage("Germinating").line("Timed out opening https://git.launchpad.net/x, failing").line("! Could not open STRUCTURE from checkout of (any of):").die("germinate_arch", "CalledProcessError: Command 'germinate' returned non-zero exit status 1"),
			cdimage.None, "publish network", "publish-only", true},
		{"seeds in bzr, no network", newLog("xubuntu", "wily").build("amd64", good).stage("Germinating").line("ssh: connect to host bazaar.launchpad.net port 22: Connection timed out").line("ConnectionReset reading response for 'BzrDir.open_2.1', retrying").line("! Could not open STRUCTURE from checkout of (any of):").die("germinate_arch", "CalledProcessError: Command 'germinate' returned non-zero exit status 1"),
			cdimage.None, "publish network", "publish-only", true},
		{"archive gone, today", newLog("xubuntu", "noble").build("amd64", good).line("Setting up apt state for noble/amd64 ...").line("Err:1 http://ftpmaster.internal/ubuntu noble InRelease").line("  Could not resolve 'ftpmaster.internal'").line("E: The repository 'http://ftpmaster.internal/ubuntu noble Release' no longer has a Release file.").die("setup", "subprocess.CalledProcessError: Command '['apt-get', '-q', 'update']' returned non-zero exit status 100."),
			cdimage.None, "publish network", "publish-only", true},
		{"archive lock", newLog("xubuntu", "wily").build("amd64", good).stage("Syncing Xubuntu mirror").line("Couldn't acquire archive sync lock!").die("sync_local_mirror", "CalledProcessError: Command '['lockfile']' returned non-zero exit status 73"),
			cdimage.None, "host lock", "wait publish-only", true},
		{"debian-cd fails", newLog("xubuntu", "wily").build("amd64", good, "i386", good).stage("Building Xubuntu daily CDs").line("make: *** [image] Error 1").publish("amd64").line("No daily-live image for i386!").finish(),
			cdimage.Partial, "xubuntu-i386 unknown", "publish-only", true},

		{"archive out of reach, germinate missing", newLog("xubuntu", "noble").build("amd64", good).line("W: Failed to fetch http://ftpmaster.internal/ubuntu/dists/noble/InRelease  Could not resolve 'ftpmaster.internal'").stage("Germinating").die("germinate_path", "cdimage.germinate.GerminateNotInstalled: Please check out lp:germinate in /srv/cdimage.ubuntu.com/germinate."),
			cdimage.None, "publish unknown", "publish-only", true},
		{"seeds complain, publisher dies", newLog("xubuntu", "noble").build("amd64", good).stage("Germinating").line("! Unknown package x for seed y").stage("Generating new task lists").stage("Copying iso to debian-cd output directory").die("copy_artifact", "KeyError: 'x'"),
			cdimage.None, "publish unknown", "publish-only", true},
		{"Launchpad out of reach", newLog("ubuntu-touch", "wily").build("armhf", "", "i386", "").die("lp_refresh", "httplib2.ServerNotFoundError: Unable to find the server at api.launchpad.net"),
			cdimage.None, "launchpad network", "wait publish-only", false},
		{"a livefs log does not come", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", failed).die("live_build_notify_failure", "timeout: timed out"),
			cdimage.None, "ubuntu-touch-i386 unknown, launchpad network", "read-livefs-log", false},
		{"file list out of reach", newLog("ubuntu-server", "noble").build("amd64+generic", good).stage("Downloading live filesystem images").die("download_livefs_artifacts", "http.client.RemoteDisconnected: Remote end closed connection without response"),
			cdimage.None, "publish network", "publish-only", true},

		{"died at the list of all images", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good).publish("armhf", "i386").line("No keys found; not signing images.").line(`lockfile: Sorry, giving up on "/srv/cdimage.ubuntu.com/etc/.lock-manifest-daily"`).line("Couldn't acquire manifest-daily lock!").die("publish", "CalledProcessError: Command '['lockfile', '-r', '4', '/srv/cdimage.ubuntu.com/etc/.lock-manifest-daily']' returned non-zero exit status 73"),
			cdimage.Complete, "host lock", "wait trigger-mirrors", true},
		{"died while signing", newLog("ubuntu-touch", "wily").build("armhf", good).publish("armhf").die("polish_directory", "Exception: gpg: signing failed: No secret key"),
			cdimage.Broken, "publish unknown", "publish-only", true},
		{"died at the indices", newLog("ubuntu-touch", "wily").build("armhf", good).publish("armhf").line("No keys found; not signing images.").die("polish_directory", "WebIndicesException: Unknown image type x!"),
			cdimage.Broken, "publish unknown", "publish-only", true},
		{"died while purging", newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good).stage("Downloading live filesystem images").got("armhf", "rootfs.tar.gz").failed(1, "rootfs.tar.gz", "404: Not Found").publish("armhf").line("No preinstalled-touch image for i386!").line("No keys found; not signing images.").stage("Purging old images").die("purge", "OSError: [Errno 39] Directory not empty: '/srv/x'"),
			cdimage.Partial, "ubuntu-touch-i386 network, publish unknown", "publish-only", true},
		{"died at the mirrors", newLog("ubuntu-touch", "wily").build("armhf", good).publish("armhf").line("No keys found; not signing images.").stage("Purging old images").stage("Triggering mirrors").die("trigger_mirrors", "IOError: [Errno 13] Permission denied: 'x'"),
			cdimage.Complete, "mirrors unknown", "trigger-mirrors", true},
		{"tracker and Test Observer", newLog("ubuntu-touch", "wily").build("armhf", good).publish("armhf").line("No keys found; not signing images.").die("post_qa", "ProtocolError: <ProtocolError for iso.qa.ubuntu.com/xmlrpc.php: 503 Service Temporarily Unavailable>").line("Couldn't submit artifact to Test Observer: 500 Server Error").finish(),
			cdimage.Complete, "test observer network", "submit-again", true},
		{"mirror refuses", newLog("ubuntu-touch", "wily").build("armhf", good).publish("armhf").finish().line("Permission denied (publickey)."),
			cdimage.Complete, "mirrors configuration", "trigger-mirrors", true},
		{"a mirror is full", newLog("ubuntu-touch", "wily").build("armhf", good).publish("armhf").finish().line(`rsync: write failed on "/srv/mirror/x": No space left on device (28)`),
			cdimage.Complete, "mirrors disk-space", "trigger-mirrors", true},
		{"old era", newLog("ubuntu-touch", "saucy").stage("Building live filesystems").line("ubuntu-touch-armhf on kishi08.buildd starting at 2013-09-13 02:13:18").line("ubuntu-touch-armhf on kishi08.buildd finished at 2013-09-13 03:13:18 (success)").publish("armhf").finish(),
			cdimage.Complete, "", "nothing", true},
		{"old era, failed", newLog("ubuntu-touch", "saucy").stage("Building live filesystems").line("ubuntu-touch-armhf on kishi08.buildd starting at 2013-09-13 02:13:18").line("ubuntu-touch-armhf on kishi08.buildd finished at 2013-09-13 03:13:18 (failed)").die("run_live_builds", "LiveBuildsFailed: No live filesystem builds succeeded."),
			cdimage.None, "ubuntu-touch-armhf unknown", "read-livefs-log", false},
		{"chained traceback", newLog("ubuntu-touch", "noble").build("armhf", good).publish("armhf").die("copyfile", "OSError: [Errno 5] Input/output error", "", "During handling of the above exception, another exception occurred:", "").die("publish_binary", "OSError: [Errno 28] No space left on device"),
			cdimage.Broken, "host disk-space", "free-space publish-only", true},
		{"publish only, without one", newLog("ubuntu-touch", "wily").stage("Downloading live filesystem images").got("armhf", "rootfs.tar.gz").failed(1, "rootfs.tar.gz", "404: Not Found").publish("armhf").line("No preinstalled-touch image for i386!").finish(),
			cdimage.Partial, "ubuntu-touch-i386 network", "publish-only", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := parseBuild(t, c.log.String())
			id := cdimage.BuildID{Day: 20160913}
			d := cdimage.Diagnose(cdimage.Evidence{Build: cdimage.Build{ImageSet: c.log.set, ID: id}, Log: l, Now: time.Date(2016, 9, 13, 20, 0, 0, 0, time.UTC), Ended: true})
			if d.Publish != c.publish {
				t.Errorf("publish %s, want %s", d.Publish, c.publish)
			}
			var causes, actions []string
			for _, k := range d.Causes {
				causes = append(causes, k.Scope+" "+string(k.Class))
			}
			for _, a := range d.Actions {
				actions = append(actions, string(a))
			}
			if diff := cmp.Diff(c.causes, strings.Join(causes, ", ")); diff != "" {
				t.Errorf("causes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.actions, strings.Join(actions, " ")); diff != "" {
				t.Errorf("actions (-want +got):\n%s%s", diff, d.Remedy)
			}
			if d.Republish.Safe != c.safe {
				t.Errorf("re-run safe %v, want %v: %s", d.Republish.Safe, c.safe, d.Republish.Why)
			}
			for _, k := range d.Causes {
				if k.Needs == "" && k.Line == "" && k.Class != cause.Cancelled && k.Class != cause.Upload && k.Class != cause.Infrastructure {
					t.Errorf("no line for %+v", k)
				}
			}
		})
	}
}

// TestAge tells a run at work from a killed one by the age of its log alone.
func TestAge(t *testing.T) {
	building := newLog("ubuntu-touch", "wily").build("armhf", "", "i386", good)
	downloading := newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good).stage("Downloading live filesystem images")
	publishing := newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good).publish("armhf")
	purging := newLog("ubuntu-touch", "wily").build("armhf", good).publish("armhf").stage("Purging old images")
	for _, c := range []struct {
		name    string
		log     *writer
		age     time.Duration
		publish cdimage.Outcome
		state   string
		action  cause.Action
	}{
		{"building", building, time.Hour, cdimage.NotYet, "in progress", cause.Wait},
		{"building for long", building, 5 * time.Hour, cdimage.NotYet, "in progress", cause.Wait},
		{"killed while building", building, 7 * time.Hour, cdimage.None, "unknown", cause.FullRebuild},
		{"downloading", downloading, time.Hour, cdimage.NotYet, good, cause.Wait},
		{"killed while downloading", downloading, 3 * time.Hour, cdimage.None, good, cause.PublishOnly},
		{"publishing", publishing, time.Minute, cdimage.NotYet, good, cause.Wait},
		{"purging", purging, time.Minute, cdimage.Complete, good, cause.Wait},
		{"killed while purging", purging, 24 * time.Hour, cdimage.Complete, good, cause.TriggerMirrors},
		{"killed while publishing", publishing, 24 * time.Hour, cdimage.Broken, good, cause.PublishOnly},
	} {
		l := parseBuild(t, c.log.String())
		d := cdimage.Diagnose(cdimage.Evidence{Log: l, Now: l.End.Add(c.age)})
		if d.Publish != c.publish || d.Arches[0].State != c.state || d.Actions[0] != c.action || d.Arches[0].Published != (c.publish == cdimage.Complete) {
			t.Errorf("%s: publish %s, state %s, %v", c.name, d.Publish, d.Arches[0].State, d.Actions)
		}
	}
	empty := cdimage.Diagnose(cdimage.Evidence{Log: parseBuild(t, "")})
	if empty.Publish != cdimage.NotYet || empty.Actions[0] != cause.Wait {
		t.Errorf("empty: %+v", empty)
	}
}

// TestRepublish: safe only on the same day by the host's clock, with a good build
// of this very run for every architecture that is wanted.
func TestRepublish(t *testing.T) {
	log := newLog("ubuntu-touch", "wily").build("armhf", good, "i386", good).stage("Downloading live filesystem images").failed(1, "rootfs.tar.gz", "404: Not Found").publish("armhf").finish().String()
	id := cdimage.BuildID{Day: 20160913}
	for _, c := range []struct {
		name   string
		log    string
		now    time.Time
		wanted []string
		safe   bool
		why    string
	}{
		{"same day", log, time.Date(2016, 9, 13, 23, 59, 59, 0, time.UTC), nil, true, "every architecture"},
		{"same day elsewhere", log, time.Date(2016, 9, 14, 1, 30, 0, 0, time.FixedZone("CEST", 7200)), nil, true, "every architecture"},
		{"next day", log, time.Date(2016, 9, 14, 0, 0, 0, 0, time.UTC), nil, false, "past midnight"},
		{"next day elsewhere", log, time.Date(2016, 9, 13, 20, 0, 0, 0, time.FixedZone("EDT", -4*3600)), nil, false, "past midnight"},
		{"clock not known", log, time.Time{}, nil, false, "clock is not known"},
		{"clock not known, but the log is past midnight", strings.ReplaceAll(log, "Sep 13 ", "Sep 14 "), time.Time{}, nil, false, "past midnight"},
		{"one more is wanted", log, time.Date(2016, 9, 13, 12, 0, 0, 0, time.UTC), []string{"ubuntu-touch-armhf", "ubuntu-touch-arm64"}, false, "ubuntu-touch-arm64 is wanted"},
		{"reused", read(t, "cd-build-logs/ubuntu-server/stonking/daily-preinstalled-20260728.2.log"), time.Date(2026, 7, 28, 20, 0, 0, 0, time.UTC), nil, false, "reused"},
	} {
		e := cdimage.Evidence{Build: cdimage.Build{ID: id}, Log: parseBuild(t, c.log), Now: c.now, Wanted: c.wanted}
		if strings.HasPrefix(c.name, "reused") {
			e.Build.ID.Day = 20260728
		}
		r := cdimage.Diagnose(e).Republish
		if r.Safe != c.safe || !strings.Contains(r.Why, c.why) {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

// What is advised and what is said of publishing again agree, whatever the clock shows
// when somebody asks.
func TestRemedyAgreesWithRepublish(t *testing.T) {
	var logs []string
	err := fs.WalkDir(os.DirFS("testdata/cd-build-logs"), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".log") {
			logs = append(logs, path)
		}
		return err
	})
	if err != nil || len(logs) < 20 {
		t.Fatalf("%d logs, %v", len(logs), err)
	}
	for _, name := range logs {
		b, err := cdimage.ParseBuild(name)
		if err != nil {
			continue
		}
		log := parseBuild(t, read(t, "cd-build-logs/"+name))
		midnight := b.ID.Date().AddDate(0, 0, 1)
		for _, now := range []time.Time{{}, log.End, midnight.Add(-time.Minute), midnight, midnight.Add(time.Minute), midnight.AddDate(0, 0, 9)} {
			for _, ended := range []bool{false, true} {
				d := cdimage.Diagnose(cdimage.Evidence{Build: b, Log: log, Now: now, Ended: ended})
				advised := slices.Contains(d.Actions, cause.PublishOnly)
				wrongCommand := slices.ContainsFunc(d.Causes, func(c cause.Cause) bool { return c.Class == cause.Operator })
				if d.Publish == cdimage.Complete || d.Republish.Safe || !advised || wrongCommand {
					continue
				}
				if d.Republish.First == "" || !strings.Contains(d.Remedy, d.Republish.First+", then ") {
					t.Errorf("%s at %v:\ndo: %s\nsafe: no, first %q (%s)", name, now, d.Remedy, d.Republish.First, d.Republish.Why)
				}
			}
		}
	}
}
