package procedure_test

import (
	"strings"
	"testing"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/runbook/procedure"
)

// TestRootfsImport: the image server takes what has checksums and a root file
// system, whatever became of the run.
func TestRootfsImport(t *testing.T) {
	t.Parallel()
	verdict := cdimage.Arches{{Label: "ubuntu-touch-custom-armhf", State: "Successfully built"}}
	rootfs := "vivid-preinstalled-touch-armhf.tar.gz"
	for _, tt := range []struct {
		name    string
		publish cdimage.Outcome
		running bool
		files   []string
		can     bool
		why     string
	}{
		{"at work", cdimage.NotYet, true, nil, false, "at work"},
		{"log cut", cdimage.NotYet, false, nil, false, "incomplete"},
		{"nothing", cdimage.None, false, nil, false, "stays with the build before"},
		{"carried over", cdimage.Partial, false, []string{rootfs, "SHA256SUMS"}, false, "carried over"},
		{"perhaps carried over", cdimage.Partial, false, nil, false, "if the directory has a file"},
		{"died, not looked at", cdimage.Broken, false, nil, false, "if its directory has no SHA256SUMS"},
		{"died half-way", cdimage.Broken, false, []string{rootfs}, false, "passes it over"},
		{"died before this one", cdimage.Broken, false, []string{"SHA256SUMS"}, false, "passes it over"},
		{"died at the end", cdimage.Broken, false, []string{rootfs, "SHA256SUMS"}, true, "takes it"},
	} {
		d := cdimage.Diagnosis{Build: cdimage.Build{ImageSet: touch}, Publish: tt.publish, Running: tt.running, Arches: verdict}
		got := procedure.NewBuildReport(d, tt.files).Imports
		if len(got) != 1 || got[0].Can != tt.can || !strings.Contains(got[0].Why, tt.why) {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
}
