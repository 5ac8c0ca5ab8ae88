package procedure

import (
	"fmt"
	"strings"
	"testing"

	"github.com/landingteam/landing/systemimage"
)

// An index that devices cannot use as it is does not keep a back-out from seeing who
// is offered the faulty image.
func TestOffersOfABrokenIndex(t *testing.T) {
	t.Parallel()
	image := func(kind string, version, base, percentage int, files ...string) string {
		var list []string
		for n, f := range files {
			list = append(list, fmt.Sprintf(`{"path":%q,"signature":%q,"checksum":"%064x","size":1,"order":%d}`, f, f+".asc", len(f)+100*version, n))
		}
		text := fmt.Sprintf(`{"type":%q,"version":%d,"description":"d","phased-percentage":%d,"files":[%s]`, kind, version, percentage, strings.Join(list, ","))
		if base > 0 {
			text += fmt.Sprintf(`,"base":%d`, base)
		}
		return text + "}"
	}
	const one, other = "/pool/a/keyring.tar.xz", "/pool/b/keyring.tar.xz"
	first, clash := image("full", 1, 0, 100, "/pool/x-1.tar.xz", one), image("delta", 2, 1, 100, "/pool/x-2.tar.xz", other)
	for name, tt := range map[string]struct {
		images []string
		faulty int
		want   string
	}{
		"stopped, and a way to the good one has two files of one name": {[]string{first, clash, image("full", 3, 0, 0, "/pool/x-3.tar.xz")}, 3, ""},
		"the faulty one is at the end of such a way":                   {[]string{first, clash}, 2, "a device at build 0 with number 0 gets image 2"},
		"devices drop the index":                                       {[]string{first, strings.Replace(image("full", 2, 0, 100, "/pool/x-2.tar.xz"), `{"type"`, `{"self":1,"type"`, 1)}, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := systemimage.ParseIndex([]byte(`{"global":{"generated_at":"Tue Oct 16 09:51:13 UTC 2018"},"images":[` + strings.Join(tt.images, ",") + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			got, err := offers(x, tt.faulty)
			if err != nil || got != tt.want {
				t.Errorf("offers = %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}
