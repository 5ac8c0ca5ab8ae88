package treecheck

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/landingteam/landing/systemimage"
)

// What programs print with -json and journals keep has names of one kind.
func TestTreeJSONNames(t *testing.T) {
	upper := regexp.MustCompile(`"[a-z_]*[A-Z]\w*":`)
	for _, v := range []any{systemimage.Finding{Channel: "c", Device: "d", Place: "p"}} {
		b, err := json.Marshal(v)
		if bad := upper.FindAll(b, -1); err != nil || bad != nil {
			t.Errorf("%T: %q, %v", v, bad, err)
		}
	}
}
