package procedure_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/cdimagetest"
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

// dated is a mirror whose clock shows another time.
type dated struct {
	inner http.RoundTripper
	at    time.Time
}

func (d dated) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := d.inner.RoundTrip(r)
	if err == nil {
		resp.Header.Set("Date", d.at.Format(http.TimeFormat))
	}
	return resp, err
}

// The mirror of the logs and the image host show midnight at two moments: the host's
// clock decides, about the remedy as well.
func TestInvestigateBuildAtMidnight(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2016, 9, 7, 0, 0, 0, 0, time.UTC)
	for _, early := range []bool{false, true} {
		h := imageHost(t, failing)
		mirror, host := midnight.Add(-time.Minute), midnight.Add(time.Minute)
		if early {
			mirror, host = host, mirror
		}
		k, err := cdimagetest.GetKnobs(h.root)
		if err != nil {
			t.Fatal(err)
		}
		k.Now = host
		h.knobs(t, k)
		logs, err := h.BuildLogs()
		if err != nil {
			t.Fatal(err)
		}
		transport := http.DefaultTransport
		if logs.HTTP != nil && logs.HTTP.Transport != nil {
			transport = logs.HTTP.Transport
		}
		there := *logs
		there.HTTP = &http.Client{Transport: dated{transport, mirror}}
		i := &procedure.InvestigateBuild{Logs: &there, Builder: h.Builder, Input: procedure.InvestigateBuildInput{Build: cdimage.Build{ImageSet: touch}}}
		report, err := i.Investigate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		onHost, err := h.Result(t.Context(), report.Build)
		if err != nil {
			t.Fatal(err)
		}
		if report.Republish.Safe != early || report.Remedy != onHost.Remedy || !slices.Equal(report.Actions, onHost.Actions) {
			t.Errorf("%v on the host: do %q, safe %v; the host alone says %q", host, report.Remedy, report.Republish.Safe, onHost.Remedy)
		}
	}
}
