package realserver_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
)

// A saidDelta is one of which a run says that a kill took it, and that no program of the
// server makes it later; or that it is still there, though its base has expired. Of what
// differs and is not said, nothing is forgiven.
type saidDelta struct{ base, version, channel, device string }

var (
	saidLost = regexp.MustCompile(`^no delta leads from image (\d+) to image (\d+) of (\S+) for (\S+): `)
	saidKept = regexp.MustCompile(`^image (\d+) of (\S+) for (\S+) is expired, and its deltas to ([0-9, ]+) are not: `)
)

// saidOf reads the notes of a journal.
func saidOf(journal string) (lost, kept []saidDelta) {
	for line := range strings.Lines(journal) {
		var rec runbook.Record
		if json.Unmarshal([]byte(line), &rec) != nil || rec.Kind != runbook.Noted { // a torn last line says nothing
			continue
		}
		if m := saidLost.FindStringSubmatch(rec.Reason); m != nil {
			lost = append(lost, saidDelta{m[1], m[2], m[3], m[4]})
		}
		if m := saidKept.FindStringSubmatch(rec.Reason); m != nil {
			for _, version := range strings.Split(m[4], ", ") {
				kept = append(kept, saidDelta{m[1], version, m[2], m[3]})
			}
		}
	}
	return lost, kept
}

// heirs are channels that hold what others do: aliases, and devices that are redirected.
type heirs map[string]struct {
	Alias   string `json:"alias"`
	Devices map[string]struct {
		Redirect string `json:"redirect"`
	} `json:"devices"`
}

func (m *machine) heirs(t *testing.T) (h heirs) {
	t.Helper()
	readJSON(t, filepath.Join(m.root(), "www/channels.json"), &h)
	return h
}

// concerns says whether it is a delta of devices of a channel.
func (s saidDelta) concerns(h heirs, channel, device string) bool {
	c := h[channel]
	return device == s.device && (channel == s.channel || c.Alias == s.channel || c.Devices[device].Redirect == s.channel)
}

// without is a state without some deltas.
func without(state string, deltas []saidDelta, h heirs) string {
	var kept strings.Builder
	var channel, device string
	for line := range strings.Lines(state) {
		if !strings.HasPrefix(line, " ") {
			channel, device, _ = strings.Cut(strings.TrimSpace(line), " ")
		}
		gone := false
		for _, d := range deltas {
			gone = gone || d.concerns(h, channel, device) && strings.HasPrefix(line, "  "+d.version+" delta from "+d.base+" ")
		}
		if !gone {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// Of a world only those deltas are forgiven that a run says are lost, or kept.
func TestOnlyWhatIsSaidIsForgiven(t *testing.T) {
	h := heirs{}
	for name, alias := range map[string]string{"rc": "", "devel": "", "latest": "rc", "other": ""} {
		c := h[name]
		c.Alias = alias
		if name == "devel" {
			c.Devices = map[string]struct {
				Redirect string `json:"redirect"`
			}{"mako": {Redirect: "rc"}}
		}
		h[name] = c
	}
	const world = `devel mako
  3 delta from 2 at 100%: devel
latest mako
  3 delta from 2 at 100%: latest
other mako
  3 delta from 2 at 100%: other
rc krillin
  3 delta from 2 at 100%: rc, krillin
rc mako
  13 delta from 12 at 100%: rc
  3 delta from 1 at 100%: rc
  3 delta from 2 at 100%: rc
  3 full from 0 at 100%: rc
-- announced --
`
	const said = `{"verb":"note","kind":"noted","reason":"no delta leads from image 2 to image 3 of rc for mako: the copy was killed"}` + "\n"
	const kept = `{"verb":"note","kind":"noted","reason":"image 2 of other for mako is expired, and its deltas to 3, 4 are not: a copy was killed"}` + "\n"
	for _, tt := range []struct {
		name, journal string
		gone          []string // endings of lines
	}{
		{"said to be kept", kept, []string{"other\n"}},
		{"another is said to be kept", strings.ReplaceAll(kept, "3, 4", "4, 13"), nil},
		{"said", said, []string{"devel\n", "latest\n", "  3 delta from 2 at 100%: rc\n"}},
		{"said of two devices", said + strings.ReplaceAll(said, "mako", "krillin"), []string{"devel\n", "latest\n", "krillin\n", "  3 delta from 2 at 100%: rc\n"}},
		{"said twice", said + said, []string{"devel\n", "latest\n", "  3 delta from 2 at 100%: rc\n"}},
		{"not said", `{"verb":"note","kind":"noted","reason":"rc for mako is now image 3"}` + "\n", nil},
		{"said of another channel", strings.ReplaceAll(said, "of rc", "of none"), nil},
		{"said of another version", strings.ReplaceAll(said, "image 3", "image 4"), nil},
		{"not a note", strings.ReplaceAll(said, `"noted"`, `"failed"`), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want strings.Builder
			for line := range strings.Lines(world) {
				gone := false
				for _, end := range tt.gone {
					gone = gone || strings.HasPrefix(line, "  ") && strings.HasSuffix(line, end)
				}
				if !gone {
					want.WriteString(line)
				}
			}
			lost, kept := saidOf(tt.journal)
			if d := cmp.Diff(want.String(), without(without(world, lost, h), kept, h)); d != "" {
				t.Errorf("the world that is expected (-want +got)\n%s", d)
			}
		})
	}
}
