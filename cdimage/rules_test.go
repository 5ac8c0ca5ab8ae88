package cdimage_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
)

// TestRulesAreComplete: an entry that forgets something is refused, and says what.
func TestRulesAreComplete(t *testing.T) {
	if _, err := cdimage.Compile(cdimage.LivefsRules(), cdimage.BuildRules()); err != nil {
		t.Fatalf("the rules of the package: %v", err)
	}
	wait := cdimage.Remedy{Text: "wait, then {again}", Actions: []cdimage.Action{cdimage.Wait}}
	for _, c := range []struct {
		name string
		rule cdimage.Rule
		says string
	}{
		{"no class", cdimage.Rule{Pattern: "some text", Remedy: wait}, "give it a class"},
		{"own class without a remedy", cdimage.Rule{Class: "snap-store", Pattern: "some text"}, "say with Remedy"},
		{"without words", cdimage.Rule{Class: "snap-store", Pattern: "some text", Remedy: cdimage.Remedy{Actions: wait.Actions}}, "say with Remedy"},
		{"without actions", cdimage.Rule{Class: "snap-store", Pattern: "some text", Remedy: cdimage.Remedy{Text: "wait"}}, "say with Remedy"},
		{"no pattern of RE2", cdimage.Rule{Class: cdimage.Network, Pattern: "("}, "missing closing"},
		{"good", cdimage.Rule{Class: "snap-store", Pattern: "some text", Remedy: wait}, ""},
	} {
		for name, compile := range map[string]func(cdimage.Rule) error{
			"livefs": func(r cdimage.Rule) error { _, err := cdimage.Compile([]cdimage.Rule{r}, nil); return err },
			"build":  func(r cdimage.Rule) error { _, err := cdimage.Compile(nil, []cdimage.Rule{r}); return err },
		} {
			err := compile(c.rule)
			if c.says == "" && err == nil {
				continue
			}
			if !errors.Is(err, cdimage.ErrRule) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), name+" rule 0") {
				t.Errorf("%s, %s: %v, want ErrRule that says %q", c.name, name, err, c.says)
			}
		}
	}
}

// TestWarningsSayWhatToDo: a warning has nothing of its class to fall back on,
// since the image is published.
func TestWarningsSayWhatToDo(t *testing.T) {
	for _, r := range slices.Concat(cdimage.LivefsRules(), cdimage.BuildRules()) {
		if r.Warning && r.Remedy.Text == "" {
			t.Errorf("%s %s: a warning that says nothing to do", r.Class, r.Pattern)
		}
	}
}

// TestOwnRules: classes of an importer are kept and ranked, and bring their
// remedies along, in both kinds of log.
func TestOwnRules(t *testing.T) {
	snap := cdimage.Rule{Class: "snap-store", Pattern: `^error: cannot reach the snap store`,
		Remedy: cdimage.Remedy{Text: "wait for the snap store, then {again}", Actions: []cdimage.Action{cdimage.Wait}}}
	const both = "error: cannot reach the snap store\ndpkg: error processing package urfkill (--configure):\n"
	for _, c := range []struct {
		name  string
		rules []cdimage.Rule
		want  []cdimage.Class
	}{
		{"weakest", append(cdimage.LivefsRules(), snap), []cdimage.Class{cdimage.Package, "snap-store"}},
		{"strongest", append([]cdimage.Rule{snap}, cdimage.LivefsRules()...), []cdimage.Class{"snap-store", cdimage.Package}},
	} {
		rules, err := cdimage.Compile(c.rules, nil)
		if err != nil {
			t.Fatal(err)
		}
		l, err := rules.ParseLivefsLog(strings.NewReader(failing(t, false, both)))
		if err != nil {
			t.Fatal(err)
		}
		var got []cdimage.Class
		for _, k := range l.Causes {
			got = append(got, k.Class)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if got, want := l.Remedy().Text, "wait for the snap store, then full rebuild"; c.name == "strongest" && got != want {
			t.Errorf("remedy %q, want %q", got, want)
		}

		// Followed from the build's own log.
		log := parseBuild(t, read(t, touch+"20160906.1.log"))
		d := cdimage.Diagnose(cdimage.Evidence{Log: log, Livefs: map[string]*cdimage.LivefsLog{"ubuntu-touch-custom-i386": l}})
		if d.Causes[0].Class != c.want[0] || !slices.Contains(d.Actions, cdimage.FullRebuild) || c.name == "strongest" && d.Actions[0] != cdimage.Wait {
			t.Errorf("%s: %+v: %s %v", c.name, d.Causes, d.Remedy, d.Actions)
		}
	}
}
