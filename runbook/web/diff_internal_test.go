package web

import (
	"strings"
	"testing"
)

// Long texts are cut before they are compared.
func TestDiffIsBounded(t *testing.T) {
	long := strings.Repeat("x\n", 2*maxDiff)
	list := diff(long, "y\n"+long)
	if n := len(list); n > 2*maxDiff+4 {
		t.Errorf("%d lines of a difference of long texts", n)
	}
	if last := list[len(list)-1]; !strings.HasPrefix(last.Text, "…") {
		t.Errorf("the last line is %q, want what says that there is more", last.Text)
	}
}
