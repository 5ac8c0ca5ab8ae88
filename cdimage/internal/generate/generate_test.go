package generate_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/internal/generate"
)

// TestGenerate: each kind of generated log is what it is called.
func TestGenerate(t *testing.T) {
	for kind, want := range map[generate.Kind]string{
		generate.GoodRun:      "complete 0",
		generate.OneArchFails: "partial 1",
		generate.AllFail:      "none 2",
		generate.BadDownload:  "partial 1",
		generate.PublishCrash: "broken 1",
		generate.CutRun:       "not yet 0",
		generate.ISORun:       "complete 0",
	} {
		var a, b bytes.Buffer
		if err := generate.Log(&a, kind, 1<<20, 5); err != nil {
			t.Fatal(err)
		}
		if err := generate.Log(&b, kind, 1<<20, 5); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s: not the same twice", kind)
		}
		l, err := cdimage.ParseBuildLog(&a)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%s %d", l.Publish, len(l.Causes)); got != want {
			t.Errorf("%s: %s, want %s: %+v", kind, got, want, l.Causes)
		}
	}
	for kind, want := range map[generate.Kind]int{generate.LivefsFails: 1, generate.LivefsGood: 0, generate.LongLine: 1, generate.ErrorLines: 1} {
		var a bytes.Buffer
		if err := generate.Log(&a, kind, 1<<20, 5); err != nil {
			t.Fatal(err)
		}
		l, err := cdimage.ParseLivefsLog(&a)
		if err != nil || len(l.Causes) != want || l.Incomplete != "" {
			t.Errorf("%s: %v %+v", kind, err, l)
		}
	}
	kinds := map[generate.Kind]int{}
	if err := generate.Mix(false, 64<<20, func(kind generate.Kind, size int64, seed uint64) error {
		kinds[kind]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(kinds) != 7 || kinds[generate.GoodRun] < kinds[generate.OneArchFails] {
		t.Errorf("mix %v", kinds)
	}
}
