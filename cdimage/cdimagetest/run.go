package cdimagetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
)

// run is one run of the image builder at work.
type run struct {
	*host
	log     *os.File
	build   cdimage.Build
	arches  []string
	good    map[string]int // number of the livefs build to publish, by architecture
	now     time.Time
	killed  bool
	dead    string // the traceback that ended the run
	fetched []string
}

// cron is cron.<type>: lock, counter, log, and then the stages.
func (h *host) cron(name string, args []string) int {
	live := false
	for _, a := range args {
		switch {
		case strings.HasPrefix("--live", a) && len(a) > 2:
			live = true
		default:
			fmt.Fprintf(h.stderr, "Usage: %s\n\n%s: error: no such option: %s\n", name, name, a)
			return 2
		}
	}
	set := cdimage.ImageSet{Subtree: h.vars["CDIMAGE_SUBTREE"], Project: h.vars["PROJECT"], Series: h.vars["DIST"], Type: strings.TrimPrefix(name, "cron.")}
	if set.Project == "" {
		fmt.Fprintf(h.stderr, "Usage: for-project PROJECT COMMAND\n")
		return 2
	}
	if set.Series == "" {
		set.Series = "vivid"
	}
	unlock, ok := h.lock(set)
	if !ok {
		return 1
	}
	defer unlock()
	r := &run{host: h, good: map[string]int{}, now: h.now()}
	var err error
	if r.build, err = h.nextID(set, r.now); err != nil {
		fmt.Fprintln(h.stderr, err)
		return 1
	}
	r.arches = strings.Fields(h.vars["ARCHES"])
	if len(r.arches) == 0 {
		r.arches = h.defaultArches()
	}
	name = filepath.Join(h.root, "log", r.build.LogPath())
	if err = os.MkdirAll(filepath.Dir(name), 0o755); err == nil {
		r.log, err = os.Create(name)
	}
	if err != nil {
		fmt.Fprintln(h.stderr, err)
		return 1
	}
	defer r.log.Close()
	r.stages(live)
	if !h.knobs.Now.IsZero() {
		k, err := GetKnobs(h.root)
		if err == nil && k.Now.Before(r.now) {
			k.Now = r.now
			SetKnobs(h.root, k)
		}
	}
	switch {
	case r.killed || h.ctx.Err() != nil:
		return 143
	case r.dead != "":
		return 1
	}
	return 0
}

// lock takes the image set's lock, as lockfile -l 7200 -r 0 does.
func (h *host) lock(set cdimage.ImageSet) (unlock func(), ok bool) {
	base := ".lock-build-image-set-" + strings.ReplaceAll(strings.Trim(set.Subtree+"-"+set.Project+"-"+set.Series+"-"+set.Type, "-"), "/", "-")
	name := filepath.Join(h.root, "etc", base)
	os.MkdirAll(filepath.Dir(name), 0o755)
	if b, err := os.ReadFile(name); err == nil {
		if made, err := time.Parse(time.RFC3339, string(b)); err == nil && h.now().Sub(made) > 2*time.Hour {
			fmt.Fprintf(h.stderr, "lockfile: Forcing lock on \"%s/etc/%s\"\n", builder.HostRoot, base)
			os.Remove(name)
		}
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		shown := builder.HostRoot + "/etc/" + base
		fmt.Fprintf(h.stderr, "lockfile: Sorry, giving up on \"%s\"\nAnother image set is already building!\nTraceback (most recent call last):\n  File \"%s/bin/../lib/cdimage/build.py\", line 67, in lock_build_image_set\n    subprocess.check_call([\"lockfile\", \"-l\", \"7200\", \"-r\", \"0\", lock_path])\nsubprocess.CalledProcessError: Command '['lockfile', '-l', '7200', '-r', '0', '%s']' returned non-zero exit status 73\n", shown, builder.HostRoot, shown)
		return nil, false
	}
	f.WriteString(h.now().Format(time.RFC3339))
	f.Close()
	return func() { os.Remove(name) }, true
}

// nextID uses up the next ID of the day.
func (h *host) nextID(set cdimage.ImageSet, now time.Time) (cdimage.Build, error) {
	name := filepath.Join(h.root, "etc", ".next-build-suffix-"+strings.ReplaceAll(set.Project+"-"+set.Series+"-"+set.Type, "/", "-"))
	day := now.Format("20060102")
	n := 0
	if b, err := os.ReadFile(name); err == nil {
		if d, next, ok := strings.Cut(strings.TrimSpace(string(b)), ":"); ok && d == day {
			n, _ = strconv.Atoi(next)
		}
	}
	if err := write(name, fmt.Appendf(nil, "%s:%d\n", day, n+1)); err != nil {
		return cdimage.Build{}, err
	}
	v, _ := strconv.Atoi(day)
	return cdimage.Build{ImageSet: set, ID: cdimage.BuildID{Day: v, N: n}}, nil
}

// say writes one line to the log.
func (r *run) say(format string, args ...any) {
	if r.killed || r.dead != "" || r.ctx.Err() != nil {
		return
	}
	fmt.Fprintf(r.log, format+"\n", args...)
	if r.knobs.Pause > 0 {
		select {
		case <-time.After(r.knobs.Pause):
		case <-r.ctx.Done():
		}
	}
}

// stage writes a marker; false when the run has ended.
func (r *run) stage(name string) bool {
	if r.killed || r.dead != "" || r.ctx.Err() != nil {
		return false
	}
	r.now = r.now.Add(time.Minute)
	r.say("===== %s =====", name)
	r.say("%s", r.now.Format("Mon Jan _2 15:04:05 UTC 2006"))
	if r.knobs.Kill != "" && strings.HasPrefix(strings.ToLower(name), strings.ToLower(r.knobs.Kill)) {
		r.killed = true
	}
	return !r.killed
}

// die ends the run with a traceback.
func (r *run) die(function, exception string, after ...string) {
	r.say("Traceback (most recent call last):")
	r.say("  File \"%s/bin/../lib/cdimage/build.py\", line 714, in build_image_set_locked", builder.HostRoot)
	r.say("  File \"%s/bin/../lib/cdimage/livefs.py\", line 439, in %s", builder.HostRoot, function)
	r.say("%s", exception)
	for _, a := range after {
		r.say("%s", a)
	}
	r.dead = exception
}

func (r *run) label(arch string) string {
	parts := []string{r.build.Project}
	if s := r.vars["SUBPROJECT"]; s != "" {
		parts = append(parts, s)
	}
	if r.build.Project == "ubuntu-server" && r.build.Type == "daily-preinstalled" && !strings.Contains(arch, "+") {
		arch += "+generic" // as the host's map of live file systems says
	}
	return strings.Join(append(parts, strings.ReplaceAll(arch, "+", "-")), "-")
}

func (r *run) stages(live bool) {
	if live {
		if !r.stage("Building live filesystems") {
			return
		}
		r.livefses()
	} else if r.knobs.Today {
		r.stage("Downloading live filesystem images")
		r.die("download_live_filesystems", "AttributeError: 'NoneType' object has no attribute 'items'")
	} else {
		for _, a := range r.arches {
			if n, ok := newestGood(r.root, r.build.ImageSet, a); ok {
				r.good[a] = n
			}
		}
	}
	if !r.stage("Downloading live filesystem images") {
		return
	}
	r.download(live)
	if !r.stage("Copying images to debian-cd output directory") {
		return
	}
	if r.knobs.Crash == "copying" {
		r.die("build_livecd_base", r.noSpace())
		return
	}
	if r.vars["CDIMAGE_NOPUBLISH"] == "" {
		if !r.stage("Publishing") {
			return
		}
		r.publish()
		if !r.stage("Purging old images") {
			return
		}
		if r.knobs.Crash == "purging" {
			r.die("purge_old_images", r.noSpace())
			return
		}
		r.say("Purging %s/%s images older than 7 days ...", r.build.Project, r.build.Type)
	}
	if !r.stage("Triggering mirrors") {
		return
	}
	r.say("mirror-a.example.internal:")
	if r.knobs.MirrorsDown {
		r.say("ssh: connect to host mirror-a.example.internal port 22: Connection timed out")
	}
	r.stage("Finished")
}

func (r *run) noSpace() string {
	if r.knobs.Today {
		return "OSError: [Errno 28] No space left on device"
	}
	return "IOError: [Errno 28] No space left on device"
}

// livefses asks Launchpad for the live file systems and waits for them.
func (r *run) livefses() {
	const clock = "2006-01-02 15:04:05"
	numbers := map[string]int{}
	for _, a := range r.arches {
		r.say("%s on Launchpad starting at %s", r.label(a), r.now.Format(clock))
		switch {
		case r.knobs.Launchpad == "down":
			r.die("run_live_builds", "ServerError: HTTP Error 503: Service Unavailable", "Response headers:", "---", "status: 503", "---", "Response body:", "---", "<html>Service Unavailable</html>", "---")
			return
		case r.knobs.Launchpad == "pending":
			r.die("run_live_builds", "BadRequest: HTTP Error 400: Bad Request", "Response headers:", "---", "status: 400", "---", "Response body:", "---", "An identical build of this live filesystem image is already pending.", "---")
			return
		case r.vars["CDIMAGE_REUSE_BUILD"] != "":
			n, ok := newestGood(r.root, r.build.ImageSet, a)
			if !ok {
				r.die("run_live_builds", "Exception: no build found to reuse for "+a)
				return
			}
			numbers[a] = n
			r.say("reusing build https://api.launchpad.net/devel/%s", livefsPath(r.build.ImageSet, n))
		default:
			n, err := r.request(a)
			if err != nil {
				r.die("run_live_builds", "Exception: "+err.Error())
				return
			}
			numbers[a] = n
			r.say("%s: https://launchpad.net/%s", r.label(a), livefsPath(r.build.ImageSet, n))
			if r.knobs.Kill == "asking" {
				r.killed = true
				return
			}
		}
	}
	if r.knobs.Kill == "asked" {
		r.killed = true
		return
	}
	for _, a := range slices.Backward(r.arches) { // the first asked for takes longest
		r.now = r.now.Add(20 * time.Minute)
		b, err := readLivefs(r.root, numbers[a])
		if err != nil {
			r.die("run_live_builds", "Exception: "+err.Error())
			return
		}
		r.say("%s on Launchpad finished at %s (%s)", r.label(a), r.now.Format(clock), b.State)
		if b.State == "Successfully built" {
			r.good[a] = b.Number
		}
	}
	if len(r.good) == 0 && r.ctx.Err() == nil {
		exception := "LiveBuildsFailed: No live filesystem builds succeeded."
		if r.knobs.Today {
			exception = "cdimage.livefs." + exception
		}
		r.die("run_live_builds", exception)
	}
}

// download fetches what was built; an architecture whose root file system does
// not come is left out without a word.
func (r *run) download(live bool) {
	if len(r.good) == 0 && !live {
		r.die("download_live_filesystems", "Exception: No successful builds found")
		return
	}
	for _, a := range r.arches {
		n, ok := r.good[a]
		if !ok {
			continue
		}
		r.now = r.now.Add(time.Minute)
		clock := r.now.Format("2006-01-02 15:04:05")
		target := fmt.Sprintf("%s/scratch/%s/%s/%s/live/%s.rootfs.tar.gz", builder.HostRoot, r.build.Project, r.build.Series, r.build.Type, a)
		switch fault := r.knobs.Downloads[a]; fault {
		case "404", "503":
			r.say("https://launchpad.net/%s/+files/livecd.ubuntu-touch.rootfs.tar.gz:", livefsPath(r.build.ImageSet, n))
			r.say("%s ERROR %s: %s.", clock, fault, map[string]string{"404": "Not Found", "503": "Service Unavailable"}[fault])
		case "resolve":
			r.say("wget: unable to resolve host address 'launchpad.net'")
		case "refused":
			r.say("failed: Connection refused.")
		case "read":
			for range 20 {
				r.say("Read error (Error in the pull function.) in headers.")
			}
		case "space":
			r.say("Cannot write to '%s' (No space left on device).", target)
		default:
			r.fetched = append(r.fetched, a)
			r.say("%s URL:https://launchpadlibrarian.net/%d/livecd.ubuntu-touch.rootfs.tar.gz [378221655/378221655] -> %q [1]", clock, 200000000+n, target)
		}
	}
	if len(r.fetched) == 0 && !r.knobs.Today {
		r.die("download_live_filesystems", "NoFilesystemImages: No filesystem images found.")
	}
}

// publish fills the directory of the build. An architecture that is left out
// keeps the files of the directory before, as hard links.
func (r *run) publish() {
	base := filepath.Join(r.root, "www/full", filepath.Dir(r.build.ImageDirs()[0]))
	dir := filepath.Join(base, r.build.ID.String())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.die("new_publish_dir", "OSError: "+err.Error())
		return
	}
	before, _ := os.Readlink(filepath.Join(base, "pending"))
	file := func(arch string) string {
		return fmt.Sprintf("%s-preinstalled-touch-%s.tar.gz", strings.ReplaceAll(r.build.Series, "/", "-"), arch)
	}
	var marked []string
	for _, a := range r.arches {
		if !slices.Contains(r.fetched, a) {
			if _, built := r.good[a]; built && !r.knobs.Today {
				r.say("No preinstalled-touch image for %s!", a)
			}
			if before != "" {
				os.Link(filepath.Join(base, before, file(a)), filepath.Join(dir, file(a)))
			}
			continue
		}
		r.say("Publishing %s ...", a)
		if r.knobs.Crash == "publishing" {
			r.die("publish_binary", r.noSpace())
			return
		}
		image, err := rootfs(r.good[a], r.build.Series, a)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file(a)), image, 0o644)
		}
		if err != nil {
			r.die("publish_binary", "OSError: "+err.Error())
			return
		}
		marked = append(marked, file(a))
		r.say("Publishing %s live manifest ...", a)
		r.say("Making %s zsync metafile ...", a)
	}
	if len(marked) == 0 {
		r.say("No images produced!")
		return
	}
	os.WriteFile(filepath.Join(dir, ".marked_good"), []byte(strings.Join(marked, "\n")+"\n"), 0o644)
	if err := sums(dir); err != nil {
		r.die("polish_directory", "OSError: "+err.Error())
		return
	}
	r.say("No keys found; not signing images.")
	if r.knobs.Tracker {
		r.say("Traceback (most recent call last):")
		r.say("  File \"%s/bin/../lib/cdimage/tree.py\", line 2437, in post_qa", builder.HostRoot)
		r.say("    tracker.post_build(product[0], date, note=note)")
		r.say("ProtocolError: <ProtocolError for iso.qa.ubuntu.com/xmlrpc.php: 503 Service Temporarily Unavailable>")
	}
	pending := filepath.Join(base, "pending")
	os.Remove(pending)
	if err := os.Symlink(r.build.ID.String(), pending); err != nil && !errors.Is(err, os.ErrExist) {
		r.die("link", "OSError: "+err.Error())
	}
}
