package lab

import (
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// Candidates is the sample world a step further: the rc channels hold tested
// images, tagged OTA-5-rc, that stable does not have yet.
func Candidates() systemimagetest.World {
	return grow(systemimagetest.SampleWorld(), "/rc/", "OTA-5-rc", nil)
}

// Released is the sample world two steps further: stable has the images of
// [Candidates], tagged OTA-5, at a phased percentage.
func Released(percentage int) systemimagetest.World {
	return grow(Candidates(), "/stable/", "OTA-5", &percentage)
}

// Importable is the sample world with rc channels that can be pointed at builds
// of the lab's image builder: their other files come from stable. The generic
// channel of rc-proposed takes its root file system from there as it is.
func Importable() systemimagetest.World {
	w := systemimagetest.SampleWorld()
	for _, vendor := range []string{"bq-aquaris.en", "meizu.en"} {
		head := "[channel_ubuntu-touch/rc/" + vendor + "]\ntype = manual\n"
		stable := "system-image;ubuntu-touch/stable/" + vendor + ";"
		w.Config = strings.Replace(w.Config, head, head+`files = ubuntu, device, custom, keyring, version
file_ubuntu = `+stable+`ubuntu
file_device = `+stable+`device
file_custom = `+stable+`custom
file_keyring = keyring;archive-master
file_version = version
`, 1)
	}
	w.Config = strings.Replace(w.Config, "cdimage-ubuntu;@ROOT@/cdimage/full/ubuntu-touch/daily-preinstalled;vivid;import=any",
		"cdimage-ubuntu;@ROOT@/builder/www/full/ubuntu-touch/vivid/daily-preinstalled;vivid;import=any", 1)
	return w
}

// grow adds an image with a newer root file system to each device of the channels
// with a word in their name.
func grow(w systemimagetest.World, word, tag string, phased *int) systemimagetest.World {
	for i, c := range w.Channels {
		if !strings.Contains(c.Name, word) || c.Alias != "" || c.Redirect != "" {
			continue
		}
		devices := slices.Clone(c.Devices)
		for k, d := range devices {
			if len(d.Images) == 0 {
				continue
			}
			last := d.Images[len(d.Images)-1]
			devices[k].Images = slices.Clone(d.Images)
			devices[k].Images[len(d.Images)-1].Phased = nil // the server drops it from older versions
			devices[k].Images = append(devices[k].Images, systemimagetest.Image{
				Version: last.Version + 1, Bases: []int{last.Version}, Details: newer(last.Details, tag), Phased: phased,
			})
		}
		w.Channels[i].Devices = devices
	}
	return w
}

// newer is version_detail with another root file system and tag.
func newer(details, tag string) string {
	parts := strings.Split(details, ",")
	parts = slices.DeleteFunc(parts, func(p string) bool { return strings.HasPrefix(p, "tag=") })
	for i, p := range parts {
		parts[i] = strings.NewReplacer("ubuntu=20150610", "ubuntu=20150611", "ubports=2023-09-02/1", "ubports=2023-09-03/1").Replace(p)
	}
	return strings.Join(append(parts, "tag="+tag), ",")
}
