package score

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage/cause"
)

func TestActions(t *testing.T) {
	for text, want := range map[string][]cause.Action{
		"none":                                 {cause.Nothing},
		"none needed":                          {cause.Nothing},
		"wait (mirrored)":                      {cause.Wait},
		"publish-only re-run the same UTC day": {cause.PublishOnly},
		"re-run with CDIMAGE_REUSE_BUILD=1 and --live":                              {cause.PublishOnly},
		"full rebuild; a publish-only re-run would mix":                             {cause.FullRebuild},
		"fix the dependency (see the livefs log), then full rebuild":                {cause.FixPackage, cause.FullRebuild},
		"fix livecd-rootfs, full rebuild":                                           {cause.FixLivecdRootfs, cause.FullRebuild},
		"teach livecd-rootfs the project, full rebuild":                             {cause.FixLivecdRootfs, cause.FullRebuild},
		"the name comes from the seed or from livecd-rootfs: correct it, rebuild":   {cause.FixSeed, cause.FullRebuild},
		"free space on the cdimage host, then publish-only re-run":                  {cause.FreeSpace, cause.PublishOnly},
		"wait for the pending build, then full rebuild or publish-only":             {cause.FullRebuild},
		"read the livefs logs":                                                      {cause.ReadLivefsLog},
		"re-trigger mirrors":                                                        {cause.TriggerMirrors},
		"use --live":                                                                {cause.CorrectCommand},
		"add the livefs to the cdimage configuration (or correct it), full rebuild": {cause.FixConfiguration, cause.FullRebuild},
		"wait for the running build, then repeat the same command":                  {cause.RepeatCommand},
	} {
		got, _ := Actions(text)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if _, rest := Actions("none while young; if it has not grown for hours: full rebuild"); !cmp.Equal(rest, []cause.Action{cause.FullRebuild}) {
		t.Errorf("got %v", rest)
	}
	if same([]cause.Action{cause.Wait}, []cause.Action{cause.Nothing}) || !same([]cause.Action{cause.Wait, cause.FullRebuild}, []cause.Action{cause.FullRebuild}) {
		t.Error("waiting alone is an action, with others it goes without saying")
	}
	for _, c := range []struct {
		got, want []cause.Action
		ok        bool
	}{
		{[]cause.Action{cause.FixSeed, cause.PublishOnly}, []cause.Action{cause.FixSeed}, true},
		{[]cause.Action{cause.FixSeed, cause.PublishOnly}, []cause.Action{cause.FixSeed, cause.FullRebuild}, false},
		{[]cause.Action{cause.Wait, cause.PublishOnly}, []cause.Action{cause.Wait}, true},
		{[]cause.Action{cause.FullRebuild}, []cause.Action{cause.Wait}, false},
		{[]cause.Action{cause.FullRebuild}, []cause.Action{cause.Nothing}, false},
		{[]cause.Action{cause.FixPackage, cause.FullRebuild}, []cause.Action{cause.FixSeed}, false},
	} {
		if agree(c.got, c.want) != c.ok {
			t.Errorf("%v for %v: want %v", c.got, c.want, c.ok)
		}
	}
}
