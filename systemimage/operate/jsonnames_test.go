package operate

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/landingteam/landing/systemimage"
)

// What programs print with -json and journals keep has names of one kind.
func TestJSONNames(t *testing.T) {
	upper := regexp.MustCompile(`"[a-z_]*[A-Z]\w*":`)
	for _, v := range []any{
		CopyResult{Deltas: []int{1}, Aliases: []string{"a"}}, PhaseResult{Aliases: []string{"a"}},
		systemimage.Finding{Blocks: true},
		ImporterStatus{By: []Owner{{Run: "r", Since: time.Unix(1, 0), Others: 1}}, Lines: []int{1}, Lock: "x"},
	} {
		b, err := json.Marshal(v)
		if bad := upper.FindAll(b, -1); err != nil || bad != nil {
			t.Errorf("%T: %q, %v", v, bad, err)
		}
	}
}
