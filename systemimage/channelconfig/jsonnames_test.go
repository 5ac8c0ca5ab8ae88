package channelconfig

import (
	"encoding/json"
	"regexp"
	"testing"
)

// What programs print with -json and journals keep has names of one kind.
func TestConfigJSONNames(t *testing.T) {
	upper := regexp.MustCompile(`"[a-z_]*[A-Z]\w*":`)
	for _, v := range []any{Edit{}, Change{}, Finding{}} {
		b, err := json.Marshal(v)
		if bad := upper.FindAll(b, -1); err != nil || bad != nil {
			t.Errorf("%T: %q, %v", v, bad, err)
		}
	}
}
