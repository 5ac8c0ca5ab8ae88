package channelconfig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

const (
	lintScriptName = "landing-lint"

	// landing-lint <QUESTIONS: what is there of the things that a configuration
	// names. A question is four lines: a word, a path, and two texts that are
	// compared with names, never run. The answer is a line "yes" or "no"; "end"
	// is the last one. The words: dir PATH; file PATH; build PATH START END (a
	// file in one of the builds below PATH begins and ends so); good PATH START
	// END (such a build is marked good, too).
	lintScript = `
build() {
	for f in "$1"/*/"$2"*"$3"; do
		[ -e "$f" ] || continue
		case ${f%/*} in */pending|*/current) continue ;; esac
		[ -e "${f%/*}/SHA256SUMS" ] || continue
		[ "$4" = any ] || [ -e "${f%/*}/.marked_good" ] || continue
		return 0
	done
	return 1
}
while IFS= read -r word && IFS= read -r path && IFS= read -r start && IFS= read -r end; do
	answer=no
	case $word in
	dir) [ -d "$path" ] && answer=yes ;;
	file) [ -s "$path" ] && answer=yes ;;
	build) build "$path" "$start" "$end" any && answer=yes ;;
	good) build "$path" "$start" "$end" good && answer=yes ;;
	esac
	echo $answer
done
echo end
`
)

// A question is one that the host is asked, with the finding for a "no".
type question struct {
	text    string
	finding func()
}

// host asks the image server for what the configuration names there: all in
// one command.
func (n *lint) host(ctx context.Context) error {
	if n.linter.Runner == nil {
		return nil
	}
	settings, err := n.Settings(n.linter.Root)
	if err != nil {
		return nil // it is among the findings, and no path is sure
	}
	var list []question
	ask := func(word, path, start, end string, finding func()) {
		if strings.ContainsAny(path+start+end, "\n\r\x00") {
			return
		}
		text := word + "\n" + path + "\n" + start + "\n" + end + "\n"
		list = append(list, question{text, finding})
	}
	const dies = "every program that needs it dies"
	for _, d := range []struct{ key, path string }{
		{"publish_path", settings.PublishPath}, {"state_path", settings.StatePath},
		{"gpg_key_path", pyJoin(settings.KeyPath, "image-signing")}, {"gpg_keyring_path", settings.KeyringPath},
	} {
		ask("dir", d.path, "", "", func() {
			n.add(systemimage.Harmful, "missing-folder", "global", d.key, fmt.Sprintf("the server has no folder %s", d.path), dies)
		})
	}
	for _, s := range n.sources {
		n.askSource(ask, settings, s)
	}
	var stdin bytes.Buffer
	for _, q := range list {
		stdin.WriteString(q.text)
	}
	c := host.Script(lintScript, lintScriptName)
	c.Stdin = stdin.Bytes()
	out, err := n.linter.Runner.Run(ctx, c)
	const op = "look at the host for what the configuration names"
	if err != nil {
		return &systemimage.Error{Op: op, Err: err}
	}
	answers := strings.Fields(string(out.Stdout))
	if out.Exit != 0 || out.Truncated || len(answers) != len(list)+1 || answers[len(list)] != "end" {
		return &systemimage.Error{Op: op, Kind: systemimage.ErrBroken, Err: errors.New("its shell did not answer every question" + host.LastWords(out.Stderr))}
	}
	for i, q := range list {
		if answers[i] != "yes" {
			q.finding()
		}
	}
	return nil
}

// askSource asks for what one file entry needs.
func (n *lint) askSource(ask func(word, path, start, end string, finding func()), settings *Settings, s placed) {
	const why = "the generator returns nothing without a word, and no image is made"
	missing := func(severity systemimage.Severity, class, problem string) func() {
		return func() { n.add(severity, class, s.section, s.key, problem, why) }
	}
	switch {
	case strings.HasPrefix(s.Path, "/"):
		end := ".tar.gz"
		switch s.Generator {
		case "cdimage-custom":
			end = ".custom.tar.gz"
		case "cdimage-device-raw":
			end = ".device.tar.gz"
		case "cdimage-device":
			end = ""
		}
		start := s.Series + "-preinstalled-" + s.Product + "-"
		if s.Generator == "cdimage-device" {
			start = s.Series + "-preinstalled-"
		}
		ask("dir", s.Path, "", "", missing(systemimage.Harmful, "missing-path", fmt.Sprintf("the server has no folder %s", s.Path)))
		ask("build", s.Path, start, end, missing(systemimage.Harmful, "missing-series",
			fmt.Sprintf("no build in %s has a file %s...%s", s.Path, start, end)))
		if s.Import == "good" {
			ask("good", s.Path, start, end, missing(systemimage.Risky, "no-good-build", fmt.Sprintf("no build with %s...%s is marked good", start, end)))
		}
	case s.Keyring != "":
		for _, ext := range []string{".tar.xz", ".tar.xz.asc"} {
			path := pyJoin(settings.KeyringPath, s.Keyring+ext)
			if s.Generator == "keyring" {
				ask("file", path, "", "", missing(systemimage.Harmful, "missing-keyring", "the server has no "+path))
			}
		}
	}
}

// fold leaves one finding where a folder is missing, instead of three.
func (n *lint) fold() {
	gone := func(f Finding) bool {
		if f.Class != "missing-series" && f.Class != "no-good-build" {
			return false
		}
		return slices.ContainsFunc(n.findings, func(o Finding) bool {
			worse := o.Class == "missing-path" || o.Class == "missing-series" && f.Class == "no-good-build"
			return worse && o.Section == f.Section && o.Key == f.Key
		})
	}
	n.findings = slices.DeleteFunc(slices.Clone(n.findings), gone)
}
