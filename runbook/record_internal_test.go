package runbook

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// The list of members is the one that the type has.
func TestFields(t *testing.T) {
	text, err := json.Marshal(Record{Format: 1, N: 1, Step: "-", Intent: "-", Result: []byte("0"), Input: []byte("0"),
		Evidence: []byte("0"), Digest: "-", Not: []string{"-"}, Deadline: &time.Time{}, By: "-", Reason: "-", Error: "-",
		Operator: "-", Prev: "-", Label: "-", Done: 1, Total: 1})
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for name := range all {
		if !slices.Contains(fields[:], name) {
			t.Errorf("%s is missing in the list", name)
		}
	}
	if len(all) != len(fields) {
		t.Errorf("%d members, and %d in the list", len(all), len(fields))
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
