package channelconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// An entryAt is an entry of a channel's files, with its source as far as it can be
// read.
type entryAt struct {
	channelAt
	FileEntry
	key       string
	generator generator // the zero one where there is none of this name
	source    Source
	err       error // of reading the source
}

// set is the edit that writes the entry anew.
func (e entryAt) set(generator string, args []string) []Edit {
	return []Edit{Set(e.section, e.key, strings.Join(append([]string{generator}, args...), ";"))}
}

func (e entryAt) mistake(format string, args ...any) mistake {
	return mistake{section: e.section, key: e.key, problem: fmt.Sprintf(format, args...)}
}

const (
	abortsAtEntry = "import-images aborts when it comes to the entry: this channel and all behind it are not processed"
	returnsNone   = "the generator returns nothing without a word, and no image is made"
)

// generatorRules look at the name of an entry's generator.
var generatorRules = []rule[entryAt]{
	{class: "unknown-generator", severity: systemimage.Harmful, why: abortsAtEntry, last: true, look: unknownGenerator},
	{class: "unknown-generator", severity: systemimage.Harmful, why: "a server since then aborts when it comes to the entry; one of 2016 and before takes it",
		look: func(n *lint, e entryAt) []mistake {
			return only(e.generator.until != "", e.mistake("the generator %s was removed in %s", e.Generator, e.generator.until))
		}},
}

// argumentRules look at the arguments; behind the last of them nothing of the source
// is sure.
var argumentRules = []rule[entryAt]{
	{class: "missing-argument", severity: systemimage.Harmful, why: returnsNone, last: true,
		look: func(n *lint, e entryAt) []mistake {
			return only(e.err != nil, e.mistake("%s needs %s", e.Generator, strings.Join(e.generator.required, ", ")))
		}},
	{class: "blank", severity: systemimage.Harmful, last: true, look: blanksAround,
		why: "the server does not take blanks off around \";\": they are part of the argument"},
}

// entry looks at an entry of a channel's files.
func (n *lint) entry(c channelAt, f FileEntry) {
	e := entryAt{channelAt: c, FileEntry: f, key: "file_" + f.Entry}
	e.generator, _ = generatorNamed(f.Generator)
	e.source, e.err = f.Source()
	if check(n, slices.Concat(generatorRules, misplacedOptionRules, argumentRules), e) {
		return
	}
	check(n, slices.Concat(optionRules, sourceRules), e)
	n.sources = append(n.sources, e)
}

func unknownGenerator(n *lint, e entryAt) []mistake {
	if e.generator.name != "" {
		return nil
	}
	var names []string
	for _, g := range generators {
		names = append(names, g.name)
	}
	guess := closest(e.Generator, names)
	if t := strings.TrimSpace(e.Generator); guess == "" && slices.Contains(names, t) {
		guess = t
	}
	m := e.mistake("there is no generator %q%s", e.Generator, meant(guess))
	if guess != "" {
		m.fix = e.set(guess, e.Arguments)
	}
	return []mistake{m}
}

// argument is the required argument of some name, and where it stands.
func (e entryAt) argument(name string) (at int, text string, ok bool) {
	at = slices.Index(e.generator.required, name)
	if at < 0 || at >= len(e.Arguments) {
		return at, "", false
	}
	return at, e.Arguments[at], true
}

func blanksAround(n *lint, e entryAt) []mistake {
	i := slices.IndexFunc(e.Arguments, func(a string) bool { return a != pyStrip(a) })
	if i < 0 {
		return nil
	}
	args := slices.Clone(e.Arguments)
	args[i] = pyStrip(args[i])
	m := e.mistake("blanks around %q", host.HideSecrets(args[i]))
	m.fix = e.set(e.Generator, args)
	if i == 0 && strings.HasPrefix(e.Generator, "http") {
		m.severity, m.why = systemimage.Risky, "the download takes them off, but they are part of what the file's name in the pool is made of"
	}
	return []mistake{m}
}
