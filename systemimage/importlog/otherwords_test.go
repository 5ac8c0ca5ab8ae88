package importlog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What others than the importer say in its log: the shell of the crontab line, ssh to
// the mirrors, Python about the log itself, and other programs of the server that
// write to the same file.
func TestDiagnoseOtherWords(t *testing.T) {
	const (
		channel = "Processing channel: 16.04/devel"
		device  = "Processing device: FP2"
		call    = "Calling 'http' generator for a new file"
		current = "File from 'http' is already current"
		none    = "No image will be produced because the 'http' generator returned None"
		orphans = "Removing orphaned files from the pool"
		mirrors = "Triggering a mirror sync"
	)
	ended := stamped(channel, device, call, current, orphans, mirrors)
	refused := stamped(channel, device, call, none, orphans, mirrors)
	dying := stamped(channel, device, call)
	notLogged := func(exception, message string) string {
		return "--- Logging error ---\n" + beginTrace + "\n  File \"/usr/lib/python3.11/logging/__init__.py\", line 1114, in emit\n    self.flush()\n" + exception +
			"\nCall stack:\n  File \"/srv/s/bin/import-images\", line 214, in <module>\n    x()\nMessage: '" + message + "'\nArguments: ()\n"
	}
	died := func(exception string, functions ...string) string { return dying + traceback(exception, functions...) }
	type want struct {
		Verdict Verdict
		Classes []string
		Remedy  string // part of the first
	}
	for _, tt := range []struct {
		name, log string
		want      want
	}{
		// the shell
		{"killed, in the words of dash", dying + "Killed\n", want{CauseFound, []string{"killed"}, "out of memory"}},
		{"killed, in the words of bash", dying + "/bin/sh: line 1: 12345 Killed                  bin/import-images -vv\n", want{CauseFound, []string{"killed"}, "out of memory"}},
		{"ended, in the words of bash", dying + "bash: line 1: 12345 Terminated              bin/import-images -vv\n", want{CauseFound, []string{"killed"}, "out of memory"}},
		{"crashed", dying + "Segmentation fault (core dumped)\n", want{CauseFound, []string{"crashed"}, "kernel's log"}},
		{"crashed, in the words of bash", dying + "/bin/bash: line 1:   77 Bus error               (core dumped) bin/import-images -vv\n", want{CauseFound, []string{"crashed"}, "kernel's log"}},
		{"no such program", "/bin/sh: 1: bin/import-images: not found\n", want{CauseFound, []string{"not-begun"}, "crontab"}},
		{"no folder", "/bin/sh: 1: cd: can't cd to /srv/s\n", want{CauseFound, []string{"not-begun"}, "crontab"}},
		{"no right to run it", "bash: bin/import-images: Permission denied\n", want{CauseFound, []string{"not-begun"}, "crontab"}},
		{"no Python", "/usr/bin/env: 'python3': No such file or directory\n", want{CauseFound, []string{"not-begun"}, "crontab"}},
		{"no program for Python", "python3: can't open file '/srv/s/bin/import-images': [Errno 2] No such file or directory\n", want{CauseFound, []string{"not-begun"}, "crontab"}},
		{"not begun, after a good run", ended + "/bin/sh: 1: bin/import-images: not found\n", want{CauseFound, []string{"not-begun"}, "crontab"}},
		{"begun again", "/bin/sh: 1: bin/import-images: not found\n" + ended, want{Healthy, nil, ""}},
		{"an archive of that name", stamped(channel, device, call) + "sh: a name and no shell\n" + stamped(current, orphans, mirrors), want{Healthy, nil, ""}},

		// ssh
		{"mirror refuses the key", ended + "Permission denied (publickey).\r\n", want{CauseFound, []string{"mirror"}, "mirror's address, key or host"}},
		{"mirror refuses the user", ended + "sync@mirror-a.example.net: Permission denied (publickey,password).\n", want{CauseFound, []string{"mirror"}, "mirror's address, key or host"}},
		{"mirror has another key", ended + "Host key verification failed.\r\n", want{CauseFound, []string{"mirror"}, "mirror's address, key or host"}},
		{"mirror hangs up", ended + "kex_exchange_identification: Connection closed by remote host\n", want{CauseFound, []string{"mirror"}, "mirror's address, key or host"}},
		{"mirror was closed", ended + "Connection closed by 192.0.2.7 port 22\n", want{CauseFound, []string{"mirror"}, "mirror's address, key or host"}},
		{"key of the mirror cannot be read", ended + "Load key \"/srv/s/secret/ssh/mirror\": Permission denied\n", want{CauseFound, []string{"mirror"}, "mirror's address, key or host"}},
		{"mirror lacks its command", ended + "bash: sync-mirror: command not found\n", want{CauseFound, []string{"mirror"}, "mirror's address, key or host"}},
		{"mirror's command may not be run", ended + "sh: 1: /usr/local/bin/sync-mirror: Permission denied\n", want{CauseFound, []string{"mirror"}, "mirror's address, key or host"}},
		{"a script around the importer", "/bin/sh: 1: /srv/s/cron.sh: not found\n", want{CauseFound, []string{"not-begun"}, "crontab"}},
		{"mirror is new", ended + "Warning: Permanently added 'mirror-a' (ED25519) to the list of known hosts.\n", want{Healthy, nil, ""}},

		// Python about the log
		{"reader gone", dying + notLogged("BrokenPipeError: [Errno 32] Broken pipe", "New file") + notLogged("BrokenPipeError: [Errno 32] Broken pipe", "Triggering a mirror sync"),
			want{CauseFound, []string{"log-not-written"}, "look at the tree"}},
		{"log full", dying + notLogged("OSError: [Errno 28] No space left on device", "New file"), want{CauseFound, []string{"log-not-written"}, "look at the tree"}},
		{"log full for a moment", dying + notLogged("OSError: [Errno 28] No space left on device", "New file") + stamped(current, orphans, mirrors), want{Healthy, nil, ""}},
		{"log full, then it died", dying + notLogged("OSError: [Errno 28] No space left on device", "New file") + traceback("OSError: [Errno 28] No space left on device"), want{CauseFound, []string{"disk-full"}, "make room"}},

		// other programs
		{"copied afterwards", refused + stamped("Setting tag for image to 'OTA-1'", "Generating new version tarball for '2' (a=1)", "Publishing new image '2' (a=1,version=2) with 5 files.", orphans, mirrors),
			want{CauseFound, []string{"silent-source"}, ""}},
		{"copied afterwards, without a tag", refused + stamped("Generating new version tarball for '2' (a=1)", "Publishing new image '2' (a=1,version=2) with 5 files.", orphans, mirrors),
			want{CauseFound, []string{"silent-source"}, ""}},
		{"copied afterwards, and died", refused + stamped("Generating new version tarball for '2' (a=1)") + traceback("KeyError: 'x'"), want{CauseFound, []string{"silent-source"}, ""}},
		{"phased afterwards", refused + stamped("Setting phased-percentage of '2' to 30%", "Syncing any existing alias", mirrors), want{CauseFound, []string{"silent-source"}, ""}},
		{"signed again afterwards", refused + stamped("Re-signing the channels index file: /srv/s/www/channels.json", "Looking at 16.04/devel/FP2.", "No images in channel."), want{CauseFound, []string{"silent-source"}, ""}},
		{"cleaned up afterwards", refused + strings.ReplaceAll(stamped(channel, device, "Expiring old images", "Syncing any existing alias", "Orphaned files: set()", mirrors), "INFO Orph", "DEBUG Orph"),
			want{CauseFound, []string{"silent-source"}, ""}},
		{"copied before", stamped("Generating new version tarball for '2' (a=1)", mirrors) + refused, want{CauseFound, []string{"silent-source"}, ""}},
		{"only copied", stamped("Generating new version tarball for '2' (a=1)", mirrors), want{CannotTell, nil, ""}},

		// a source that ends the run
		{"reset", died("ConnectionResetError: [Errno 104] Connection reset by peer"), want{CauseFound, []string{"source-lost"}, "tries again"}},
		{"timed out", died("socket.timeout: timed out"), want{CauseFound, []string{"source-lost"}, "tries again"}},
		{"timed out, Python 2", died("IOError: [Errno socket error] [Errno 110] Connection timed out"), want{CauseFound, []string{"source-lost"}, "tries again"}},
		{"no name, Python 2", died("urllib2.URLError: <urlopen error [Errno -2] Name or service not known>"), want{CauseFound, []string{"source-lost"}, "tries again"}},
		{"an error of the source", died("urllib.error.HTTPError: HTTP Error 503: Service Unavailable"), want{CauseFound, []string{"source-error"}, "correct its address"}},
		{"not TLS", died("ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1002)"), want{CauseFound, []string{"source-error"}, "correct its address"}},
		{"signing, in other words", died("gpg.errors.GPGMEError: gpgme_op_sign: GPGME: General error", "create_image", "sign_file"), want{CauseFound, []string{"signing"}, "sign"}},
		{"signing takes too long", died("gpg.errors.GPGMEError: GPGME: Connection timed out", "sign_file"), want{CauseFound, []string{"signing"}, "sign"}},
		{"a channel without its alias", died("KeyError: 'alias'"), want{CauseFound, []string{"missing-field"}, "put it back"}},

		// a log of other machines, with a fault that the image server has too
		{"a log of the image builder", "===== Building live filesystems =====\nTue Sep  6 09:14:11 UTC 2016\n" + traceback("OSError: [Errno 28] No space left on device"), want{CannotTell, nil, ""}},
		{"a log of Launchpad's builder", "RUN: /usr/share/launchpad-buildd/slavebin/buildlivefs ['buildlivefs']\nSegmentation fault\n" + traceback("OSError: [Errno 28] No space left on device"), want{CannotTell, nil, ""}},

		// a file that was saved elsewhere
		{"byte order mark", "\ufeff" + refused, want{CauseFound, []string{"silent-source"}, ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Diagnose(strings.NewReader(tt.log), Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := want{Verdict: r.Verdict}
			for _, f := range r.Findings {
				got.Classes = append(got.Classes, f.Class)
			}
			if len(r.Findings) > 0 && strings.Contains(r.Findings[0].Remedy, tt.want.Remedy) {
				got.Remedy = tt.want.Remedy
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\n%+v", diff, r)
			}
			if slices.ContainsFunc(r.Outcomes, func(o Turn) bool { return o.Channel == "" }) {
				t.Errorf("a device without a channel: %+v", r.Outcomes)
			}
		})
	}
}

// A timer of systemd in place of a crontab keeps the log in its journal, which puts a time,
// the host and the program before each line: it says the same.
func TestDiagnoseJournal(t *testing.T) {
	log := stamped("Processing channel: 16.04/devel", "Processing device: FP2", "Calling 'http' generator for a new file") +
		strings.ReplaceAll(stamped("HTTP Error 404: File not found"), "INFO", "ERROR") + traceback("urllib.error.HTTPError: HTTP Error 404: File not found", "urlretrieve") +
		strings.ReplaceAll(stamped("Failed to retrieve url http://a.example.net/x"), "INFO", "ERROR") +
		stamped("No image will be produced because the 'http' generator returned None", "Triggering a mirror sync")
	diagnose := func(prefix string) Report {
		var b strings.Builder
		for line := range strings.Lines(log) {
			b.WriteString(prefix + line)
		}
		r, err := Diagnose(strings.NewReader(b.String()), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	want := diagnose("")
	if len(want.Findings) != 1 || want.Findings[0].Class != "source-not-found" {
		t.Fatalf("%+v", want)
	}
	for _, prefix := range []string{"Nov 22 02:00:01 images import-images[1234]: ", "Nov  2 02:00:01 images.example.net sh[7]: ", "2026-11-22T02:00:01+0000 images import-images[1234]: ", "2026-11-22T02:00:01.123456+00:00 images CRON[1234]: "} {
		if diff := cmp.Diff(want, diagnose(prefix)); diff != "" {
			t.Errorf("%s (-file +journal):\n%s", prefix, diff)
		}
	}
	const systemd = "Nov 22 02:00:09 images systemd[1]: import-images.service: "
	for _, line := range []string{"Main process exited, code=killed, status=9/KILL", "A process of this unit has been killed by the OOM killer.", "Failed with result 'oom-kill'."} {
		r, err := Diagnose(strings.NewReader("Nov 22 02:00:01 images sh[7]: "+stamped("Processing channel: 16.04/devel")+systemd+line+"\n"), Options{})
		if err != nil || len(r.Findings) != 1 || r.Findings[0].Class != "killed" {
			t.Errorf("%s: %+v, %v, want that it was killed", line, r.Findings, err)
		}
	}
}
