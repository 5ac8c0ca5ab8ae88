package treecheck

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every rule is whole, has a class of its own, and a test that expects it.
func TestRules(t *testing.T) {
	tests, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var expected strings.Builder
	for _, name := range tests {
		if name == "rule_test.go" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		expected.Write(text)
	}
	seen := map[string]bool{}
	whole(t, seen, expected.String(), unreadableRules)
	whole(t, seen, expected.String(), listingRules)
	whole(t, seen, expected.String(), channelRules)
	whole(t, seen, expected.String(), redirectRules)
	whole(t, seen, expected.String(), aliasRules)
	whole(t, seen, expected.String(), indexRules)
	whole(t, seen, expected.String(), releaseRules)
	whole(t, seen, expected.String(), fileRules)
	whole(t, seen, expected.String(), signatureRules)
	whole(t, seen, expected.String(), keyringRules)
	whole(t, seen, expected.String(), leftOverRules)
	if len(seen) < 35 {
		t.Errorf("%d rules, want all", len(seen))
	}
}

func whole[T any](t *testing.T, seen map[string]bool, expected string, table []rule[T]) {
	t.Helper()
	for _, r := range table {
		if r.class == "" || r.severity == "" || r.look == nil || seen[r.class] {
			t.Errorf("rule %+v is not whole, or there twice", r)
		}
		seen[r.class] = true
		if !strings.Contains(expected, " "+r.class) && !strings.Contains(expected, `"`+r.class+`"`) {
			t.Errorf("no test expects %s", r.class)
		}
	}
}
