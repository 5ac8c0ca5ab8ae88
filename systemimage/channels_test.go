package systemimage

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	for _, tt := range readCases[channelsCase](t, "testdata/client/channels-cases.json") {
		t.Run(tt.Name, func(t *testing.T) {
			cs, err := ParseChannels([]byte(tt.Text))
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
			back, err := ParseChannels(again)
			if diff := cmp.Diff(cs, back); err != nil || diff != "" {
				t.Errorf("written and read again: %v (-want +got):\n%s", err, diff)
			}
		})
	}
	if seen != len(unlikeADevice) {
		t.Errorf("%d of %d differences met", seen, len(unlikeADevice))
	}
}
