package cdimage_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/cause"
)

// TestRulesAreComplete: an entry that forgets something is refused, and says what.
func TestRulesAreComplete(t *testing.T) {
	if _, err := cdimage.Compile(new(cdimage.Rules).Livefs(), new(cdimage.Rules).Build()); err != nil {
		t.Fatalf("the rules of the package: %v", err)
	}
	wait := cause.Remedy{Text: "wait, then {again}", Actions: []cause.Action{cause.Wait}}
	for _, c := range []struct {
		name string
		rule cause.Rule
		says string
	}{
		{"no class", cause.Rule{Pattern: "some text", Remedy: wait}, "give it a class"},
		{"own class without a remedy", cause.Rule{Class: "snap-store", Pattern: "some text"}, "say with Remedy"},
		{"without words", cause.Rule{Class: "snap-store", Pattern: "some text", Remedy: cause.Remedy{Actions: wait.Actions}}, "say with Remedy"},
		{"without actions", cause.Rule{Class: "snap-store", Pattern: "some text", Remedy: cause.Remedy{Text: "wait"}}, "say with Remedy"},
		{"no pattern of RE2", cause.Rule{Class: cause.Network, Pattern: "("}, "missing closing"},
		{"good", cause.Rule{Class: "snap-store", Pattern: "some text", Remedy: wait}, ""},
	} {
		for name, compile := range map[string]func(cause.Rule) error{
			"livefs": func(r cause.Rule) error { _, err := cdimage.Compile([]cause.Rule{r}, nil); return err },
			"build":  func(r cause.Rule) error { _, err := cdimage.Compile(nil, []cause.Rule{r}); return err },
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
	for _, r := range slices.Concat(new(cdimage.Rules).Livefs(), new(cdimage.Rules).Build()) {
		if r.Warning && r.Remedy.Text == "" {
			t.Errorf("%s %s: a warning that says nothing to do", r.Class, r.Pattern)
		}
	}
}

// TestOwnRules: classes of an importer are kept and ranked, and bring their
// remedies along, in both kinds of log.
func TestOwnRules(t *testing.T) {
	snap := cause.Rule{Class: "snap-store", Pattern: `^error: cannot reach the snap store`,
		Remedy: cause.Remedy{Text: "wait for the snap store, then {again}", Actions: []cause.Action{cause.Wait}}}
	const both = "error: cannot reach the snap store\ndpkg: error processing package urfkill (--configure):\n"
	for _, c := range []struct {
		name  string
		rules []cause.Rule
		want  []cause.Class
	}{
		{"weakest", append(new(cdimage.Rules).Livefs(), snap), []cause.Class{cause.Package, "snap-store"}},
		{"strongest", append([]cause.Rule{snap}, new(cdimage.Rules).Livefs()...), []cause.Class{"snap-store", cause.Package}},
	} {
		rules, err := cdimage.Compile(c.rules, nil)
		if err != nil {
			t.Fatal(err)
		}
		l, err := rules.ParseLivefsLog(strings.NewReader(failing(t, false, both)))
		if err != nil {
			t.Fatal(err)
		}
		var got []cause.Class
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
		if d.Causes[0].Class != c.want[0] || !slices.Contains(d.Actions, cause.FullRebuild) || c.name == "strongest" && d.Actions[0] != cause.Wait {
			t.Errorf("%s: %+v: %s %v", c.name, d.Causes, d.Remedy, d.Actions)
		}
	}
}
