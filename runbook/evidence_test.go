package runbook_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
)

// Evidence without a text is no JSON for a person.
func TestEvidenceText(t *testing.T) {
	for name, tc := range map[string]struct{ evidence, want string }{
		"words":        {`"it opens"`, "it opens"},
		"empty":        {`""`, "(empty)"},
		"several":      {`["unity8","lightdm"]`, "unity8\nlightdm"},
		"nothing":      {`{"builds":[],"when":null}`, "builds: none\nwhen: none"},
		"members":      {`{"tag":"OTA-13","n":1.50,"need_reason":true}`, "tag: OTA-13\nn: 1.50\nneed reason: yes"},
		"a long word":  {`"ubuntu=20150611,device=20150604-1c0ffee,version=2"`, "ubuntu=20150611, device=20150604-1c0ffee, version=2"},
		"few words":    {`{"channels":["rc","stable"]}`, "channels: rc, stable"},
		"a table":      {`[{"device":"arale","version":2},{"device":"krillin","version":31}]`, "device   version\narale    2\nkrillin  31"},
		"in a member":  {`{"targets":[{"device":"arale","version":2}],"percent":"30%"}`, "targets:\n  device  version\n  arale   2\npercent: 30%"},
		"too wide":     {`[{"a":"` + strings.Repeat("x", 60) + `","b":"` + strings.Repeat("y", 60) + `"}]`, "- a: " + strings.Repeat("x", 60) + "\n  b: " + strings.Repeat("y", 60)},
		"unlike":       {`[{"a":1},{"b":[{"c":2}]}]`, "- a: 1\n- b:\n    c\n    2"},
		"an answer":    {`{"subject":"Update","body":["- arale: image 2","","The update was stopped at noon."]}`, "subject: Update\nbody:\n  - arale: image 2\n  \n  The update was stopped at noon."},
		"lines":        {`{"body":"one\ntwo"}`, "body:\n  one\n  two"},
		"control":      {`{"a\u001b":"b\u001b[2J\u202e"}`, "a\uFFFD: b\uFFFD[2J\uFFFD"},
		"not JSON":     {"{\x1b", "{\uFFFD"},
		"a shown text": {"", "arale   image 41"},
	} {
		q := runbook.Question{Evidence: json.RawMessage(tc.evidence)}
		if tc.evidence == "" {
			q.Shown = tc.want
		}
		if d := cmp.Diff(tc.want, q.EvidenceText()); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
}
