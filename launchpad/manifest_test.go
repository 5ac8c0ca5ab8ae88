package launchpad_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

func TestManifest(t *testing.T) {
	s := newServer(t)
	c := s.Client()
	_, report, err := copyAll(t, c, request, launchpad.CopyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	first := report.Manifest()
	b, _ := json.Marshal(first)
	stored, err := readManifest(b)
	if err != nil || len(stored.Compare(first)) != 0 || len(stored.Packages) != 3 {
		t.Errorf("stored: %v, %v", err, stored.Compare(first))
	}
	s.Do(func(w *launchpadtest.World) {
		w.Publish(overlay, "vivid", pkg("unity8", "8.13-0ubuntu1"), pkg("extra", "1"))
		w.AddPPA("landing-team", "replay")
	})
	s.Advance(10 * time.Minute)
	_, report, err = copyAll(t, c, request, launchpad.CopyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var changes []string
	for _, ch := range stored.Compare(report.Manifest()) {
		changes = append(changes, ch.String())
	}
	if d := cmp.Diff([]string{"new     extra 1", "changed unity8 8.12-0ubuntu1 to 8.13-0ubuntu1"}, changes); d != "" {
		t.Errorf("changes (-want +got)\n%s", d)
	}
	// The old state can be made again, although the origin went on.
	r := request
	r.To, r.Replay = "ppa:landing-team/replay", stored
	plan, report, err := copyAll(t, c, r, launchpad.CopyOptions{})
	if err != nil {
		t.Fatalf("%v\n%s", err, plan.Text())
	}
	if ch := stored.Compare(report.Manifest()); len(ch) != 0 {
		t.Errorf("replayed differently: %v", ch)
	}
}

// readManifest is what a program does that has one in a file.
func readManifest(b []byte) (*launchpad.Manifest, error) {
	m := new(launchpad.Manifest)
	if err := json.Unmarshal(b, m); err != nil {
		return m, err
	}
	return m, m.Check()
}

func TestManifestCheck(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON": "<html>", "cut off": `{"format":1`, "another thing": `{}`, "a later format": `{"format":2}`, "a list": `[]`,
		"no version": `{"format":1,"packages":[{"name":"mir"}]}`, "twice": `{"format":1,"packages":[{"name":"mir","version":"1"},{"name":"mir","version":"2"}]}`,
		"a pattern": `{"format":1,"packages":[{"name":"*","version":"1"}]}`,
	} {
		if m, err := readManifest([]byte(text)); err == nil {
			t.Errorf("%s: %+v, want an error", name, m)
		}
	}
}
