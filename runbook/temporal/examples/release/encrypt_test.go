package main

import (
	"bytes"
	"strings"
	"testing"
)

// What is encrypted can be read with the key, and with no other.
func TestEncrypted(t *testing.T) {
	t.Parallel()
	ours, err := encrypted(strings.Repeat("ab", 32))
	if err != nil {
		t.Fatal(err)
	}
	p, err := ours.ToPayloads("the fix is under embargo", 7)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range p.Payloads {
		if bytes.Contains(x.Data, []byte("embargo")) {
			t.Error("it is in plain")
		}
	}
	var text string
	var n int
	if err := ours.FromPayloads(p, &text, &n); err != nil || text != "the fix is under embargo" || n != 7 {
		t.Errorf("%q, %d, %v", text, n, err)
	}
	other, err := encrypted(strings.Repeat("cd", 32))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.FromPayloads(p, &text, &n); err == nil {
		t.Error("another key reads it")
	}
	p.Payloads[0].Data = p.Payloads[0].Data[:5]
	if err := ours.FromPayloads(p, &text, &n); err == nil {
		t.Error("a cut payload is read")
	}
	for _, key := range []string{"", "abc", strings.Repeat("x", 64)} {
		if _, err := encrypted(key); err == nil {
			t.Errorf("the key %q is taken", key)
		}
	}
}
