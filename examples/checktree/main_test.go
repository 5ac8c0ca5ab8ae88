package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
	"github.com/landingteam/landing/systemimage/treecheck"
)

func TestMain(m *testing.M) {
	lab.Program()
	os.Exit(systemimagetest.InMemory(m.Run))
}

func TestChecktree(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "lab")
	run := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := program().Run(t.Context(), append([]string{"-lab", dir}, args...), strings.NewReader(""), &out, &out)
		return code, out.String()
	}
	code, text := run("-rotate", "-json")
	var r treecheck.Rotation
	if err := json.Unmarshal([]byte(text), &r); err != nil || code != 0 || len(r.SignAgain) > 0 {
		t.Fatalf("-rotate -json: exit status %d, %v:\n%s", code, err, text)
	}
	signing := ""
	for _, k := range r.Keys {
		if len(k.Keyring) == 1 && k.Keyring[0] == "image-signing" {
			signing = k.Key
		}
	}
	for _, tt := range []struct {
		args []string
		code int
		says []string
	}{
		{nil, 0, []string{"warning: ubuntu-touch/stable/meizu.en arale full 1: has the tag"}},
		{[]string{"-unpack"}, 0, []string{"note: ubuntu-touch/stable/meizu.en arale full 1: is at 30 %"}},
		{[]string{"-rotate"}, 0, []string{signing, "image-signing", "Nothing has to be signed again."}},
		{[]string{"-rotate", "-retire", strings.ToLower(signing[len(signing)-16:])}, 1,
			[]string{"  1. /channels.json: ", "Cut off until then:\n  20.04/arm64/android9plus/devel halium_arm64: all phones, at /channels.json", "have to be signed again"}},
		{[]string{"-rotate", "-retire", "0123456789ABCDEF"}, 1, []string{"no published keyring holds this key"}},
		{[]string{"-rotate", "-retire", "mine"}, 2, []string{"want a fingerprint"}},
		{[]string{"-retire", signing}, 2, []string{"-retire belongs to -rotate"}},
		{[]string{"arale"}, 2, []string{"no arguments"}},
	} {
		code, out := run(tt.args...)
		if code != tt.code {
			t.Errorf("%q: exit status %d, want %d", tt.args, code, tt.code)
		}
		for _, want := range tt.says {
			if !strings.Contains(out, want) {
				t.Errorf("%q does not say %q:\n%s", tt.args, want, out)
			}
		}
	}
}
