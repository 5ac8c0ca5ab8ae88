package systemimagetest

import (
	"fmt"
	"slices"
	"strings"
)

// An option of a program's command line.
type option struct {
	names []string // in the order in which messages give them
	kind  byte     // 'i' takes an integer, 's' takes a text, 'f' is a flag or a count
}

// A commandLine describes the arguments of a program.
type commandLine struct {
	usage      string // one or more lines, without the word "usage: "
	about      string // what --help says below the usage
	options    []option
	positional []string // names; a trailing * marks an integer
}

var verboseOption = option{[]string{"--verbose", "-v"}, 'f'}

var commandLines = map[string]commandLine{
	"copy-image": {
		usage: `copy-image [-h] [-r VERSION] [-o OFFSET] [-k] [-p PHASED_PERCENTAGE]
                  [-t TAG] [--verbose] [-q]
                  SOURCE-CHANNEL DESTINATION-CHANNEL DEVICE`,
		about: `image copier

positional arguments:
  SOURCE-CHANNEL
  DESTINATION-CHANNEL
  DEVICE

options:
  -h, --help            show this help message and exit
  -r VERSION, --version VERSION
  -o OFFSET, --offset OFFSET
                        Version offset
  -k, --keep-version    Keep the original version number
  -p PHASED_PERCENTAGE, --phased-percentage PHASED_PERCENTAGE
                        Set the phased percentage for the copied image
  -t TAG, --tag TAG     Set a version tag on the new image
  --verbose, -v
  -q, --push-notify`,
		options: []option{
			{[]string{"-r", "--version"}, 'i'}, {[]string{"-o", "--offset"}, 'i'}, {[]string{"-k", "--keep-version"}, 'f'},
			{[]string{"-p", "--phased-percentage"}, 'i'}, {[]string{"-t", "--tag"}, 's'}, verboseOption, {[]string{"-q", "--push-notify"}, 'f'},
		},
		positional: []string{"SOURCE-CHANNEL", "DESTINATION-CHANNEL", "DEVICE"},
	},
	"copy-image 2016": {
		usage: `copy-image [-h] [-k] [-p PHASED_PERCENTAGE] [-t TAG] [--verbose]
                  SOURCE-CHANNEL DESTINATION-CHANNEL DEVICE VERSION`,
		about: `image copier

positional arguments:
  SOURCE-CHANNEL
  DESTINATION-CHANNEL
  DEVICE
  VERSION

options:
  -h, --help            show this help message and exit
  -k, --keep-version    Keep the original version number
  -p PHASED_PERCENTAGE, --phased-percentage PHASED_PERCENTAGE
                        Set the phased percentage for the copied image
  -t TAG, --tag TAG     Set a version tag on the new image
  --verbose, -v`,
		options: []option{
			{[]string{"-k", "--keep-version"}, 'f'}, {[]string{"-p", "--phased-percentage"}, 'i'}, {[]string{"-t", "--tag"}, 's'}, verboseOption,
		},
		positional: []string{"SOURCE-CHANNEL", "DESTINATION-CHANNEL", "DEVICE", "VERSION*"},
	},
	"set-phased-percentage": {
		usage: `set-phased-percentage [-h] [--verbose]
                             CHANNEL DEVICE VERSION PERCENTAGE`,
		about: `set phased percentage

positional arguments:
  CHANNEL
  DEVICE
  VERSION
  PERCENTAGE

options:
  -h, --help     show this help message and exit
  --verbose, -v`,
		options:    []option{verboseOption},
		positional: []string{"CHANNEL", "DEVICE", "VERSION*", "PERCENTAGE*"},
	},
	"tag-image": {
		usage: `tag-image [-h] [--verbose] CHANNEL DEVICE VERSION TAG`,
		about: `image tagger

positional arguments:
  CHANNEL
  DEVICE
  VERSION
  TAG

options:
  -h, --help     show this help message and exit
  --verbose, -v`,
		options:    []option{verboseOption},
		positional: []string{"CHANNEL", "DEVICE", "VERSION*", "TAG"},
	},
	"import-images": {
		usage: `import-images [-h] [--verbose]`,
		about: `image importer

options:
  -h, --help     show this help message and exit
  --verbose, -v`,
		options: []option{verboseOption},
	},
	"re-sign-indexes": {
		usage: `re-sign-indexes [-h] [--verbose]`,
		about: `Re-signs the indexes and the latest images with the current key.

options:
  -h, --help     show this help message and exit
  --verbose, -v`,
		options: []option{verboseOption},
	},
}

// arguments are a parsed command line: texts and integers by the name of the
// option (its first long form without dashes) or of the positional argument.
type arguments struct {
	text  map[string]string
	num   map[string]int
	count map[string]int
}

// usageError prints usage and a message on standard error, and ends with status 2.
func (p *process) usageError(format string, args ...any) error {
	p.out.Flush()
	fmt.Fprintf(p.err, "usage: %s\n%s: error: %s\n", p.commandLine().usage, p.name, fmt.Sprintf(format, args...))
	return exit(2)
}

func (p *process) commandLine() commandLine {
	if c, ok := commandLines[fmt.Sprint(p.name, " ", p.era)]; ok {
		return c
	}
	return commandLines[p.name]
}

// parseArgs reads the program's arguments as the interpreter's own parser
// does: options anywhere, letters of flags run together, long options
// shortened, "--" before what begins with a dash.
func (p *process) parseArgs() (*arguments, error) {
	c := p.commandLine()
	a := &arguments{map[string]string{}, map[string]int{}, map[string]int{}}
	var free, extra []string // extra keeps the order of the command line
	place := func(values ...string) {
		n := min(len(values), max(0, len(c.positional)-len(free)))
		free, extra = append(free, values[:n]...), append(extra, values[n:]...)
	}
	args := p.args
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			place(args...)
			args = nil
			continue
		case len(arg) < 2 || arg[0] != '-' || isNegative(arg) || strings.Contains(arg, " ") && !strings.HasPrefix(arg, "--"):
			place(arg)
			continue
		}
		var err error
		if strings.HasPrefix(arg, "--") {
			args, err = p.parseLong(c, a, arg, args, &extra)
		} else {
			args, err = p.parseShort(c, a, arg, args, &extra)
		}
		if err != nil {
			return nil, err
		}
	}
	for i, name := range c.positional {
		if i >= len(free) {
			return nil, p.usageError("the following arguments are required: %s", strings.ReplaceAll(strings.Join(c.positional[i:], ", "), "*", ""))
		}
		name, number := strings.CutSuffix(name, "*")
		if err := p.store(a, option{[]string{name}, map[bool]byte{true: 'i', false: 's'}[number]}, free[i]); err != nil {
			return nil, err
		}
	}
	if len(extra) > 0 {
		return nil, p.usageError("unrecognized arguments: %s", strings.Join(extra, " "))
	}
	return a, nil
}

func (p *process) parseLong(c commandLine, a *arguments, arg string, rest []string, extra *[]string) ([]string, error) {
	name, value, given := strings.Cut(arg, "=")
	var found []option
	var names []string
	for _, o := range append(slices.Clone(c.options), option{[]string{"-h", "--help"}, 'f'}) {
		for _, n := range o.names {
			if n == name {
				found, names = []option{o}, []string{n}
				break
			}
			if strings.HasPrefix(n, name) && !slices.Contains(names, name) {
				found, names = append(found, o), append(names, n)
			}
		}
	}
	switch {
	case len(found) == 0:
		*extra = append(*extra, arg)
		return rest, nil
	case len(found) > 1:
		return nil, p.usageError("ambiguous option: %s could match %s", arg, strings.Join(names, ", "))
	case found[0].kind == 'f' && given:
		return nil, p.usageError("argument %s: ignored explicit argument %s", strings.Join(found[0].names, "/"), repr(value))
	case given:
		return rest, p.store(a, found[0], value)
	}
	return p.take(a, found[0], rest)
}

func (p *process) parseShort(c commandLine, a *arguments, arg string, rest []string, extra *[]string) ([]string, error) {
	for i := 1; i < len(arg); i++ {
		letter := "-" + arg[i:i+1]
		if letter == "-h" {
			return rest, p.count(a, option{[]string{"-h", "--help"}, 'f'})
		}
		at := slices.IndexFunc(c.options, func(o option) bool { return slices.Contains(o.names, letter) })
		if at < 0 && i > 1 {
			before := c.options[slices.IndexFunc(c.options, func(o option) bool { return slices.Contains(o.names, "-"+arg[i-1:i]) })]
			return nil, p.usageError("argument %s: ignored explicit argument %s", strings.Join(before.names, "/"), repr(arg[i:]))
		}
		if at < 0 {
			*extra = append(*extra, arg)
			return rest, nil
		}
		o := c.options[at]
		if o.kind == 'f' {
			if err := p.count(a, o); err != nil {
				return nil, err
			}
			continue
		}
		if value := strings.TrimPrefix(arg[i+1:], "="); value != "" {
			return rest, p.store(a, o, value)
		}
		return p.take(a, o, rest)
	}
	return rest, nil
}

// take gives an option its value from the rest of the command line.
func (p *process) take(a *arguments, o option, rest []string) ([]string, error) {
	if o.kind == 'f' {
		return rest, p.count(a, o)
	}
	if len(rest) == 0 || len(rest[0]) > 1 && rest[0][0] == '-' && !isNegative(rest[0]) && !strings.Contains(rest[0], " ") {
		return nil, p.usageError("argument %s: expected one argument", strings.Join(o.names, "/"))
	}
	return rest[1:], p.store(a, o, rest[0])
}

func (p *process) count(a *arguments, o option) error {
	if o.names[0] == "-h" {
		c := p.commandLine()
		fmt.Fprintf(p.out, "usage: %s\n\n%s\n", c.usage, c.about)
		return exit(0)
	}
	a.count[nameOf(o)]++
	return nil
}

func (p *process) store(a *arguments, o option, value string) error {
	if o.kind != 'i' {
		a.text[nameOf(o)] = value
		return nil
	}
	n, err := atoi(value)
	if err != nil {
		return p.usageError("argument %s: invalid int value: %s", strings.Join(o.names, "/"), repr(value))
	}
	a.num[nameOf(o)] = n
	return nil
}

func nameOf(o option) string {
	for _, n := range o.names {
		if long, ok := strings.CutPrefix(n, "--"); ok {
			return long
		}
	}
	return o.names[0]
}

// isNegative says whether an argument is a negative number and so no option.
func isNegative(arg string) bool {
	digits := strings.TrimPrefix(arg, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}
