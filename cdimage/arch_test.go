package cdimage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
)

// The names of an architecture: in ARCHES and at the publisher, in a label, in a file.
func TestArchNames(t *testing.T) {
	labels := []string{"ubuntu-touch-custom-armhf", "ubuntu-touch-custom-i386", "ubuntu-server-amd64-generic", "ubuntu-server-arm64-raspi",
		"ubuntu-server-live-arm64-largemem", "ubuntu-server-riscv64-sifive_fu540", "ubuntu-server-riscv64-sifive_hifive_unmatched_fu740",
		"ubuntu-core-amd64-intel-iot", "ubuntu-server-live-ppc64el"}
	var arches cdimage.Arches
	for _, l := range labels {
		arches = append(arches, cdimage.Arch{Label: l})
	}
	got := map[string]string{}
	for _, name := range []string{"armhf", "armhf+mako", "armel+mako", "i386", "amd64", "arm64", "arm64+raspi", "arm64+largemem", "arm64+tegra",
		"riscv64+unleashed", "riscv64+unmatched", "riscv64", "amd64+intel-iot", "ppc64el", "s390x", ""} {
		got[name] = arches.Label(name)
	}
	want := map[string]string{"armhf": labels[0], "armhf+mako": labels[0], "armel+mako": labels[0], "i386": labels[1], "amd64": labels[2], "arm64": "",
		"arm64+raspi": labels[3], "arm64+largemem": labels[4], "arm64+tegra": "", "riscv64+unleashed": labels[5], "riscv64+unmatched": labels[6], "riscv64": "",
		"amd64+intel-iot": labels[7], "ppc64el": labels[8], "s390x": "", "": ""}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Label (-want +got):\n%s", d)
	}
	var names []string
	for _, l := range append(labels, "no-architecture") {
		names = append(names, cdimage.Arch{Label: l}.Name())
	}
	if d := cmp.Diff([]string{"armhf", "i386", "amd64", "arm64+raspi", "arm64+largemem", "riscv64+unleashed", "riscv64+unmatched", "amd64+intel-iot", "ppc64el", ""}, names); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
	// where the plain architecture was built, its flavours were not
	plain := cdimage.Arches{{Label: "ubuntu-server-arm64-generic"}}
	for file, want := range map[string]string{"resolute-preinstalled-server-arm64.img.xz": plain[0].Label, "resolute-preinstalled-server-arm64+raspi.img.xz": ""} {
		if got := plain.LabelOfFile(file); got != want {
			t.Errorf("LabelOfFile(%s) = %q, want %q", file, got, want)
		}
	}
}
