package score

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
)

func TestActions(t *testing.T) {
	for text, want := range map[string][]cdimage.Action{
		"none":                                 {cdimage.Nothing},
		"none needed":                          {cdimage.Nothing},
		"wait (mirrored)":                      {cdimage.Wait},
		"publish-only re-run the same UTC day": {cdimage.PublishOnly},
		"re-run with CDIMAGE_REUSE_BUILD=1 and --live":                              {cdimage.PublishOnly},
		"full rebuild; a publish-only re-run would mix":                             {cdimage.FullRebuild},
		"fix the dependency (see the livefs log), then full rebuild":                {cdimage.FixPackage, cdimage.FullRebuild},
		"fix livecd-rootfs, full rebuild":                                           {cdimage.FixLivecdRootfs, cdimage.FullRebuild},
		"teach livecd-rootfs the project, full rebuild":                             {cdimage.FixLivecdRootfs, cdimage.FullRebuild},
		"the name comes from the seed or from livecd-rootfs: correct it, rebuild":   {cdimage.FixSeed, cdimage.FullRebuild},
		"free space on the cdimage host, then publish-only re-run":                  {cdimage.FreeSpace, cdimage.PublishOnly},
		"wait for the pending build, then full rebuild or publish-only":             {cdimage.FullRebuild},
		"read the livefs logs":                                                      {cdimage.ReadLivefsLog},
		"re-trigger mirrors":                                                        {cdimage.TriggerMirrors},
		"use --live":                                                                {cdimage.CorrectCommand},
		"add the livefs to the cdimage configuration (or correct it), full rebuild": {cdimage.FixConfiguration, cdimage.FullRebuild},
		"wait for the running build, then repeat the same command":                  {cdimage.RepeatCommand},
	} {
		got, _ := Actions(text)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if _, rest := Actions("none while young; if it has not grown for hours: full rebuild"); !cmp.Equal(rest, []cdimage.Action{cdimage.FullRebuild}) {
		t.Errorf("got %v", rest)
	}
	if same([]cdimage.Action{cdimage.Wait}, []cdimage.Action{cdimage.Nothing}) || !same([]cdimage.Action{cdimage.Wait, cdimage.FullRebuild}, []cdimage.Action{cdimage.FullRebuild}) {
		t.Error("waiting alone is an action, with others it goes without saying")
	}
	for _, c := range []struct {
		got, want []cdimage.Action
		ok        bool
	}{
		{[]cdimage.Action{cdimage.FixSeed, cdimage.PublishOnly}, []cdimage.Action{cdimage.FixSeed}, true},
		{[]cdimage.Action{cdimage.FixSeed, cdimage.PublishOnly}, []cdimage.Action{cdimage.FixSeed, cdimage.FullRebuild}, false},
		{[]cdimage.Action{cdimage.Wait, cdimage.PublishOnly}, []cdimage.Action{cdimage.Wait}, true},
		{[]cdimage.Action{cdimage.FullRebuild}, []cdimage.Action{cdimage.Wait}, false},
		{[]cdimage.Action{cdimage.FullRebuild}, []cdimage.Action{cdimage.Nothing}, false},
		{[]cdimage.Action{cdimage.FixPackage, cdimage.FullRebuild}, []cdimage.Action{cdimage.FixSeed}, false},
	} {
		if agree(c.got, c.want) != c.ok {
			t.Errorf("%v for %v: want %v", c.got, c.want, c.ok)
		}
	}
}
