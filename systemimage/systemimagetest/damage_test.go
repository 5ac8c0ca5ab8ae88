package systemimagetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook/command"
)

func TestBreak(t *testing.T) {
	const index = rc + "/krillin/index.json"
	tests := []struct {
		damage  Damage
		problem string
		refused string // what the next change says; "" when it goes through
	}{
		{StaleNew, "leftover " + index + ".new.asc", "Exception: Destination already exists: "},
		{NoSignature, "no signature of " + index, ""},
		{EmptySignature, "empty signature of " + index, ""},
		{Truncated, "bad signature of " + index, "json.decoder.JSONDecodeError: "},
		{Missing, "missing " + index, "IndexError: Version doesn't exist: 1"},
	}
	for _, tt := range tests {
		t.Run(string(tt.damage), func(t *testing.T) {
			s := sampleServer(t)
			if err := s.Break(tt.damage, index); err != nil {
				t.Fatal(err)
			}
			if got := problems(t, s); !slices.Contains(got, tt.problem) {
				t.Errorf("no problem %q in %q", tt.problem, got)
			}
			out := run(t, s, "set-phased-percentage", "-v", rc, "krillin", "1", "5")
			if last := lines(string(out.Stderr)); !strings.HasPrefix(last[len(last)-1], tt.refused) || (out.Exit != 0) != (tt.refused != "") {
				t.Errorf("exit %d: %s", out.Exit, out.Stderr)
			}
		})
	}
	s := New(t, World{})
	if s.Break("sad", "channels.json") == nil || s.Break(Missing, "../etc/config") == nil || s.Break(Missing, "nowhere") == nil {
		t.Error("broke what cannot be broken")
	}
}

func TestKeys(t *testing.T) {
	s := sampleServer(t)
	const want = "IndexError: Invalid GPG key name 'image-signing'.\n"
	if err := s.RemoveKey("image-signing"); err != nil {
		t.Fatal(err)
	}
	if out := run(t, s, "bin/re-sign-indexes"); out.Exit != 1 || !strings.HasSuffix(string(out.Stderr), want) {
		t.Errorf("without the key: exit %d: %s", out.Exit, out.Stderr)
	}
	if err := s.RestoreKey("image-signing"); err != nil {
		t.Fatal(err)
	}
	if out := run(t, s, "bin/re-sign-indexes"); out.Exit != 0 {
		t.Errorf("with the key again: %s", out.Stderr)
	}
	if got := problems(t, s); got[0] != "" {
		t.Errorf("problems: %q", got)
	}
	if s.RestoreKey("image-signing") == nil {
		t.Error("restored a key that is in its place")
	}
}

// What a hostile or half-written file makes the real programs stumble over
// makes these stumble too, and never panic.
func TestStrangeTrees(t *testing.T) {
	for _, text := range []string{`[]`, `{}`, `{"images": {}}`, `{"global": 1, "images": []}`, `{"global": {}, "images": [1, {"files": [2]}, {"version": "x"}]}`, `null`, `"x"`} {
		for _, path := range []string{"channels.json", rc + "/krillin/index.json"} {
			s := sampleServer(t)
			if err := writeFile(s.root+"/www/"+path, []byte(text)); err != nil {
				t.Fatal(err)
			}
			for _, argv := range [][]string{
				{"set-phased-percentage", "-v", rc, "krillin", "1", "5"}, {"copy-image", proposed, rc, "krillin"},
				{"tag-image", rc, "krillin", "1", "x"}, {"cleanup-tree"}, {"import-images"}, {"re-sign-indexes"},
			} {
				if out := run(t, s, argv...); out.Exit > 2 {
					t.Errorf("%s in %s: %q: exit %d", text, path, argv, out.Exit)
				}
			}
			if _, err := s.Snapshot(); err != nil {
				t.Errorf("%s in %s: %v", text, path, err)
			}
		}
	}
}

func TestHooks(t *testing.T) {
	s := sampleServer(t)
	var seen []string
	s.Before = func(argv []string) error {
		seen = append(seen, "before "+argv[0])
		return nil
	}
	s.After = func(argv []string, exit int) { seen = append(seen, "after "+argv[0]) }
	run(t, s, "env", "A=b", "bin/cleanup-tree")
	run(t, s, "true")
	if want := []string{"before bin/cleanup-tree", "after bin/cleanup-tree"}; !slices.Equal(seen, want) {
		t.Errorf("hooks saw %q", seen)
	}
}

// A slow program that nobody waits for any more is killed where it stands.
func TestSlow(t *testing.T) {
	s := sampleServer(t)
	if err := s.SetFaults(Faults{Slow: time.Hour}); err != nil {
		t.Fatal(err)
	}
	argv := []string{"copy-image", "-p", "0", proposed, rc, "krillin"}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		out, err := s.Run(ctx, command.Command{Argv: argv})
		if err != nil || out.Exit != 137 {
			t.Errorf("exit %d, %v", out.Exit, err)
		}
	})
	images := imagesOf(readObject(t, s.root+"/www/"+rc+"/krillin/index.json"))
	if len(images) != 2 || images[1]["phased-percentage"] != nil {
		t.Errorf("%d images, want the full one at 100 %%", len(images))
	}
	if err := s.SetFaults(Faults{Slow: time.Hour}); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		if got := problems(t, s); got[0] != "" {
			t.Errorf("problems at a time before the keys: %q", got)
		}
		start := time.Now()
		if out := run(t, s, "set-phased-percentage", "-v", rc, "krillin", "2", "5"); out.Exit != 0 || time.Since(start) != time.Hour {
			t.Errorf("exit %d after %v", out.Exit, time.Since(start))
		}
	})
}
