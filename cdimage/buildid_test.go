package cdimage_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
)

func TestBuildID(t *testing.T) {
	var ids []cdimage.BuildID
	for _, s := range []string{"20150421.10", "20150422", "20150421", "20150421.2", "20141231.99"} {
		id, err := cdimage.ParseBuildID(s)
		if err != nil || id.String() != s {
			t.Errorf("%s: %v, %v", s, id, err)
		}
		ids = append(ids, id)
	}
	slices.SortFunc(ids, cdimage.BuildID.Compare)
	var got []string
	for _, id := range ids {
		got = append(got, id.String())
	}
	if diff := cmp.Diff([]string{"20141231.99", "20150421", "20150421.2", "20150421.10", "20150422"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	for _, s := range []string{"", "2015042", "20151301", "20150230", "20150421.", "20150421.0", "20150421.01", "20150421.x", " 20150421", "99999999999"} {
		if _, err := cdimage.ParseBuildID(s); !errors.Is(err, cdimage.ErrFormat) {
			t.Errorf("%q: %v", s, err)
		}
	}
	b, err := json.Marshal(ids[0])
	if err != nil || string(b) != `"20141231.99"` {
		t.Errorf("%s %v", b, err)
	}
	var back cdimage.BuildID
	if err := json.Unmarshal(b, &back); err != nil || back != ids[0] {
		t.Errorf("%v %v", back, err)
	}
	if got := ids[0].Date().Format("2006-01-02 15:04 MST"); got != "2014-12-31 00:00 UTC" {
		t.Error(got)
	}
}

func TestPaths(t *testing.T) {
	build := func(subtree, project, series, typ, id string) cdimage.Build {
		n, err := cdimage.ParseBuildID(id)
		if err != nil {
			t.Fatal(err)
		}
		return cdimage.Build{ImageSet: cdimage.ImageSet{Subtree: subtree, Project: project, Series: series, Type: typ}, ID: n}
	}
	custom := build("", "ubuntu-touch-custom", "vivid", "daily-preinstalled", "20160906.1")
	rtm := build("", "ubuntu-touch", "ubuntu-rtm/14.09", "daily-preinstalled", "20150101")
	tegra := build("nvidia-tegra", "ubuntu-server", "noble", "daily-live", "20260101")
	for path, want := range map[string]cdimage.Build{
		"https://ubuntu-archive-team.ubuntu.com/cd-build-logs/ubuntu-touch-custom/vivid/daily-preinstalled-20160906.1.log":           custom,
		"http://people.canonical.com/~ubuntu-archive/cd-build-logs/ubuntu-touch/ubuntu-rtm/14.09/daily-preinstalled-20150101.log.gz": rtm,
		"/srv/cdimage.ubuntu.com/log/nvidia-tegra/ubuntu-server/noble/daily-live-20260101.log":                                       tegra,
		"some/copy/ubuntu-touch-custom/vivid/daily-preinstalled-20160906.1.log":                                                      custom,
		"/backup/log/cd-build-logs/ubuntu-touch-custom/vivid/daily-preinstalled-20160906.1.log":                                      custom,
	} {
		got, err := cdimage.ParseBuild(path)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", path, got, err)
		}
	}
	for url, want := range map[string]cdimage.Build{
		"http://cdimage.ubuntu.com/ubuntu-touch-custom/vivid/daily-preinstalled/20160906.1/":                                                   custom,
		"http://cdimage.ubuntu.com/ubuntu-touch/ubuntu-rtm/14.09/daily-preinstalled/20150101/14.09-preinstalled-touch-armhf.tar.gz":            rtm,
		"http://cdimage.ubuntu.com/ubuntu-touch/daily-preinstalled/20150421/vivid-preinstalled-touch-armhf.tar.gz":                             build("", "ubuntu-touch", "vivid", "daily-preinstalled", "20150421"),
		"https://cdimage.ubuntu.com/nvidia-tegra/ubuntu-server/noble/daily-live/20260101/noble-live-server-arm64.iso":                          tegra,
		"https://cdimage.ubuntu.com/noble/daily-live/20260803/noble-desktop-amd64.iso":                                                         build("", "ubuntu", "noble", "daily-live", "20260803"),
		"https://cdimage.ubuntu.com/xubuntu/daily-live/20260803/noble-desktop-amd64.iso":                                                       build("", "xubuntu", "noble", "daily-live", "20260803"),
		"/srv/cdimage.ubuntu.com/www/full/ubuntu-touch-custom/vivid/daily-preinstalled/20160906.1/vivid-preinstalled-touch-armhf.manifest.txt": custom,
	} {
		got, err := cdimage.ParseBuild(url)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
		if back, err := cdimage.ParseBuild("x/log/" + got.LogPath()); err != nil || back != got {
			t.Errorf("%s: log path %s gives %+v, %v", url, got.LogPath(), back, err)
		}
	}
	for _, bad := range []string{"", "http://cdimage.ubuntu.com/ubuntu-touch/daily-preinstalled/current/x.img", "x/../20150421/y", "ubuntu/noble/0/20150421/x.iso", "log/noble/daily-live/20150421/x.iso", "http://cdimage.ubuntu.com/20150421/"} {
		if b, err := cdimage.ParseBuild(bad); !errors.Is(err, cdimage.ErrFormat) {
			t.Errorf("%q: %+v, %v", bad, b, err)
		}
	}
	if diff := cmp.Diff([]string{"ubuntu-touch-custom/vivid/daily-preinstalled/20160906.1", "ubuntu-touch-custom/daily-preinstalled/20160906.1"}, custom.ImageDirs()); diff != "" {
		t.Errorf("image directories (-want +got):\n%s", diff)
	}
}
