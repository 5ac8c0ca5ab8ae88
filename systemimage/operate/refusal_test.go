package operate

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/landingteam/landing/systemimage"
)

// Whatever is asked for: a request that is not refused makes a command line in
// which every word is what it should be.
func FuzzCopyRequest(f *testing.F) {
	f.Add("rc-proposed", "rc", "krillin", "OTA-5", 3, 0)
	f.Add("-k", "--", "", "-", 0, 101)
	f.Add("a b", "c;d", "$(e)", "é tag", 65535, 100)
	f.Fuzz(func(t *testing.T, from, to, device, tag string, version, percentage int) {
		r := CopyRequest{From: from, To: to, Device: device, Tag: tag, Version: version, Percentage: percentage}
		cs := systemimage.Channels{from: {Devices: map[string]systemimage.Device{device: {}}}, to: {Devices: map[string]systemimage.Device{device: {}}}}
		if r.refuse() != "" || refuseCopy(cs, from, to, device, tag) != "" {
			return
		}
		for _, form := range []copyForm{formOption, formPositional} {
			args := r.args(form)
			if !slices.Contains(args, "-p") || slices.Contains(args, "-k") || slices.Contains(args, "-q") {
				t.Fatalf("%q", args)
			}
			for i, a := range args {
				known := slices.Contains([]string{"-r", "-p", "-t", "-vvv"}, a)
				if strings.HasPrefix(a, "-") && !known || a == "" || strings.ContainsAny(a, "\n\r\x00") || !utf8.ValidString(a) {
					t.Fatalf("word %d of %q", i, args)
				}
			}
			if strings.Contains(tag, ",") {
				t.Fatalf("a tag with a comma: %q", args)
			}
		}
	})
}

func TestCopiedDetail(t *testing.T) {
	tests := []struct {
		source string
		setTag bool
		tag    string
		want   string
	}{
		{"ubuntu=1,tag=a,version=3", false, "", "ubuntu=1,tag=a,version=9"},
		{"ubuntu=1,tag=a,version=3", true, "b", "ubuntu=1,tag=b,version=9"},
		{"tag=a,ubuntu=1,version=3", true, "", "ubuntu=1,version=9"},
		{"", true, "b", ",tag=b,version=9"}, // as the program does it
	}
	for _, tt := range tests {
		if got := copiedDetail(tt.source, tt.setTag, tt.tag, 9); got != tt.want {
			t.Errorf("copiedDetail(%q, %v, %q) = %q, want %q", tt.source, tt.setTag, tt.tag, got, tt.want)
		}
	}
}
