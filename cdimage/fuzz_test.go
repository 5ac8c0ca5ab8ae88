package cdimage_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/landingteam/landing/cdimage"
)

func seeds(f *testing.F, pattern string) {
	names, err := filepath.Glob("testdata/" + pattern)
	if err != nil || len(names) == 0 {
		f.Fatal(pattern, err)
	}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 20_000 {
			f.Add(b)
		}
	}
}

func FuzzParseBuildLog(f *testing.F) {
	seeds(f, "cd-build-logs/*/*/*.log")
	seeds(f, "other/*.txt")
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := cdimage.ParseBuildLog(strings.NewReader(string(b)))
		if l == nil {
			t.Fatal("no log", err)
		}
		for _, now := range []bool{false, true} {
			d := cdimage.Diagnose(cdimage.Evidence{Log: l, Ended: now})
			if d.Remedy == "" || len(d.Actions) == 0 || d.Publish == "" {
				t.Errorf("no verdict: %+v", d)
			}
			if !utf8.ValidString(d.String()) {
				t.Errorf("not UTF-8: %q", d.String())
			}
			text, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			var back cdimage.Diagnosis
			if err := json.Unmarshal(text, &back); err != nil {
				t.Errorf("%v: %s", err, text)
			}
		}
		published := 0
		for _, a := range l.Arches {
			if a.Published {
				published++
			}
		}
		if l.Publish == cdimage.Complete && published < len(l.Arches) || l.Publish == cdimage.None && published > 0 {
			t.Errorf("%s with %d of %d", l.Publish, published, len(l.Arches))
		}
	})
}

func FuzzParseLivefsLog(f *testing.F) {
	seeds(f, "livefs/*.gz")
	f.Add([]byte(read(f, "livefs/vivid-i386-unmet.txt.gz")))
	f.Add([]byte(read(f, "livefs/vivid-armhf-hashsum.txt.gz")))
	f.Add([]byte(read(f, "livefs/vivid-armhf-cancelled.txt.gz")))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := cdimage.ParseLivefsLog(strings.NewReader(string(b)))
		if l == nil {
			t.Fatal("no log", err)
		}
		if err != nil && l.Incomplete == "" {
			t.Errorf("error %v and not incomplete", err)
		}
		for _, c := range l.Causes {
			if c.Class == "" || c.Number > l.Lines+1 || !utf8.ValidString(c.Line) {
				t.Errorf("odd cause %+v in %d lines", c, l.Lines)
			}
		}
		if r := l.Remedy(); r.Text == "" || len(r.Actions) == 0 {
			t.Error("no remedy")
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"daily-preinstalled-20160906.1.log", "ubuntu-touch/vivid/daily-preinstalled-20160906.log", "http://cdimage.ubuntu.com/ubuntu-touch/daily-preinstalled/20150421/vivid-x.tar.gz", "20160906.10"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := cdimage.ParseBuildID(s); err == nil && id.String() != s {
			t.Errorf("%q became %q", s, id)
		}
		if b, err := cdimage.ParseBuild(s); err == nil {
			if back, err := cdimage.ParseBuild("log/" + b.LogPath()); err != nil || back != b {
				t.Errorf("%q: %+v, %+v, %v", s, b, back, err)
			}
		}
	})
}
