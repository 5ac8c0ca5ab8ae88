package channelconfig

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// files looks at the file entries of a channel: that they are there, what they
// ask of their generators, and their order.
func (n *lint) files(channel, section string, auto bool) {
	v, ok := n.Get(section, "files")
	var entries []FileEntry
	if ok {
		n.list(section, "files", func(name string) bool { return n.key(section, "file_"+name) != nil })
		entries = n.entries(section, v.Names())
	} else if auto {
		n.add(systemimage.Risky, "missing-key", section, "files", "an automatic channel without files", "import-images never makes an image for it")
	}
	for _, key := range n.Keys(section) {
		entry, ok := strings.CutPrefix(key, "file_")
		if ok && !slices.Contains(v.Names(), entry) && n.byName[section].byName[key] != nil {
			n.add(systemimage.Risky, "unused-file", section, key, fmt.Sprintf("%q is not in files", entry), "the server ignores the key without a word")
		}
	}
	for _, f := range entries {
		n.source(channel, section, f, auto)
	}
	n.order(section, entries, v.Names())
	if auto {
		n.needed(section, entries)
	}
}

// entries are those that have a key. What keeps all programs from loading is
// told here.
func (n *lint) entries(section string, names []string) (list []FileEntry) {
	const dies = "every program of the server dies when it loads the configuration, exit status 1"
	missing := n.missingFiles(section)
	for i, entry := range names {
		key := "file_" + entry
		v, ok := n.Get(section, key)
		switch {
		case !ok && slices.Contains(missing, entry):
			missing = slices.DeleteFunc(missing, func(s string) bool { return s == entry })
			var unused []string
			for _, k := range n.Keys(section) {
				if e, ok := strings.CutPrefix(k, "file_"); ok && !slices.Contains(names, e) {
					unused = append(unused, e)
				}
			}
			guess := closest(entry, unused)
			fix := []Edit{{Do: EditRemoveFile, Section: section, Key: entry}}
			switch old, _ := n.Get(section, "file_"+guess); {
			case strings.Contains(guess, ", "): // a list cannot hold it
				fix = []Edit{set(section, key, old.Text), {Do: EditRemove, Section: section, Key: "file_" + guess}}
				if old.List != nil {
					fix = nil
				}
			case guess != "":
				better := slices.Clone(names)
				better[i] = guess
				fix = []Edit{set(section, "files", strings.Join(better, ", "))}
			case len(unused) > 0, n.elsewhere(section, key):
				fix = nil // a person must say which
			}
			if entry == "" || strings.ContainsAny(entry, "\n\t") || len(splitNames(entry, func(string) bool { return false })) > 2 {
				fix = nil // a mistake in the list, which is told as such
			}
			n.add(systemimage.Harmful, "missing-file", section, "files", fmt.Sprintf("%q is in files but there is no key %s%s", entry, key, meant(guess)), dies, fix...)
			continue
		case !ok:
			continue
		case v.List != nil:
			n.add(systemimage.Harmful, "list-value", section, key, "comma and blank make the value a list",
				"every program of the server dies when it loads the configuration: 'list' object has no attribute 'split'", set(section, key, strings.Join(v.List, ",")))
			continue
		}
		fields := strings.Split(v.Text, ";")
		f := FileEntry{Entry: entry, Generator: fields[0], Arguments: fields[1:]}
		f.Name, f.Device, f.ForDevice = strings.Cut(entry, ",")
		list = append(list, f)
	}
	return list
}

// elsewhere reports whether a key that is missing is there after all: indented,
// and so a part of the value above it, or spelt as no key of a file is. Both are
// told, and mended, as such.
func (n *lint) elsewhere(section, key string) bool {
	var others []string
	for _, k := range n.Keys(section) {
		v, _ := n.Get(section, k)
		for line := range strings.Lines(v.Raw) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), key); ok && strings.IndexAny(strings.TrimSpace(rest), "=:") == 0 {
				return true
			}
		}
		if !strings.HasPrefix(k, "file_") {
			others = append(others, k)
		}
	}
	return closest(key, others) != ""
}

// source looks at the generator of an entry and its arguments.
func (n *lint) source(channel, section string, f FileEntry, auto bool) {
	key := "file_" + f.Entry
	rewrite := func(generator string, args []string) Edit {
		return set(section, key, strings.Join(append([]string{generator}, args...), ";"))
	}
	s, err := f.Source()
	form := generatorNamed(f.Generator)
	if form == nil {
		var names []string
		for _, g := range generatorForms {
			names = append(names, g.name)
		}
		guess := closest(f.Generator, names)
		if t := strings.TrimSpace(f.Generator); guess == "" && generatorNamed(t) != nil {
			guess = t
		}
		var fix []Edit
		if guess != "" {
			fix = []Edit{rewrite(guess, f.Arguments)}
		}
		n.add(systemimage.Harmful, "unknown-generator", section, key, fmt.Sprintf("there is no generator %q%s", f.Generator, meant(guess)),
			"import-images aborts when it comes to the entry: this channel and all behind it are not processed", fix...)
		return
	}
	if form.until != "" {
		n.add(systemimage.Harmful, "unknown-generator", section, key, fmt.Sprintf("the generator %s was removed in %s", f.Generator, form.until),
			"a server since then aborts when it comes to the entry; one of 2016 and before takes it")
	}
	if n.mixedUp(section, key, f, form, rewrite) {
		return
	}
	if err != nil {
		n.add(systemimage.Harmful, "missing-argument", section, key, fmt.Sprintf("%s needs %s", f.Generator, strings.Join(form.required, ", ")),
			"the generator returns nothing without a word, and no image is made")
		return
	}
	for i, a := range f.Arguments {
		if a != pyStrip(a) {
			args := slices.Clone(f.Arguments)
			args[i] = pyStrip(a)
			severity, why := systemimage.Harmful, "the server does not take blanks off around \";\": they are part of the argument"
			if i == 0 && strings.HasPrefix(f.Generator, "http") {
				severity, why = systemimage.Risky, "the download takes them off, but they are part of what the file's name in the pool is made of"
			}
			n.add(severity, "blank", section, key, fmt.Sprintf("blanks around %q", host.HideSecrets(pyStrip(a))), why, rewrite(f.Generator, args))
			return
		}
	}
	n.options(section, key, f, form, s, rewrite)
	for _, u := range s.urls() {
		n.address(section, key, u)
	}
	if (s.Generator == "http" || s.Generator == "http-cdimage") && s.Monitor == "" {
		n.add(systemimage.Worth, "no-monitor", section, key, "there is no monitor", "the tarball is downloaded on every import to see whether it is new")
	}
	if s.Path != "" && !strings.HasPrefix(s.Path, "/") {
		n.add(systemimage.Risky, "relative-path", section, key, fmt.Sprintf("the path %q is relative", s.Path), "to the folder that import-images is started in, not to base_path")
	}
	if s.Generator == "system-image" {
		n.sourceChannel(channel, section, key, f, s)
	}
	n.sources = append(n.sources, placed{Source: s, section: section, key: key, auto: auto})
}

// mixedUp finds options written as arguments, and arguments as options.
func (n *lint) mixedUp(section, key string, f FileEntry, form *generatorForm, rewrite func(string, []string) Edit) bool {
	args := slices.Clone(f.Arguments)
	for i, what := range form.required {
		if i >= len(args) {
			break
		}
		switch {
		case what == "series" && strings.ContainsAny(args[i], ",="):
			at := max(strings.IndexAny(args[i], ", \t"), 0)
			series, options := args[i][:at], strings.TrimLeft(args[i][at:], ", \t")
			fix := append(slices.Clone(args[:i]), series, options)
			n.add(systemimage.Harmful, "series", section, key, fmt.Sprintf("the series is %q", args[i]),
				"options are an argument of their own, behind a \";\": with a comma they are part of the series, nothing of which exists, and no image is made",
				rewrite(f.Generator, append(fix, args[i+1:]...)))
			return true
		case what == "url" && len(args) == i+1 && strings.Contains(args[i], ",") && strings.Contains(args[i], "="):
			address, options, _ := strings.Cut(args[i], ",")
			if name, _, ok := strings.Cut(options, "="); !ok || !slices.Contains(form.options, name) {
				continue
			}
			n.add(systemimage.Harmful, "url", section, key, "options follow the URL behind a comma",
				"options are an argument of their own, behind a \";\": with a comma they are part of the address, where nothing is", rewrite(f.Generator, append(slices.Clone(args[:i]), address, options)))
			return true
		case what == "prefix" && strings.Contains(args[i], "="):
			prefix, options, both := strings.Cut(args[i], ",")
			if both && !strings.Contains(prefix, "=") {
				args = append(append(slices.Clone(args[:i]), prefix, options), args[i+1:]...)
			} else {
				_, args[i], _ = strings.Cut(args[i], "=")
			}
			n.add(systemimage.Harmful, "prefix", section, key, fmt.Sprintf("the prefix is %q", f.Arguments[i]),
				"the prefix is a plain word such as ubuntu: no file matches, and no image is made", rewrite(f.Generator, args))
			return true
		}
	}
	return false
}

func (n *lint) options(section, key string, f FileEntry, form *generatorForm, s Source, rewrite func(string, []string) Edit) {
	if len(s.Extra) > 0 {
		n.add(systemimage.Risky, "extra-argument", section, key, fmt.Sprintf("%s does not look at %q", f.Generator, host.HideSecrets(strings.Join(s.Extra, ";"))),
			"the server ignores it without a word")
	}
	for _, piece := range s.Ignored {
		var fix []Edit
		if name, value, ok := strings.Cut(piece, ":"); ok && slices.Contains(form.options, name) {
			if v, ok := n.Get(section, key); ok {
				fix = []Edit{set(section, key, strings.Replace(v.Text, piece, name+"="+value, 1))}
			}
		}
		n.add(systemimage.Harmful, "ignored-option", section, key, fmt.Sprintf("the option %q is ignored", host.HideSecrets(piece)),
			"an option is name=value, without a comma in it: other pieces are passed over without a word", fix...)
	}
	for name := range s.Options {
		if slices.Contains(form.options, name) {
			continue
		}
		guess := closest(name, form.options)
		var fix []Edit
		if at := len(form.required); guess != "" && at < len(f.Arguments) {
			args := slices.Clone(f.Arguments)
			pieces := strings.Split(args[at], ",")
			for i, p := range pieces {
				if rest, ok := strings.CutPrefix(p, name+"="); ok {
					pieces[i] = guess + "=" + rest
				}
			}
			args[at] = strings.Join(pieces, ",")
			fix = []Edit{rewrite(f.Generator, args)}
		}
		n.add(systemimage.Harmful, "unknown-option", section, key, fmt.Sprintf("%s has no option %q%s", f.Generator, name, meant(guess)), "the server ignores it without a word", fix...)
	}
	if s.Import != "" && s.Import != "any" && s.Import != "good" {
		n.add(systemimage.Risky, "import", section, key, fmt.Sprintf("import=%s", s.Import), "only import=good asks for builds that are marked good; anything else takes any build")
	}
}

// slashes finds http//host, http:/host and the like.
var slashes = regexp.MustCompile(`^(https?)(?:/+|:/?)([^/:].*)$`)

// address looks at a URL as a text.
func (n *lint) address(section, key, address string) {
	const aborts = "import-images aborts: this channel and all behind it are not processed"
	shown, _, _ := strings.Cut(host.HideSecrets(address), "?")
	shown = host.Shorten(shown)
	fix := func(old, new string) []Edit {
		v, ok := n.Get(section, key)
		if !ok || !strings.Contains(v.Text, old) {
			return nil
		}
		return []Edit{set(section, key, strings.Replace(v.Text, old, new, 1))}
	}
	u, err := url.Parse(address)
	switch {
	case strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		n.add(systemimage.Harmful, "url", section, key, "a URL has a blank in it", aborts)
	case err == nil && u.Scheme == "" && u.Host == "" && strings.Contains(strings.Split(address, "/")[0], "."):
		n.add(systemimage.Harmful, "url", section, key, fmt.Sprintf("%q has no http:// before it", shown), aborts, fix(address, "http://"+address)...)
	case slashes.MatchString(address):
		n.add(systemimage.Harmful, "url", section, key, fmt.Sprintf("%q is no whole URL", shown), "nothing is downloaded from it, or "+aborts,
			fix(address, slashes.ReplaceAllString(address, "$1://$2"))...)
	case err != nil || u.Scheme == "":
		n.add(systemimage.Harmful, "url", section, key, fmt.Sprintf("%q is no whole URL", shown), aborts)
	case !slices.Contains([]string{"http", "https", "ftp", "file", "data"}, u.Scheme):
		guess := closest(u.Scheme, []string{"http", "https"})
		var mend []Edit
		if guess != "" {
			mend = fix(address, guess+strings.TrimPrefix(address, u.Scheme))
		}
		n.add(systemimage.Harmful, "url", section, key, fmt.Sprintf("nothing is known about %s: in %q%s", u.Scheme, shown, meant(guess)), "the download fails, and no image is made", mend...)
	case u.Host == "" && u.Scheme != "file" && u.Scheme != "data":
		n.add(systemimage.Harmful, "url", section, key, fmt.Sprintf("%q names no host", shown), "the download fails, and no image is made")
	case u.User != nil:
		n.add(systemimage.Harmful, "url", section, key, fmt.Sprintf("%q has a user or a password in it", shown),
			"the server's downloads take that for a part of the host or of its port: import-images makes no image, or aborts, and the password lands in its log",
			fix(u.User.String()+"@", "")...)
	}
}

// sourceChannel looks at the channel that a system-image entry copies from.
func (n *lint) sourceChannel(channel, section, key string, f FileEntry, s Source) {
	all := n.allChannels()
	if len(n.linter.Channels) > 0 {
		if source, ok := n.linter.Channels[s.Channel]; ok {
			n.sourceDevice(channel, section, key, f, s, source)
			return
		}
	} else if slices.Contains(all, s.Channel) {
		return
	}
	if s.Channel == channel {
		return
	}
	guess := closest(s.Channel, all)
	severity := systemimage.Harmful
	if len(n.linter.Channels) == 0 {
		severity = systemimage.Risky // it may well be published all the same
	}
	var fix []Edit
	if v, ok := n.Get(section, key); ok && guess != "" {
		fix = []Edit{set(section, key, strings.Replace(v.Text, ";"+s.Channel+";", ";"+guess+";", 1))}
	}
	n.add(severity, "source-channel", section, key, fmt.Sprintf("there is no channel %q to take a file from%s", s.Channel, meant(guess)), "the generator returns nothing, and no image is made", fix...)
}

// sourceDevice looks whether the other channel has the devices: the one that is
// named, or each that the entry is for.
func (n *lint) sourceDevice(channel, section, key string, f FileEntry, s Source, source systemimage.Channel) {
	var missing []string
	if _, has := source.Devices[s.Device]; s.Device != "" && !has {
		missing = []string{s.Device}
	}
	for device, d := range n.linter.Channels[channel].Devices {
		_, has := source.Devices[device]
		if s.Device == "" && !has && d.Redirect == "" && (!f.ForDevice || f.Device == device) {
			missing = append(missing, device)
		}
	}
	if len(missing) == 0 {
		return
	}
	slices.Sort(missing)
	n.add(systemimage.Harmful, "source-device", section, key, fmt.Sprintf("channel %s has no device %s", s.Channel, strings.Join(missing, ", ")),
		"no image is made for the device; the option device= takes the file of another one")
}
