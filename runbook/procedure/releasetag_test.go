package procedure

import (
	"strings"
	"testing"

	"github.com/landingteam/landing/systemimage"
)

func TestDoubtsOfTag(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		there []string // tags of the images 1, 2, ...
		tag   string
		want  string // part of the doubt
	}{
		{nil, "OTA-13", ""},
		{[]string{"OTA-11", "OTA-12"}, "OTA-13", ""},
		{[]string{"OTA-9"}, "OTA-10", ""},
		{[]string{"OTA-9"}, "OTA-9.1", ""},
		{[]string{"OTA-9.1"}, "OTA-10", ""},
		{[]string{"OTA-12", "OTA-13"}, "OTA-13", "image 2 there has the tag OTA-13 already"},
		{[]string{"OTA-12", "OTA-13"}, "OTA-12", "lower than OTA-13, which image 2"},
		{[]string{"OTA-13", ""}, "OTA-12", "lower than OTA-13, which image 1"},
		{[]string{"OTA-10"}, "OTA-9", "lower than OTA-10"},
		{[]string{"OTA-9.1"}, "OTA-9", "lower than OTA-9.1"},
		{[]string{"ota-13"}, "OTA-12", "lower than ota-13"},
		{[]string{"2016-W12"}, "2016-W11", "lower than 2016-W12"},
		{[]string{"16.04/r2"}, "OTA-1", ""}, // another kind of tag
		{[]string{"OTA-4-rc"}, "OTA-4", ""},
		{[]string{"final"}, "beta", ""},
	} {
		x := &systemimage.Index{}
		for i, tag := range tt.there {
			x.Images = append(x.Images, systemimage.Image{Type: systemimage.Full, Version: i + 1, VersionDetail: "ubuntu=1,tag=" + tag})
		}
		if got := doubtsOfTag(x, tt.tag); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s after %q: %q, want %q", tt.tag, tt.there, got, tt.want)
		}
	}
}
