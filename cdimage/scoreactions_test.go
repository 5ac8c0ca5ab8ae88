package cdimage_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage/cause"
)

// actionsOf reads which actions a remedy in English asks for. What follows the
// first semicolon is an explanation; where the remedy is to do nothing, rest
// has the actions of that part.
func actionsOf(text string) (first, rest []cause.Action) {
	head, tail, _ := strings.Cut(strings.ToLower(withoutBrackets(text)), ";")
	first = actions(head)
	if slices.Equal(first, []cause.Action{cause.Nothing}) && tail != "" {
		rest = actions(tail)
	}
	return first, rest
}

// withoutBrackets drops what stands in brackets: hints and examples.
func withoutBrackets(s string) string {
	for {
		from := strings.IndexByte(s, '(')
		to := strings.IndexByte(s, ')')
		if from < 0 || to < from {
			return s
		}
		s = s[:from] + s[to+1:]
	}
}

// asked says by which words of a remedy an action is asked for: all of the
// words of one of its phrases, and none of the words of unless. Of a group the first that is
// asked for counts.
var asked = []struct {
	group   string
	action  cause.Action
	phrases []string // words with blanks between them; a "+" stands for a blank
	unless  string
}{
	{"fix", cause.FixSeed, fixing("seed"), ""},
	{"fix", cause.FixConfiguration, append(fixing("configuration"), "to+the+cdimage+configuration"), ""},
	{"fix", cause.FixLivecdRootfs, append(fixing("livecd-rootfs"), "livecd-rootfs+the+project"), ""},
	{"fix", cause.FixPackage, slices.Concat(fixing("package"), fixing("dependency"), fixing("maintainer+script")), ""},
	{"fix", cause.CorrectCommand, append(fixing("command"), "use+--live", "unset+date", "without+date"), ""},
	{"space", cause.FreeSpace, []string{"free+space"}, ""},
	{"read", cause.ReadLivefsLog, []string{"livefs+log read"}, ""},
	{"read", cause.ReadLivefsLog, []string{"fetch again"}, "rebuild"},
	{"mirrors", cause.TriggerMirrors, []string{"trigger mirror"}, ""},
	{"publish", cause.PublishOnly, []string{"publish-only", "reuse_build", "reuse+build"}, ""},
	{"rebuild", cause.FullRebuild, []string{"rebuild", "retry", "other+builder"}, ""},
	{"repeat", cause.RepeatCommand, []string{"repeat+the+same+command"}, ""},
}

// fixing gives the phrases that ask to put something right.
func fixing(what string) (phrases []string) {
	for _, verb := range []string{"fix", "correct", "update", "teach", "change"} {
		phrases = append(phrases, verb+" "+what)
	}
	return phrases
}

func actions(text string) (out []cause.Action) {
	text, _, _ = strings.Cut(text, " or publish-only") // an alternative
	group := ""
	for _, a := range asked {
		if a.group == group || a.unless != "" && strings.Contains(text, a.unless) || !slices.ContainsFunc(a.phrases, func(p string) bool { return holds(text, p) }) {
			continue
		}
		out, group = append(out, a.action), a.group
	}
	switch {
	case len(out) > 0:
	case strings.Contains(text, "wait"):
		out = append(out, cause.Wait)
	default:
		out = append(out, cause.Nothing)
	}
	return out
}

// holds reports whether all words of a phrase stand in a text.
func holds(text, phrase string) bool {
	return !slices.ContainsFunc(strings.Fields(phrase), func(word string) bool {
		return !strings.Contains(text, strings.ReplaceAll(word, "+", " "))
	})
}

// agree reports whether actions are those that are expected. What to mend or to
// wait for is enough where the expected remedy does not say how to run again.
func agree(got, want []cause.Action) bool {
	runs := func(a cause.Action) bool {
		return a == cause.FullRebuild || a == cause.PublishOnly || a == cause.RepeatCommand
	}
	if same(got, want) {
		return true
	}
	if slices.ContainsFunc(want, runs) || slices.Contains(want, cause.Nothing) {
		return false
	}
	return same(slices.DeleteFunc(slices.Clone(got), runs), want)
}

// same compares actions as sets. Waiting, and telling the operators, go along
// with others without being said.
func same(x, y []cause.Action) bool {
	bare := func(in []cause.Action) []cause.Action {
		out := slices.Clone(in)
		if len(out) > 1 {
			out = slices.DeleteFunc(out, func(a cause.Action) bool { return a == cause.Wait || a == cause.AskLaunchpad })
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(bare(x), bare(y))
}

func TestScoreActions(t *testing.T) {
	for text, want := range map[string][]cause.Action{
		"none":                                 {cause.Nothing},
		"none needed":                          {cause.Nothing},
		"wait (mirrored)":                      {cause.Wait},
		"publish-only re-run the same UTC day": {cause.PublishOnly},
		"re-run with CDIMAGE_REUSE_BUILD=1 and --live":                              {cause.PublishOnly},
		"full rebuild; a publish-only re-run would mix":                             {cause.FullRebuild},
		"fix the dependency (see the livefs log), then full rebuild":                {cause.FixPackage, cause.FullRebuild},
		"fix livecd-rootfs, full rebuild":                                           {cause.FixLivecdRootfs, cause.FullRebuild},
		"teach livecd-rootfs the project, full rebuild":                             {cause.FixLivecdRootfs, cause.FullRebuild},
		"the name comes from the seed or from livecd-rootfs: correct it, rebuild":   {cause.FixSeed, cause.FullRebuild},
		"free space on the cdimage host, then publish-only re-run":                  {cause.FreeSpace, cause.PublishOnly},
		"wait for the pending build, then full rebuild or publish-only":             {cause.FullRebuild},
		"read the livefs logs":                                                      {cause.ReadLivefsLog},
		"re-trigger mirrors":                                                        {cause.TriggerMirrors},
		"use --live":                                                                {cause.CorrectCommand},
		"add the livefs to the cdimage configuration (or correct it), full rebuild": {cause.FixConfiguration, cause.FullRebuild},
		"wait for the running build, then repeat the same command":                  {cause.RepeatCommand},
	} {
		got, _ := actionsOf(text)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if _, rest := actionsOf("none while young; if it has not grown for hours: full rebuild"); !cmp.Equal(rest, []cause.Action{cause.FullRebuild}) {
		t.Errorf("got %v", rest)
	}
	if same([]cause.Action{cause.Wait}, []cause.Action{cause.Nothing}) || !same([]cause.Action{cause.Wait, cause.FullRebuild}, []cause.Action{cause.FullRebuild}) {
		t.Error("waiting alone is an action, with others it goes without saying")
	}
	for _, c := range []struct {
		got, want []cause.Action
		ok        bool
	}{
		{[]cause.Action{cause.FixSeed, cause.PublishOnly}, []cause.Action{cause.FixSeed}, true},
		{[]cause.Action{cause.FixSeed, cause.PublishOnly}, []cause.Action{cause.FixSeed, cause.FullRebuild}, false},
		{[]cause.Action{cause.Wait, cause.PublishOnly}, []cause.Action{cause.Wait}, true},
		{[]cause.Action{cause.FullRebuild}, []cause.Action{cause.Wait}, false},
		{[]cause.Action{cause.FullRebuild}, []cause.Action{cause.Nothing}, false},
		{[]cause.Action{cause.FixPackage, cause.FullRebuild}, []cause.Action{cause.FixSeed}, false},
	} {
		if agree(c.got, c.want) != c.ok {
			t.Errorf("%v for %v: want %v", c.got, c.want, c.ok)
		}
	}
}
