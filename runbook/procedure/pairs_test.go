package procedure

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/systemimage"
)

const channelsJSON = `{
  "t/rc-proposed/a": {"devices": {"krillin": {"index": "/k"}, "mako": {"index": "/m", "redirect": "t/rc-proposed/b"}, "new": {"index": "/n"}}},
  "t/rc/a":          {"devices": {"krillin": {"index": "/k"}, "mako": {"index": "/m"}}},
  "t/rc-proposed/b": {"devices": {"arale": {"index": "/a"}}},
  "t/rc/b":          {"alias": "t/rc/a", "devices": {"arale": {"index": "/a"}}},
  "t/rc-proposed/c": {"devices": {"turbo": {"index": "/t"}}},
  "t/rc-proposed/d": {"devices": {"turbo": {"index": "/t"}}},
  "t/rc/d":          {"devices": {"turbo": {"index": "/t"}}},
  "t/stable/a":      {"devices": {"krillin": {"index": "/k"}}},
  "old":             {"redirect": "t/rc/a", "devices": {"krillin": {"index": "/k"}}}
}`

func TestFindPairs(t *testing.T) {
	t.Parallel()
	var channels systemimage.Channels
	err := channels.UnmarshalJSON([]byte(channelsJSON))
	if err != nil {
		t.Fatal(err)
	}
	pair := func(name, device string) Pair {
		return Pair{From: "t/rc-proposed/" + name, To: "t/rc/" + name, Device: device}
	}
	krillin, turbo := pair("a", "krillin"), pair("d", "turbo")
	for _, tt := range []struct {
		name    string
		wanted  []Pair
		want    []Pair
		skipped int
		wantErr string
	}{
		{name: "all that exist in both", want: []Pair{krillin, turbo}, skipped: 4},
		{name: "one channel", wanted: []Pair{pair("a", "")}, want: []Pair{krillin}, skipped: 2},
		{name: "one device", wanted: []Pair{krillin}, want: []Pair{krillin}},
		{name: "one device twice", wanted: []Pair{krillin, krillin, pair("a", "")}, want: []Pair{krillin}, skipped: 2},
		{name: "device in the source only", wanted: []Pair{pair("a", "new")}, wantErr: "t/rc/a has no device new"},
		{name: "device redirect", wanted: []Pair{pair("a", "mako")}, wantErr: "is a redirect to channel t/rc-proposed/b"},
		{name: "destination is an alias", wanted: []Pair{pair("b", "")}, wantErr: "t/rc/b is an alias of t/rc/a"},
		{name: "no destination", wanted: []Pair{pair("c", "")}, wantErr: "t/rc/c does not exist"},
		{name: "no source", wanted: []Pair{pair("x", "krillin")}, wantErr: "t/rc-proposed/x does not exist"},
		{name: "redirect channel", wanted: []Pair{{From: "old", To: "t/rc/a"}}, wantErr: "old is a redirect to t/rc/a"},
		{name: "one good, one mistyped", wanted: []Pair{krillin, pair("d", "trubo")}, wantErr: "has no device trubo"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, skipped, err := findPairs(channels, "rc-proposed", "rc", tt.wanted)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("FindPairs() error = %v, want one with %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("FindPairs() (-want +got)\n%s", d)
			}
			if len(skipped) != tt.skipped {
				t.Errorf("FindPairs() left out %d, want %d: %v", len(skipped), tt.skipped, skipped)
			}
		})
	}
	if _, _, err := findPairs(channels, "edge", "rc", nil); err == nil {
		t.Error("FindPairs() with a word that no channel has: no error")
	}
}

func TestParsePair(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want Pair
		ok   bool
	}{
		{"t/rc-proposed/a:krillin", Pair{From: "t/rc-proposed/a", To: "t/rc/a", Device: "krillin"}, true},
		{"t/rc-proposed/a", Pair{From: "t/rc-proposed/a", To: "t/rc/a"}, true},
		{"20.04/arm64/rc-proposed:x", Pair{From: "20.04/arm64/rc-proposed", To: "20.04/arm64/rc", Device: "x"}, true},
		{"t/stable/a:krillin", Pair{}, false},
		{"t/rc-proposed/rc-proposed", Pair{}, false}, // which of the two?
		{"t/rc-proposed/a:", Pair{}, false},
		{":krillin", Pair{}, false},
		{"t/rc-proposed/a:x:y", Pair{}, false},
		{"", Pair{}, false},
	} {
		got, err := ParsePair(tt.in, "rc-proposed", "rc")
		if (err == nil) != tt.ok || got != tt.want {
			t.Errorf("ParsePair(%q) = %v, %v, want %v, ok %v", tt.in, got, err, tt.want, tt.ok)
		}
	}
}
