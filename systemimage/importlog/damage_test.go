package importlog

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stamped puts a time and INFO before the lines that are records: those that begin
// with a capital letter.
func stamped(lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		if l[0] >= 'A' && l[0] <= 'Z' {
			b.WriteString("2021-01-04 02:05:02,114 INFO ")
		}
		b.WriteString(l + "\n")
	}
	return b.String()
}

// xz fails, and the program goes on: what was published with it, or left in the
// pool, is told with channel, device and version.
func TestDiagnoseXz(t *testing.T) {
	const (
		channel = "Processing channel: 16.04/devel"
		device  = "Processing device: FP2"
		call    = "Calling 'cdimage-ubuntu' generator for a new file"
		file    = "New file from 'cdimage-ubuntu': pool/ubuntu-1.tar.xz"
		memory  = "xz: (stdout): Cannot allocate memory"
		full    = "Publishing new image '12' (device=20210104,version=12) with 4 files."
		second  = "Publishing new image '7' (device=20210104,version=7) with 4 files."
		aliases = "Syncing any existing alias"
		orphans = "Removing orphaned files from the pool"
		mirrors = "Triggering a mirror sync"
		fp2     = "16.04/devel for FP2"
	)
	for _, tt := range []struct {
		name  string
		log   string
		class string // of the one finding; none when nothing is wrong
		where []string
		says  string
	}{
		{"while a file was made", stamped(channel, device, call, memory, file, full, "Expiring old images", aliases, orphans, mirrors), "cut-published", []string{fp2}, "version 12"},
		{"of 2013", stamped(channel, device, call, "pxz: (stdout): Cannot allocate memory", file, full, aliases, orphans, mirrors), "cut-published", []string{fp2}, "cdimage-ubuntu"},
		{"while a delta was made", stamped(channel, device, call, file, "Generating delta from '11' for 'cdimage-ubuntu'", "xz: /srv/s/www/pool/ubuntu-0.tar.xz: Compressed data is corrupt", full,
			"Publishing new delta from '11' (version=11) to '12' (version=12) with 4 files", aliases, orphans, mirrors), "cut-published", []string{fp2}, "the delta from 11"},
		{"memory limit", stamped(channel, device, call, "xz: (stdout): Memory usage limit is too low for the given filter setup.", file, full, aliases, orphans, mirrors), "cut-published", []string{fp2}, "too low"},
		{"fewer threads", stamped(channel, device, call, "xz: Reduced the number of threads from 8 to 2 to not exceed the memory usage limit of 1,200 MiB", file, full, aliases, orphans, mirrors), "", nil, ""},
		{"a smaller dictionary", stamped(channel, device, call, "xz: Adjusted LZMA2 dictionary size from 64 MiB to 32 MiB to not exceed the memory usage limit of 300 MiB", file, full, aliases, orphans, mirrors), "", nil, ""},
		{"nothing was published", stamped(channel, device, call, "File from 'cdimage-ubuntu' is already current", "Generating delta from '11' for 'cdimage-ubuntu'", memory,
			"Calling 'keyring' generator for a new file", "No image will be produced because the 'keyring' generator returned None", aliases, orphans, mirrors), "cut-in-pool", []string{fp2}, "signed"},
		{"an alias", stamped(channel, device, call, file, full, aliases, memory, orphans, mirrors), "cut-alias", []string{"16.04/devel"}, "alias"},
		{"its words behind the log", stamped(channel, device, call, file, full, aliases, orphans, mirrors, memory), "cut-published", []string{fp2}, "version 12"},
		{"its words behind the log of two images", stamped(channel, device, call, file, full, "Processing device: bacon", call, file, second, aliases, orphans, mirrors, memory),
			"cut-somewhere", []string{fp2, "16.04/devel for bacon"}, "at least one"},
		{"its words behind the log of none", stamped(channel, device, call, "File from 'cdimage-ubuntu' is already current", aliases, orphans, mirrors, memory), "cut-in-pool", nil, "signed"},
		{"another device", stamped(channel, device, call, memory, file, full, "Processing device: bacon", call, file, second, aliases, orphans, mirrors), "cut-published", []string{fp2}, "version 12"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Diagnose(strings.NewReader(tt.log), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if tt.class == "" {
				if r.Verdict != Healthy || len(r.Findings) > 0 {
					t.Errorf("nothing is wrong, and it says %+v", r.Findings)
				}
				return
			}
			if len(r.Findings) != 1 {
				t.Fatalf("%d findings: %+v", len(r.Findings), r.Findings)
			}
			f := r.Findings[0]
			var where []string
			for _, p := range f.Places() {
				where = append(where, p.String())
			}
			if f.Class != tt.class || !strings.Contains(f.Problem, tt.says) || r.Verdict != CauseFound {
				t.Errorf("%s: %+v, want %s that says %q", r.Verdict, f, tt.class, tt.says)
			}
			if d := cmp.Diff(tt.where, where); d != "" {
				t.Errorf("places (-want +got)\n%s", d)
			}
			if !slices.ContainsFunc(f.Quotes, func(q Quote) bool { return strings.Contains(q.Text, "xz: ") }) {
				t.Errorf("xz is not quoted: %+v", f.Quotes)
			}
			if !slices.ContainsFunc(f.Commands, func(c string) bool { return strings.Contains(c, "xz -t") && strings.Contains(c, "2021-01-04 02:05:02") }) {
				t.Errorf("no command finds the file: %q", f.Commands)
			}
			// Asked about another device it is worth knowing, and no cause.
			if where := f.Places(); len(where) == 1 && where[0].Device != "" {
				r, err := Diagnose(strings.NewReader(tt.log), Options{Channel: "16.04/devel", Device: "other"})
				if err != nil || !slices.ContainsFunc(r.Notices, func(n string) bool { return strings.Contains(n, "xz failed") }) {
					t.Errorf("asked about another device: %+v, %v", r, err)
				}
			}
		})
	}
}

// A run that died after xz failed: what is left is told unless the remedy of its
// death takes it away.
func TestDiagnoseXzAndDeath(t *testing.T) {
	log := stamped("Processing channel: a", "Processing device: x", "Calling 'cdimage-ubuntu' generator for a new file", "xz: (stdout): Cannot allocate memory",
		"New file from 'cdimage-ubuntu': pool/ubuntu-1.tar.xz", "Calling 'htpt' generator for a new file")
	for exception, want := range map[string][]string{
		"Exception: Invalid generator: htpt":          {"unknown-generator", "cut-in-pool"},
		"OSError: [Errno 28] No space left on device": {"disk-full"},
	} {
		r, err := Diagnose(strings.NewReader(log+traceback(exception)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.Findings {
			got = append(got, f.Class)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", exception, d)
		}
	}
}
