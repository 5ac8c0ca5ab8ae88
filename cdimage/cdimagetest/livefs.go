package cdimagetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/cause"
)

// A Livefs is one livefs build that the host asked Launchpad for.
type Livefs struct {
	cdimage.ImageSet
	Number int
	Arch   string
	State  string // Launchpad's word

	ExtraPPAs []string // owner/name[:PIN]; the first is the archive that it was built from
	Version   string   // the ID of the run that asked for it

	Log string // the livefs log, empty when there is none
}

func livefsFile(root string, number int) string {
	return filepath.Join(root, "livefs", strconv.Itoa(number)+".json")
}

func livefsPath(set cdimage.ImageSet, number int) string {
	return fmt.Sprintf("~ubuntu-cdimage/+livefs/ubuntu/%s/%s/+build/%d", strings.ReplaceAll(set.Series, "/", "-"), set.Project, number)
}

// AddLivefs stores a livefs build below root, as if Launchpad had built it.
func AddLivefs(root string, b Livefs) error {
	if err := os.MkdirAll(filepath.Join(root, "livefs"), 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return write(livefsFile(root, b.Number), text)
}

func readLivefs(root string, number int) (Livefs, error) {
	var b Livefs
	text, err := os.ReadFile(livefsFile(root, number))
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	return b, err
}

// numbers lists the livefs builds below root, oldest first.
func numbers(root string) []int {
	files, _ := os.ReadDir(filepath.Join(root, "livefs"))
	var all []int
	for _, f := range files {
		if n, err := strconv.Atoi(strings.TrimSuffix(f.Name(), ".json")); err == nil {
			all = append(all, n)
		}
	}
	sort.Ints(all)
	return all
}

// newestGood finds what a run without new livefs builds would take.
func newestGood(root string, set cdimage.ImageSet, arch string) (int, bool) {
	all := numbers(root)
	for i := len(all) - 1; i >= 0; i-- {
		b, err := readLivefs(root, all[i])
		if err == nil && b.ImageSet == set && b.Arch == arch && b.State == "Successfully built" {
			return b.Number, true
		}
	}
	return 0, false
}

// request asks for a livefs build, which is done at once.
func (r *run) request(arch string) (int, error) {
	if err := os.MkdirAll(filepath.Join(r.root, "livefs"), 0o755); err != nil {
		return 0, err
	}
	number := 74601
	if all := numbers(r.root); len(all) > 0 {
		number = all[len(all)-1] + 1
	}
	for { // runs of two image sets may ask at once
		f, err := os.OpenFile(livefsFile(r.root, number)+".taken", os.O_CREATE|os.O_EXCL, 0o644)
		if err == nil {
			f.Close()
			break
		}
		if !errors.Is(err, os.ErrExist) {
			return 0, err
		}
		number++
	}
	b := Livefs{ImageSet: r.build.ImageSet, Number: number, Arch: arch, State: r.knobs.States[arch],
		ExtraPPAs: strings.Fields(r.vars["EXTRA_PPAS"]), Version: r.build.ID.String()}
	if b.State == "" {
		b.State = "Successfully built"
	}
	if b.State != "Failed to upload" && b.State != "Cancelling build" {
		b.Log = LivefsLog(b, r.knobs.Reasons[arch])
	}
	return number, AddLivefs(r.root, b)
}

// LivefsLog writes the log of a livefs build in the state b.State that failed,
// if it did, for a reason of a class.
func LivefsLog(b Livefs, reason cause.Class) string {
	var t strings.Builder
	id := fmt.Sprintf("LIVEFSBUILD-%d", b.Number)
	step := func(name, args string) {
		fmt.Fprintf(&t, "RUN: /usr/share/launchpad-buildd/slavebin/%s ['%s', '%s'%s]\n", name, name, id, args)
	}
	clean := func() {
		step("scan-for-processes", "")
		fmt.Fprintf(&t, "Scanning for processes to kill in build %s...\n", id)
		step("umount-chroot", "")
		step("remove-build", "")
		fmt.Fprintf(&t, "Removing build %s\n", id)
	}
	for _, s := range []string{"slave-prep", "unpack-chroot", "mount-chroot", "override-sources-list", "update-debian-chroot"} {
		step(s, "")
	}
	if b.State == "Chroot problem" {
		t.WriteString("W: Failed to fetch http://ftpmaster.internal/ubuntu/dists/vivid/Release.gpg  Could not connect to ftpmaster.internal:80 (91.189.88.1). - connect (110: Connection timed out)\nE: Some index files failed to download. They have been ignored, or old ones used instead.\n")
		clean()
		return t.String()
	}
	step("buildlivefs", fmt.Sprintf(", '--arch', '%s', '--project', '%s', '--series', '%s'", b.Arch, b.Project, b.Series))
	for _, s := range []string{"lb_clean", "lb_config", "lb_build", "lb_bootstrap", "lb_chroot", "lb_chroot_install-packages install"} {
		fmt.Fprintf(&t, "[2016-09-06 02:13:54] %s \n", s)
	}
	t.WriteString("Setting up liberror-perl (0.17-1.1) ...\n")
	status := "1"
	switch {
	case b.State == "Successfully built":
		clean()
		return t.String()
	case strings.HasPrefix(b.State, "Cancel"):
		step("scan-for-processes", "")
		status = "-9"
	default:
		lines, ok := reasons[reason]
		if !ok {
			lines = reasons[cause.Dependency]
		}
		t.WriteString(lines)
		t.WriteString("P: Begin unmounting filesystems...\nP: Saving caches...\nReading package lists...\nBuilding dependency tree...\nReading state information...\n")
	}
	fmt.Fprintf(&t, "Traceback (most recent call last):\n  File \"/usr/share/launchpad-buildd/slavebin/buildlivefs\", line 214, in main\n    builder.build()\nCalledProcessError: Command '['/bin/sh', '-c', 'cd /build && lb build']' returned non-zero exit status %s\n", status)
	clean()
	return t.String()
}

// reasons are the deciding lines of failed livefs builds and what stands round
// them.
var reasons = map[cause.Class]string{
	cause.Dependency:   "The following packages have unmet dependencies:\n ubuntu-touch : Depends: unity8 (>= 8.12) but 8.11 is to be installed\nE: Unable to correct problems, you have held broken packages.\n",
	cause.Package:      "dpkg: error processing package urfkill (--configure):\n subprocess installed post-installation script returned error exit status 1\nErrors were encountered while processing:\n urfkill\nE: Sub-process /usr/bin/dpkg returned an error code (1)\n",
	cause.Seed:         "E: Couldn't find task 'ubuntu-touch-live'\n",
	cause.Network:      "E: Failed to fetch http://ftpmaster.internal/ubuntu/pool/main/u/unity8/unity8_8.12_armhf.deb  Hash Sum mismatch\n\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?\n",
	cause.LivecdRootfs: "please adjust the values in the livecd-rootfs source in the file:\nlive-build/ubuntu-touch/hooks/00-uid-gid-fix.chroot_early\nE: config/hooks/99zz-check-uid-gid.chroot failed (exit non-zero). You should check for errors.\n",
	cause.DiskSpace:    "dpkg: error processing archive /var/cache/apt/archives/ubuntu-touch-sounds_15.08_all.deb (--unpack):\n cannot copy extracted data: failed to write (No space left on device)\n",
}

// Launchpad serves the livefs builds below a host's root the way Launchpad
// does: the API's JSON of a build below /devel/, and its log below the build's
// web page.
type Launchpad struct {
	Root string
}

// ServeHTTP answers /devel/~owner/+livefs/…/+build/N and the logs that it
// names there.
func (l *Launchpad) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page, isLog := strings.CutSuffix(r.URL.Path, "/+files/buildlog.txt.gz")
	number, err := strconv.Atoi(page[strings.LastIndexByte(page, '/')+1:])
	if err != nil || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	b, err := readLivefs(l.Root, number)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	if isLog {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, b.Log)
		return
	}
	log := any(nil)
	if b.Log != "" {
		log = "http://" + r.Host + "/" + livefsPath(b.ImageSet, number) + "/+files/buildlog.txt.gz"
	}
	archive, override := "ubuntu/+archive/primary", map[string]any{"build_type": "daily"}
	if len(b.ExtraPPAs) > 0 {
		owner, name, _ := strings.Cut(strings.SplitN(b.ExtraPPAs[0], ":", 2)[0], "/")
		archive, override["extra_ppas"] = "~"+owner+"/+archive/ubuntu/"+name, b.ExtraPPAs
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"archive_link": "http://" + r.Host + "/devel/" + archive, "metadata_override": override, "version": b.Version,
		"self_link":  "http://" + r.Host + r.URL.Path,
		"buildstate": b.State, "build_log_url": log, "upload_log_url": nil, "arch_tag": b.Arch,
		"web_link": "https://launchpad.net/" + livefsPath(b.ImageSet, number),
	})
}
