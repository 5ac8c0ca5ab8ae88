package cdimage_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/cause"
)

const touch = "cd-build-logs/ubuntu-touch-custom/vivid/daily-preinstalled-"

// Names of packages that look like faults, in every place apt and dpkg put
// them, must not be taken for causes.
func TestPackageNamesAreNoFaults(t *testing.T) {
	names := []string{"liberror-perl", "libfailsafe0", "timeout-helper-404", "hash-sum-tools", "libgpg-error0", "fail2ban", "python3-404-not-found", "no-space-left"}
	var b strings.Builder
	for i, n := range names {
		fmt.Fprintf(&b, "Get:%d http://ftpmaster.internal/ubuntu/ vivid/main %s armhf 4.04-1 [12 kB]\n", i+1, n)
		fmt.Fprintf(&b, "Selecting previously unselected package %s.\n", n)
		fmt.Fprintf(&b, "Preparing to unpack .../%s_4.04-1_armhf.deb ...\n", n)
		fmt.Fprintf(&b, "Unpacking %s (4.04-1) ...\n", n)
		fmt.Fprintf(&b, "Setting up %s (4.04-1) ...\n", n)
	}
	list := strings.Join(names, " ")
	fmt.Fprintf(&b, "The following NEW packages will be installed:\n  %s\n%[1]s set to manually installed.\nSuggested packages:\n  %[1]s\n", list)
	for _, n := range names {
		fmt.Fprintf(&b, "Removing %s (4.04-1) ...\n%[1]s is already the newest version.\n/etc/%[1]s: installed\n", n)
	}
	added := strings.Count(b.String(), "\n")
	b.WriteString("initctl: Unable to connect to Upstart: Failed to connect to socket /com/ubuntu/upstart: Connection refused\n")
	b.WriteString("invoke-rc.d: policy-rc.d denied execution of start.\n")
	log := insert(t, read(t, "livefs/vivid-armhf-notask.txt.gz"), "E: Couldn't find task", b.String())
	l := parseLivefs(t, log)
	want := []cause.Cause{{Class: cause.Seed, Line: "E: Couldn't find task 'ubuntu-touch-live'", Number: 250 + added + 2, Package: "ubuntu-touch-live"}}
	if diff := cmp.Diff(want, l.Causes); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}

	ok := insert(t, read(t, "livefs/vivid-armhf-ok.txt.gz"), "[2016-09-06 02:12:03]", b.String())
	if l := parseLivefs(t, ok); !l.OK() {
		t.Errorf("a good build is blamed: %+v", l)
	}
}

// A livefs log has lines that look like the markers of a cd-build-log, and a
// cd-build-log has programs' output that looks like markers.
func TestMarkerLikeLines(t *testing.T) {
	l := parseLivefs(t, read(t, "livefs/vivid-armhf-ok.txt.gz"))
	if !l.OK() || l.Incomplete != "" {
		t.Errorf("got %+v", l)
	}
	b, err := cdimage.ParseBuildLog(strings.NewReader(read(t, "livefs/vivid-armhf-ok.txt.gz")))
	if len(b.Stages) != 0 || b.Publish != cdimage.NotYet || !errors.Is(err, cdimage.ErrFormat) {
		t.Errorf("a livefs log has stages %v, publish %s, error %v", b.Stages, b.Publish, err)
	}
	whole := read(t, touch+"20160906.log")
	odd := insert(t, whole, "===== Publishing", "===== Finished =====\nnot a date\n===== Checking size of /usr/share/doc =====\nBEGIN\n")
	if diff := cmp.Diff(parseBuild(t, whole).Published, parseBuild(t, odd).Published); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	if got, want := len(parseBuild(t, odd).Stages), len(parseBuild(t, whole).Stages); got != want {
		t.Errorf("%d stages, want %d", got, want)
	}
}

func TestTruncatedGzip(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	io.WriteString(w, read(t, "livefs/vivid-i386-unmet.txt.gz"))
	w.Close()
	for n := range z.Len() {
		if n%37 != 0 {
			continue
		}
		l, err := cdimage.ParseLivefsLog(bytes.NewReader(z.Bytes()[:n]))
		if n >= 2 && !errors.Is(err, cdimage.ErrIncomplete) {
			t.Fatalf("%d bytes: error %v, want ErrIncomplete", n, err)
		}
		if l.Incomplete == "" {
			t.Fatalf("%d bytes: taken for a whole log", n)
		}
		if len(l.Causes) > 0 && l.Causes[0].Class != cause.Dependency {
			t.Fatalf("%d bytes: guessed %v", n, l.Causes)
		}
	}
}

func TestHTMLInTheLogsPlace(t *testing.T) {
	page := "<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title></head><body>No space left on device</body></html>\n"
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	io.WriteString(w, page)
	w.Close()
	for name, body := range map[string]string{"plain": page, "gzip": z.String(), "blank first": "\n  " + page} {
		l, err := cdimage.ParseLivefsLog(strings.NewReader(body))
		if !errors.Is(err, cdimage.ErrFormat) || len(l.Causes) > 0 || l.Incomplete == "" {
			t.Errorf("%s: %v, %+v", name, err, l)
		}
		if _, err := cdimage.ParseBuildLog(strings.NewReader(body)); !errors.Is(err, cdimage.ErrFormat) {
			t.Errorf("%s: cd-build-log: %v", name, err)
		}
	}
}

// cutStep keeps the number of cuts bearable; it has no factor in common with
// the length of usual lines.
var cutStep = map[bool]int{false: 7, true: 53}[racing]

// Cut anywhere, a log never gets another cause than the whole one has, and
// never more architectures or links than it has.
func TestCutAnywhere(t *testing.T) {
	livefs := read(t, "livefs/vivid-armhf-uidgid.txt.gz")
	for n := 0; n < len(livefs); n += cutStep {
		l, err := cdimage.ParseLivefsLog(strings.NewReader(livefs[:n]))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range l.Causes {
			if c.Class != cause.LivecdRootfs && c.Class != cause.Infrastructure {
				t.Fatalf("cut at %d: %+v", n, c)
			}
		}
	}
	whole := read(t, touch+"20160913.log")
	full := parseBuild(t, whole)
	links := map[string]string{}
	for _, a := range full.Arches {
		links[a.Label] = a.Link
	}
	for n := 0; n < len(whole); n += cutStep {
		l := parseBuild(t, whole[:n])
		for _, a := range l.Arches {
			if link, ok := links[a.Label]; !ok || a.Link != "" && a.Link != link {
				t.Fatalf("cut at %d: %+v", n, a)
			}
		}
		if n < len(whole)-60 && (l.Finished || l.Fatal != "" || l.Publish != cdimage.NotYet && !strings.Contains(whole[:n], "Purging")) {
			t.Fatalf("cut at %d: finished %v, publish %s", n, l.Finished, l.Publish)
		}
	}
}

// Cut anywhere, a log tells of no other class than the whole one does, and of no
// other outcome once the publisher is through.
func TestCutGuessesNothing(t *testing.T) {
	for _, id := range []string{"20160913", "20160919", "20160921", "20160923", "20160926", "20160930"} {
		whole := read(t, touch+id+".log")
		classes := map[cause.Class]bool{}
		full := parseBuild(t, whole)
		for _, c := range full.Causes {
			classes[c.Class] = true
		}
		for n := 0; n < len(whole); n += cutStep {
			l := parseBuild(t, whole[:n])
			for _, c := range l.Causes {
				if !classes[c.Class] {
					t.Fatalf("%s cut at %d: %+v", id, n, c)
				}
			}
			if strings.Contains(whole[:n], "===== Purging old images =====\n") && l.Publish != full.Publish {
				t.Fatalf("%s cut at %d: publish %s", id, n, l.Publish)
			}
		}
	}
}

// A line cut inside a UTF-8 sequence, and bytes that are no text at all, are
// quoted as valid UTF-8.
func TestBadEncoding(t *testing.T) {
	log := insert(t, read(t, "livefs/vivid-armhf-notask.txt.gz"), "E: Couldn't find task", "E: Failed to fetch http://x/\xff\xfe\x00\x1b[31mdeb  404  Not Found \xe2\x82\n")
	l := parseLivefs(t, log)
	if len(l.Causes) == 0 || l.Causes[0].Class != cause.Network || !utf8.ValidString(l.Causes[0].Line) || strings.ContainsAny(l.Causes[0].Line, "\x00\x1b") {
		t.Errorf("got %+v", l.Causes)
	}
	cut := log[:strings.Index(log, "\xe2\x82")+1]
	if l := parseLivefs(t, cut); l.Incomplete == "" || len(l.Causes) > 0 {
		t.Errorf("cut: %+v", l)
	}
}

func TestCRLF(t *testing.T) {
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	for _, name := range []string{"livefs/vivid-i386-unmet.txt.gz", "livefs/vivid-armhf-cancelled.txt.gz", "livefs/vivid-armhf-install-cascade.txt.gz"} {
		for _, dos := range []string{crlf(read(t, name)), crlf(strings.ReplaceAll(read(t, name), "\n", "\r\n"))} {
			want, got := parseLivefs(t, read(t, name)), parseLivefs(t, dos)
			want.Bytes = got.Bytes
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-unix +dos):\n%s", name, diff)
			}
		}
	}
	for _, id := range []string{"20160906", "20160913", "20160928", "20160929"} {
		log := read(t, touch+id+".log")
		want := cdimage.Diagnose(cdimage.Evidence{Log: parseBuild(t, log)})
		got := cdimage.Diagnose(cdimage.Evidence{Log: parseBuild(t, crlf(log))})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-unix +dos):\n%s", id, diff)
		}
	}
}

// A line reads as a terminal shows it, behind a bar that was drawn over.
func TestDrawnLines(t *testing.T) {
	for _, name := range []string{"livefs/vivid-armhf-notask.txt.gz", "livefs/vivid-armhf-install-cascade.txt.gz", "livefs/vivid-i386-deb404.txt.gz", "livefs/stonking-arm64-debhash.txt.gz"} {
		log := read(t, name)
		want := parseLivefs(t, log)
		got := parseLivefs(t, strings.ReplaceAll(log, "\nE: ", "\n 99% [working]\r             \rE: "))
		if diff := cmp.Diff(want.Causes, got.Causes); diff != "" {
			t.Errorf("%s (-plain +drawn):\n%s", name, diff)
		}
	}
}

// Later live-build calls its parts "lb config" and "lb chroot_hooks"; it is the same part.
func TestLiveBuildOfToday(t *testing.T) {
	for _, name := range []string{"livefs/vivid-i386-unknown-project.txt.gz", "livefs/vivid-armhf-hashsum.txt.gz", "livefs/stonking-arm64-debhash.txt.gz", "livefs/vivid-armhf-ok.txt.gz"} {
		log := read(t, name)
		want, got := parseLivefs(t, log), parseLivefs(t, strings.ReplaceAll(log, "] lb_", "] lb "))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-before +since):\n%s", name, diff)
		}
	}
}

// repeated gives n bytes of a text said again and again, after head and before
// tail.
func repeated(head, text, tail string, n int64) io.Reader {
	return io.MultiReader(strings.NewReader(head), io.LimitReader(&again{text: text}, n/int64(len(text))*int64(len(text))), strings.NewReader(tail))
}

type again struct {
	text string
	at   int
}

func (a *again) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], a.text[a.at:])
		n += c
		a.at = (a.at + c) % len(a.text)
	}
	return n, nil
}

// allocated returns how many bytes f allocated in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A log of 2 GB takes no more memory than a short one.
func TestHugeLog(t *testing.T) {
	size := int64(2 << 30)
	if testing.Short() || racing {
		size = 64 << 20
	}
	log := read(t, "livefs/vivid-i386-unmet.txt.gz")
	at := strings.Index(log, "Some packages could not be installed")
	filler := strings.Repeat("Unpacking liberror-perl (0.17-1.1) ...\nSetting up timeout-helper-404 (1.0) ...\n", 800)
	var l *cdimage.LivefsLog
	var err error
	n := allocated(func() {
		l, err = cdimage.ParseLivefsLog(repeated(log[:at], filler, log[at:], size))
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Causes) != 1 || l.Causes[0].Class != cause.Dependency || l.Bytes < size-1<<20 {
		t.Errorf("got %+v", l)
	}
	if n > 8<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}

// A line of 100 MB is passed over in the memory of one block.
func TestHugeLine(t *testing.T) {
	log := read(t, "livefs/vivid-i386-unmet.txt.gz")
	at := strings.Index(log, "Some packages could not be installed")
	var l *cdimage.LivefsLog
	n := allocated(func() {
		l, _ = cdimage.ParseLivefsLog(repeated(log[:at], " 404  Not Found "+strings.Repeat("x", 8176), "\n"+log[at:], 100<<20))
	})
	want := []cause.Cause{{Class: cause.Dependency, Number: 258, Package: "ubuntu-touch",
		Line: " ubuntu-touch : Depends: unity8 (>= 8.12+15.04.20160903.3) but 8.12+15.04.20160824.1-0ubuntu1 is to be installed"}}
	if diff := cmp.Diff(want, l.Causes[len(l.Causes)-1:]); diff != "" {
		t.Errorf("causes (-want +got):\n%s", diff)
	}
	if n > 8<<20 {
		t.Errorf("%d bytes allocated", n)
	}
	b := parseBuildReader(t, repeated(read(t, touch+"20161003.log"), strings.Repeat("x", 8192), "\n", 100<<20))
	if len(b.Arches) != 2 || b.Lines != 8 {
		t.Errorf("%d architectures, %d lines", len(b.Arches), b.Lines)
	}
}

func parseBuildReader(t *testing.T, r io.Reader) *cdimage.BuildLog {
	t.Helper()
	l, err := cdimage.ParseBuildLog(r)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// 100,000 lines that all hold the word error are no fault.
func TestManyErrors(t *testing.T) {
	log := read(t, "livefs/vivid-armhf-postinst.txt.gz")
	at := strings.Index(log, "Setting up urfkill")
	l := parseLivefs(t, log[:at]+strings.Repeat("error: unable to say what failed\n", 100_000)+log[at:])
	if len(l.Causes) != 1 || l.Causes[0].Package != "urfkill" || l.Causes[0].Number != 264+100_000 {
		t.Errorf("got %+v", l.Causes)
	}
}
