package operate

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/landingteam/landing/systemimage"
)

// Preflight of a device, and the words with which a copy is refused.
func TestPreflight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := replayOf(t, "copy-ok", "copy-ok-tag-v3")
		s := h.server()
		found, err := s.Preflight(t.Context(), copyRC.To, copyRC.Device)
		if err != nil || len(found) != 0 {
			t.Errorf("whole: %v, %v", found, err)
		}
		h.w.size["pool/ubuntu-28569bbec342bae4dee4088ba9057a658c7e0c11c353986dec920e552f1f8e4d.tar.xz"] = 7
		found, err = s.Preflight(t.Context(), copyRC.To, copyRC.Device)
		if err != nil || len(found) != 1 || !found[0].Blocks {
			t.Errorf("cut: %v, %v", found, err)
		}
		_, err = s.Copy(t.Context(), copyRC)
		if !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "nothing was run: pool/ubuntu-28569") || len(h.runs) != 0 {
			t.Errorf("copy: %v", err)
		}
	})
}
