package systemimagetest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWorldTextRoundTrip(t *testing.T) {
	w := SampleWorld()
	w.Era2016 = true
	w.Builds = append(w.Builds, Build{URL: "http://h/x.tar.xz", Version: "1", Fault: "404 File not found", MonitorFault: "html"})
	again, err := ParseWorld(w.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, again); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A world without a configuration gets one that copies work with.
func TestDefaultConfig(t *testing.T) {
	w, err := ParseWorld("-- channels --\nrc\n    d\n        1: a=1\n        2: a=2\nstable\n    d\n        1: a=1\nold alias stable\n")
	if err != nil {
		t.Fatal(err)
	}
	s := New(t, w)
	if out := run(t, s, "copy-image", "rc", "stable", "d"); out.Exit != 0 {
		t.Fatalf("%s", out.Stderr)
	}
	if text := snapshot(t, s); strings.Count(text, "delta 2 from 1: a=2,version=2\n") != 2 {
		t.Errorf("no delta in stable and its alias:\n%s", text)
	}
}

func TestParseWorldErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown part", "-- chanels --\n", `line 1: unknown part "chanels"`},
		{"text in front", "hello\n", "line 1: text before the first part"},
		{"device first", "-- channels --\n    krillin\n", "line 2: a device before the first channel"},
		{"image first", "-- channels --\nc\n        1: a=b\n", "line 3: an image before the first device"},
		{"no colon", "-- channels --\nc\n    d\n        1 a=b\n", "line 4: an image without a colon"},
		{"bad version", "-- channels --\nc\n    d\n        x: a=b\n", "line 4: version \"x\""},
		{"bad base", "-- channels --\nc\n    d\n        2 from x: a=b\n", "base \"x\""},
		{"bad percentage", "-- channels --\nc\n    d\n        2 at 101%: a=b\n", "percentage \"101%\""},
		{"bad word", "-- channels --\nc alas d\n", `"alas" is not one of alias, hidden, redirect`},
		{"bad build", "-- builds --\nftp x\n", "not a build"},
		{"bad fault", "-- builds --\nhttp http://h/x 1 fault 404\n", "needs a quoted text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ParseWorld(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestCreateErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"redirect to nothing", "-- channels --\na redirect b\n", `a: no channel "b" to redirect to`},
		{"device redirect to nothing", "-- channels --\na\n    d redirect b\n", `a, d: no such device in "b"`},
		{"alias of nothing", "-- channels --\na alias b\n", "Couldn't find target channel: b"},
		{"delta from nothing", "-- channels --\na\n    d\n        2 from 1: x=y\n", "a, d: image 2: no earlier image 1"},
		{"unknown keyring", "-- channels --\na\n    d\n        2: keyring=y\n", `no keyring "y"`},
		{"bad details", "-- channels --\na\n    d\n        2: x\n", `"x" in the details has no value`},
		{"circle", "-- channels --\na\n    d\n        1: x=y\n-- config --\n[global]\nchannels = a\n[channel_a]\nfiles = x\nfile_x = system-image;a;x\n", "go around in a circle at a"},
		{"bad channel", "-- channels --\n../a\n", "is no name of a channel"},
		{"bad device", "-- channels --\na\n    ../b\n", "no name of a device"},
		{"bad build", "-- builds --\ncdimage p s ../v\n", "is no build of cdimage"},
		{"bad URL", "-- builds --\nhttp x 1\n", `"x" is not a URL`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, err := ParseWorld(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Create(t.TempDir(), w); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	s := New(t, World{})
	if _, err := Create(s.Root(), World{}); err == nil {
		t.Error("a second server in one folder")
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("opened an empty folder")
	}
	if again, err := Open(s.Root()); err != nil || again.Root() != s.Root() {
		t.Errorf("open: %v", err)
	}
}

func FuzzParseWorld(f *testing.F) {
	f.Add(SampleWorld().String())
	f.Add("era 2016\n-- channels --\na\n b\n         1 from 2 at 3%: c\n")
	f.Fuzz(func(t *testing.T, text string) {
		w, err := ParseWorld(text)
		if err != nil {
			return
		}
		again, err := ParseWorld(w.String())
		if err != nil {
			// A part of the text can look like the head of another part.
			if strings.Contains(w.Config+w.Crontab, "-- ") || !strings.HasSuffix(w.Config, "\n") {
				return
			}
			t.Fatalf("%v in\n%s", err, w.String())
		}
		_ = again
	})
}
