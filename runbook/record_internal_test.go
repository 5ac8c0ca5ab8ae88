package runbook

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The list of members is the one that the type has.
func TestFields(t *testing.T) {
	var want []string
	for i := range reflect.TypeFor[Record]().NumField() {
		if name, _, _ := strings.Cut(reflect.TypeFor[Record]().Field(i).Tag.Get("json"), ","); name != "-" {
			want = append(want, name)
		}
	}
	if d := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(fields[:]))); d != "" {
		t.Errorf("members (-want +got)\n%s", d)
	}
}

func TestHasUnknown(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`:                                    false,
		`{"n":1,"verb":"do"}`:                   false,
		`{"n":1,"colour":"red"}`:                true,
		`{ "n" : 1 , "verb":"do"}`:              false,
		`{"result":{"colour":1,"a":["b","c"]}}`: false,
		`{"result":["x",{"y":1}],"colour":0}`:   true,
		`{"error":"a \"b\", {[","n":1}`:         false,
		`{"error":"\\","colour":1}`:             true,
		`{"verb":"colour","n":1}`:               false,
		`{"":1}`:                                true,
		`null`:                                  false,
		`"colour"`:                              false,
		strings.Repeat("[", 100) + strings.Repeat("]", 100): false,
	} {
		if !json.Valid([]byte(text)) {
			t.Fatalf("%s is no JSON", text)
		}
		if got := hasUnknown([]byte(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
