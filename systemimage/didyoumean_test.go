package systemimage

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// Of many channels those are named that somebody may have meant, the nearest first.
func TestLookupNearest(t *testing.T) {
	cs := Channels{}
	for _, name := range []string{
		"ubuntu-touch/devel", "ubuntu-touch/devel-proposed", "ubuntu-touch/devel_rc-proposed", "ubuntu-touch/ubuntu-rtm/14.09",
		"ubuntu-touch/rc-proposed/bq-aquaris.en", "ubuntu-touch/rc-proposed/meizu.en", "ubuntu-touch/rc/bq-aquaris.en", "ubuntu-touch/rc/meizu.en",
		"ubuntu-touch/stable/bq-aquaris.en", "ubuntu-touch/stable/meizu.en", "ubuntu-touch/stable/meizu.zh", "ubuntu-touch/vegetahd",
	} {
		cs[name] = Channel{Devices: map[string]Device{}}
	}
	for asked, nearest := range map[string][]string{
		"ubuntu-touch/rc-proposed/meizu.zh":   {"ubuntu-touch/rc-proposed/meizu.en"},
		"ubuntu-touch/stabel/meizu.en":        {"ubuntu-touch/stable/meizu.en"},
		"ubunt-touch/stable/meizu.zh":         {"ubuntu-touch/stable/meizu.zh"},
		"rc/meizu.en":                         {"ubuntu-touch/rc/meizu.en"},
		"Ubuntu-Touch/RC/Meizu.EN":            {"ubuntu-touch/rc/meizu.en"},
		"ubuntu-touch/ubuntu-rtm/14.10":       {"ubuntu-touch/ubuntu-rtm/14.09"},
		"x/ubuntu-touch/vegetahd":             {"ubuntu-touch/vegetahd"},
		strings.Repeat("ubuntu-touch/", 1000): nil,
	} {
		_, err := cs.Lookup(asked, "krillin")
		if !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		_, list, _ := strings.Cut(err.Error(), "closest of 12 channels: ")
		got := strings.Split(list, ", ")
		if len(got) != 8 || !slices.Equal(got[:len(nearest)], nearest) {
			t.Errorf("%.40q: %q, want first %q", asked, got, nearest)
		}
	}
}
