package channelconfig

import (
	"fmt"
	"maps"
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

// entryRules look at an entry and its arguments; behind the last of them nothing
// of its source is sure.
var entryRules = []rule[entryAt]{
	{class: "unknown-generator", severity: systemimage.Harmful, why: abortsAtEntry, last: true, look: unknownGenerator},
	{class: "unknown-generator", severity: systemimage.Harmful, why: "a server since then aborts when it comes to the entry; one of 2016 and before takes it",
		look: func(n *lint, e entryAt) []mistake {
			return only(e.generator.until != "", e.mistake("the generator %s was removed in %s", e.Generator, e.generator.until))
		}},
	{class: "series", severity: systemimage.Harmful, last: true, look: optionsInSeries,
		why: "options are an argument of their own, behind a \";\": with a comma they are part of the series, nothing of which exists, and no image is made"},
	{class: "url", severity: systemimage.Harmful, last: true, look: optionsInURL,
		why: "options are an argument of their own, behind a \";\": with a comma they are part of the address, where nothing is"},
	{class: "prefix", severity: systemimage.Harmful, last: true, look: optionsInPrefix,
		why: "the prefix is a plain word such as ubuntu: no file matches, and no image is made"},
	{class: "missing-argument", severity: systemimage.Harmful, why: returnsNone, last: true,
		look: func(n *lint, e entryAt) []mistake {
			return only(e.err != nil, e.mistake("%s needs %s", e.Generator, strings.Join(e.generator.required, ", ")))
		}},
	{class: "blank", severity: systemimage.Harmful, last: true, look: blanksAround,
		why: "the server does not take blanks off around \";\": they are part of the argument"},
}

// sourceRules look at what the source of an entry asks for.
var sourceRules = []rule[entryAt]{
	{class: "extra-argument", severity: systemimage.Risky, why: "the server ignores it without a word",
		look: func(n *lint, e entryAt) []mistake {
			return only(len(e.source.Extra) > 0, e.mistake("%s does not look at %q", e.Generator, host.HideSecrets(strings.Join(e.source.Extra, ";"))))
		}},
	{class: "ignored-option", severity: systemimage.Harmful, look: ignoredOptions,
		why: "an option is name=value, without a comma in it: other pieces are passed over without a word"},
	{class: "unknown-option", severity: systemimage.Harmful, why: "the server ignores it without a word", look: unknownOptions},
	{class: "import", severity: systemimage.Risky, why: "only import=good asks for builds that are marked good; anything else takes any build",
		look: func(n *lint, e entryAt) []mistake {
			return only(!slices.Contains([]string{"", "any", "good"}, e.source.Import), e.mistake("import=%s", e.source.Import))
		}},
	{class: "url", severity: systemimage.Harmful, why: abortsAtURL, look: func(n *lint, e entryAt) (list []mistake) {
		for _, address := range e.source.urls() {
			list = append(list, oddAddress(n, e, address)...)
		}
		return list
	}},
	{class: "no-monitor", severity: systemimage.Worth, why: "the tarball is downloaded on every import to see whether it is new",
		look: func(n *lint, e entryAt) []mistake {
			return only(e.source.URL != "" && e.source.Monitor == "", e.mistake("there is no monitor"))
		}},
	{class: "relative-path", severity: systemimage.Risky, why: "to the folder that import-images is started in, not to base_path",
		look: func(n *lint, e entryAt) []mistake {
			return only(e.source.Path != "" && !strings.HasPrefix(e.source.Path, "/"), e.mistake("the path %q is relative", e.source.Path))
		}},
	{class: "source-channel", severity: systemimage.Harmful, why: "the generator returns nothing, and no image is made", look: unknownSourceChannel},
	{class: "source-device", severity: systemimage.Harmful, why: "no image is made for the device; the option device= takes the file of another one", look: missingSourceDevices},
}

// entry looks at an entry of a channel's files.
func (n *lint) entry(c channelAt, f FileEntry) {
	e := entryAt{channelAt: c, FileEntry: f, key: "file_" + f.Entry}
	e.generator, _ = generatorNamed(f.Generator)
	e.source, e.err = f.Source()
	if check(n, entryRules, e) {
		return
	}
	check(n, sourceRules, e)
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

// unknownSourceChannel looks at the channel that a system-image entry copies from.
func unknownSourceChannel(n *lint, e entryAt) []mistake {
	from, tree := e.source.Channel, n.linter.Channels
	if e.Generator != "system-image" || from == e.name {
		return nil
	}
	if _, published := tree[from]; published || len(tree) == 0 && slices.Contains(n.allChannels(), from) {
		return nil
	}
	guess := closest(from, n.allChannels())
	m := e.mistake("there is no channel %q to take a file from%s", from, meant(guess))
	if len(tree) == 0 {
		m.severity = systemimage.Risky // it may well be published all the same
	}
	if v, ok := n.Get(e.section, e.key); ok && guess != "" {
		m.fix = []Edit{Set(e.section, e.key, strings.Replace(v.Text, ";"+from+";", ";"+guess+";", 1))}
	}
	return []mistake{m}
}

// missingSourceDevices looks whether the other channel has the devices: the one
// that is named, or each that the entry is for.
func missingSourceDevices(n *lint, e entryAt) []mistake {
	source, ok := n.linter.Channels[e.source.Channel]
	if e.Generator != "system-image" || !ok {
		return nil
	}
	var missing []string
	if _, has := source.Devices[e.source.Device]; e.source.Device != "" && !has {
		missing = []string{e.source.Device}
	}
	for device, d := range n.linter.Channels[e.name].Devices {
		_, has := source.Devices[device]
		if e.source.Device == "" && !has && d.Redirect == "" && (!e.ForDevice || e.Device == device) {
			missing = append(missing, device)
		}
	}
	slices.Sort(missing)
	return only(len(missing) > 0, e.mistake("channel %s has no device %s", e.source.Channel, strings.Join(missing, ", ")))
}
