package cdimage_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestVerdictForms holds the text and JSON forms of some diagnoses to what is
// stored. Run with -update after a change that is meant.
func TestVerdictForms(t *testing.T) {
	livefs := map[string]string{
		"ubuntu-touch-custom-i386":  "livefs/vivid-i386-unmet.txt.gz",
		"ubuntu-touch-custom-armhf": "livefs/vivid-armhf-chroot-connect.txt.gz",
	}
	for _, name := range []string{
		"ubuntu-touch-custom/vivid/daily-preinstalled-20160906", "ubuntu-touch-custom/vivid/daily-preinstalled-20160906.1",
		"ubuntu-touch-custom/vivid/daily-preinstalled-20160908", "ubuntu-touch-custom/vivid/daily-preinstalled-20160913",
		"ubuntu-touch-custom/vivid/daily-preinstalled-20160921", "ubuntu-touch-custom/vivid/daily-preinstalled-20160930",
		"ubuntu-touch-custom/vivid/daily-preinstalled-20161010", "ubuntu-server/stonking/daily-preinstalled-20260728.2",
	} {
		t.Run(name, func(t *testing.T) {
			build, err := cdimage.ParseBuild(name + ".log")
			if err != nil {
				t.Fatal(err)
			}
			log := parseBuild(t, read(t, "cd-build-logs/"+name+".log"))
			e := cdimage.Evidence{Build: build, Log: log, Now: log.End.Add(5 * time.Minute), Livefs: map[string]*cdimage.LivefsLog{}}
			for _, c := range log.Causes {
				if c.Needs != "" {
					e.Livefs[c.Scope] = parseLivefs(t, read(t, livefs[c.Scope]))
				}
			}
			d := cdimage.Diagnose(e)
			var b bytes.Buffer
			b.WriteString(d.String() + "\n")
			enc := json.NewEncoder(&b)
			enc.SetIndent("", "  ")
			enc.SetEscapeHTML(false)
			if err := enc.Encode(d); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "verdicts", strings.ReplaceAll(name, "/", "_")+".golden")
			if *update {
				if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var back cdimage.Diagnosis
			if err := json.Unmarshal(b.Bytes()[len(d.String())+1:], &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(d.Causes, back.Causes); diff != "" || back.Build != d.Build || len(back.Arches) != len(d.Arches) {
				t.Errorf("JSON does not come back: %s", diff)
			}
		})
	}
}

// A log without a time tells its age by the day of its build: one that was just
// made is at work, and not killed in the year 1.
func TestDiagnoseEmptyLog(t *testing.T) {
	build, err := cdimage.ParseBuild("ubuntu-touch/vivid/daily-preinstalled-20161010.3.log")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		now     time.Time
		running bool
		want    string
	}{
		{time.Date(2016, 10, 10, 12, 0, 0, 0, time.UTC), true, "wait"},
		{time.Date(2016, 10, 12, 0, 0, 0, 0, time.UTC), false, "has not grown for 24h0m0s"},
	} {
		for _, text := range []string{"", "===== Acqui"} {
			d := cdimage.Diagnose(cdimage.Evidence{Build: build, Log: parseBuild(t, text), Now: tt.now})
			if d.Running != tt.running || !strings.Contains(d.Remedy, tt.want) {
				t.Errorf("%q at %v: running %v, remedy %q; want %v, %q", text, tt.now, d.Running, d.Remedy, tt.running, tt.want)
			}
		}
	}
}
