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

// A lostDelta is one of which a run says that a kill took it, which no program of the
// server makes later. Of a delta that is lost and not said, nothing is forgiven.
type lostDelta struct{ base, version, channel, device string }

var saidOfDelta = regexp.MustCompile(`^no delta leads from image (\d+) to image (\d+) of (\S+) for (\S+): `)

// lostDeltas reads the notes of a journal.
func lostDeltas(journal string) (lost []lostDelta) {
	for line := range strings.Lines(journal) {
		var rec runbook.Record
		if json.Unmarshal([]byte(line), &rec) != nil || rec.Kind != runbook.Noted { // a torn last line says nothing
			continue
		}
		if said := saidOfDelta.FindStringSubmatch(rec.Reason); said != nil {
			lost = append(lost, lostDelta{said[1], said[2], said[3], said[4]})
		}
	}
	return lost
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

// concerns says whether devices of a channel lack the delta.
func (l lostDelta) concerns(h heirs, channel, device string) bool {
	c := h[channel]
	return device == l.device && (channel == l.channel || c.Alias == l.channel || c.Devices[device].Redirect == l.channel)
}

// without is a state without lost deltas.
func without(state string, lost []lostDelta, h heirs) string {
	var kept strings.Builder
	var channel, device string
	for line := range strings.Lines(state) {
		if !strings.HasPrefix(line, " ") {
			channel, device, _ = strings.Cut(strings.TrimSpace(line), " ")
		}
		gone := false
		for _, l := range lost {
			gone = gone || l.concerns(h, channel, device) && strings.HasPrefix(line, "  "+l.version+" delta from "+l.base+" ")
		}
		if !gone {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// Of a world only those deltas are forgiven that a run says are lost.
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
	for _, tt := range []struct {
		name, journal string
		gone          []string // endings of lines
	}{
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
			if d := cmp.Diff(want.String(), without(world, lostDeltas(tt.journal), h)); d != "" {
				t.Errorf("the world that is expected (-want +got)\n%s", d)
			}
		})
	}
}
