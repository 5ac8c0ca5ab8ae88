package channelconfig

import (
	"maps"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// misplacedOptionRules look for options, such as import=good, that stand in another
// argument: behind a comma where a ";" belongs.
var misplacedOptionRules = []rule[entryAt]{
	{class: "series", severity: systemimage.Harmful, last: true, look: optionsInSeries,
		why: "options are an argument of their own, behind a \";\": with a comma they are part of the series, nothing of which exists, and no image is made"},
	{class: "url", severity: systemimage.Harmful, last: true, look: optionsInURL,
		why: "options are an argument of their own, behind a \";\": with a comma they are part of the address, where nothing is"},
	{class: "prefix", severity: systemimage.Harmful, last: true, look: optionsInPrefix,
		why: "the prefix is a plain word such as ubuntu: no file matches, and no image is made"},
}

// optionRules look at the options that were read.
var optionRules = []rule[entryAt]{
	{class: "ignored-option", severity: systemimage.Harmful, look: ignoredOptions,
		why: "an option is name=value, without a comma in it: other pieces are passed over without a word"},
	{class: "unknown-option", severity: systemimage.Harmful, why: "the server ignores it without a word", look: unknownOptions},
	{class: "import", severity: systemimage.Risky, why: "only import=good asks for builds that are marked good; anything else takes any build",
		look: func(n *lint, e entryAt) []mistake {
			return only(!slices.Contains([]string{"", "any", "good"}, e.source.Import), e.mistake("import=%s", e.source.Import))
		}},
}

func optionsInSeries(n *lint, e entryAt) []mistake {
	at, text, ok := e.argument("series")
	if !ok || !strings.ContainsAny(text, ",=") {
		return nil
	}
	cut := max(strings.IndexAny(text, ", \t"), 0)
	m := e.mistake("the series is %q", text)
	m.fix = e.set(e.Generator, slices.Concat(e.Arguments[:at], []string{text[:cut], strings.TrimLeft(text[cut:], ", \t")}, e.Arguments[at+1:]))
	return []mistake{m}
}

func optionsInURL(n *lint, e entryAt) []mistake {
	at, text, ok := e.argument("url")
	address, options, comma := strings.Cut(text, ",")
	name, _, equals := strings.Cut(options, "=")
	if !ok || !comma || !equals || len(e.Arguments) != at+1 || !slices.Contains(e.generator.options, name) {
		return nil
	}
	m := e.mistake("options follow the URL behind a comma")
	m.fix = e.set(e.Generator, slices.Concat(e.Arguments[:at], []string{address, options}))
	return []mistake{m}
}

func optionsInPrefix(n *lint, e entryAt) []mistake {
	at, text, ok := e.argument("prefix")
	if !ok || !strings.Contains(text, "=") {
		return nil
	}
	args := slices.Clone(e.Arguments)
	if prefix, options, both := strings.Cut(text, ","); both && !strings.Contains(prefix, "=") {
		args = slices.Concat(args[:at], []string{prefix, options}, args[at+1:])
	} else {
		_, args[at], _ = strings.Cut(text, "=")
	}
	m := e.mistake("the prefix is %q", text)
	m.fix = e.set(e.Generator, args)
	return []mistake{m}
}

func ignoredOptions(n *lint, e entryAt) (list []mistake) {
	for _, piece := range e.source.Ignored {
		m := e.mistake("the option %q is ignored", host.HideSecrets(piece))
		if name, value, ok := strings.Cut(piece, ":"); ok && slices.Contains(e.generator.options, name) {
			if v, ok := n.Get(e.section, e.key); ok {
				m.fix = []Edit{Set(e.section, e.key, strings.Replace(v.Text, piece, name+"="+value, 1))}
			}
		}
		list = append(list, m)
	}
	return list
}

func unknownOptions(n *lint, e entryAt) (list []mistake) {
	for _, name := range slices.Sorted(maps.Keys(e.source.Options)) {
		if slices.Contains(e.generator.options, name) {
			continue
		}
		guess := closest(name, e.generator.options)
		m := e.mistake("%s has no option %q%s", e.Generator, name, meant(guess))
		if at := len(e.generator.required); guess != "" && at < len(e.Arguments) {
			args := slices.Clone(e.Arguments)
			pieces := strings.Split(args[at], ",")
			for i, p := range pieces {
				if rest, ok := strings.CutPrefix(p, name+"="); ok {
					pieces[i] = guess + "=" + rest
				}
			}
			args[at] = strings.Join(pieces, ",")
			m.fix = e.set(e.Generator, args)
		}
		list = append(list, m)
	}
	return list
}
