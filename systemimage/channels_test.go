package systemimage

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/systemimage/internal/fixture"
)

// unlikeADevice lists where ParseChannels deliberately differs from a device.
var unlikeADevice = map[string]string{
	"channel named keys":       "an accident of the client's container class",
	"channel named self":       "likewise",
	"channel named converters": "likewise: the client swallows it",
}

func TestParseChannelsLikeADevice(t *testing.T) {
	type keyring struct{ Path, Signature *string }
	type device struct {
		Index   *string
		Keyring *keyring
	}
	type channel struct {
		Hidden          any
		Alias, Redirect *string
		Devices         map[string]device
	}
	type channelsCase struct {
		Name     string
		Text     string `json:"channels_text"`
		Verdict  string
		Channels map[string]channel
		Listed   []string
	}
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	seen := 0
	for _, tt := range fixture.Cases[channelsCase](t, "testdata/client/channels-cases.json") {
		t.Run(tt.Name, func(t *testing.T) {
			cs, err := parseChannels([]byte(tt.Text))
			if why := unlikeADevice[tt.Name]; why != "" {
				seen++
				if err != nil || len(cs) != 1 {
					t.Errorf("ParseChannels = %v, %v, want one channel", cs, err)
				}
				return
			}
			if (err == nil) != (tt.Verdict == "ok") {
				t.Fatalf("ParseChannels: error %v, want verdict %s", err, tt.Verdict)
			}
			if err != nil {
				return
			}
			got := map[string]channel{}
			for name, ch := range cs {
				g := channel{ch.Hidden, text(ch.Alias), text(ch.Redirect), map[string]device{}}
				if want := tt.Channels[name].Hidden; want == 0.0 && !ch.Hidden {
					g.Hidden = 0.0
				}
				for n, d := range ch.Devices {
					gd := device{Index: text(d.Index)}
					if d.Keyring != nil {
						gd.Keyring = &keyring{text(d.Keyring.Path), text(d.Keyring.Signature)}
					}
					g.Devices[n] = gd
				}
				got[name] = g
			}
			if diff := cmp.Diff(tt.Channels, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			again, err := json.Marshal(cs)
			if err != nil {
				t.Fatal(err)
			}
			back, err := parseChannels(again)
			if diff := cmp.Diff(cs, back); err != nil || diff != "" {
				t.Errorf("written and read again: %v (-want +got):\n%s", err, diff)
			}
		})
	}
	if seen != len(unlikeADevice) {
		t.Errorf("%d of %d differences met", seen, len(unlikeADevice))
	}
}

const sampleChannels = `{
	"rc": {"devices": {"mako": {"index": "/rc/mako/index.json"}, "arale": {"index": "/rc/arale/index.json"}}},
	"self": {"alias": "self", "devices": {}},
	"stable": {"alias": "rc", "devices": {"mako": {"index": "/stable/mako/index.json"}}},
	"old": {"redirect": "rc", "hidden": true, "devices": {"mako": {"index": "/rc/mako/index.json"}}},
	"mixed": {"devices": {"mako": {"index": "/rc/mako/index.json", "redirect": "rc"}}},
	"a": {"devices": {"mako": {"redirect": "b"}}}, "b": {"devices": {"mako": {"redirect": "a"}}}
}`

func TestChannelsLookup(t *testing.T) {
	cs, err := parseChannels([]byte(sampleChannels))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"rc": KindChannel, "self": KindChannel, "stable": KindAlias, "old": KindRedirect, "none": ""} {
		if got := cs.Kind(name); got != want {
			t.Errorf("Kind(%s) = %q, want %q", name, got, want)
		}
	}
	if d, err := cs.Lookup("rc", "arale"); err != nil || d.Index != "/rc/arale/index.json" {
		t.Errorf("Lookup = %+v, %v", d, err)
	}
	for _, pair := range [][2]string{{"none", "mako"}, {"rc", "none"}, {"", ""}} {
		if _, err := cs.Lookup(pair[0], pair[1]); !errors.Is(err, ErrNotFound) {
			t.Errorf("Lookup%q: %v, want ErrNotFound", pair, err)
		}
	}
	var pairs []string
	for c, d := range cs.Pairs() {
		pairs = append(pairs, c+" "+d)
	}
	if want := []string{"a mako", "b mako", "mixed mako", "old mako", "rc arale", "rc mako", "stable mako"}; !cmp.Equal(want, pairs) {
		t.Errorf("Pairs = %q, want %q", pairs, want)
	}
	for range cs.Pairs() {
		break // a caller may stop early
	}
}

func TestChannelsKeepUnknownFields(t *testing.T) {
	const text = `{"c":{"devices":{"d":{"index":"/i","keyring":{"path":"/k","signature":"/k.asc","x":[1]},"note":{"a":null}}},"hidden":true,"x":1.50}}`
	cs, err := parseChannels([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(cs)
	if err != nil || string(got) != text {
		t.Errorf("written as %s, %v, want %s", got, err, text)
	}
}
