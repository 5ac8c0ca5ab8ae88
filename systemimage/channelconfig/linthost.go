package channelconfig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
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

// A question is what the host is asked about, with the finding for a "no".
type question struct {
	need
	why          string
	section, key string
}

// questions are what the host must have: the folders of [global] and what the
// sources need.
func (n *lint) questions(settings *Settings) (list []question) {
	for _, d := range []struct{ key, path string }{
		{"publish_path", settings.PublishPath}, {"state_path", settings.StatePath},
		{"gpg_key_path", pyJoin(settings.KeyPath, "image-signing")}, {"gpg_keyring_path", settings.KeyringPath},
	} {
		list = append(list, question{section: "global", key: d.key, why: "every program that needs it dies",
			need: need{word: "dir", path: d.path, class: "missing-folder", severity: systemimage.Harmful, problem: "the server has no folder " + d.path}})
	}
	for _, e := range n.sources {
		if e.generator.needs == nil {
			continue
		}
		for _, d := range e.generator.needs(e.source, settings) {
			list = append(list, question{need: d, section: e.section, key: e.key, why: returnsNone})
		}
	}
	return slices.DeleteFunc(list, func(q question) bool { return strings.ContainsAny(q.path+q.start+q.end, "\n\r\x00") })
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
	list := n.questions(settings)
	var stdin bytes.Buffer
	for _, q := range list {
		fmt.Fprintf(&stdin, "%s\n%s\n%s\n%s\n", q.word, q.path, q.start, q.end)
	}
	c := command.Look(lintScriptName, lintScript)
	c.Stdin = stdin.Bytes()
	out, err := n.linter.Runner.Run(ctx, c)
	const op = "look at the host for what the configuration names"
	if err != nil {
		return &systemimage.Error{Op: op, Err: err}
	}
	answers := strings.Fields(string(out.Stdout))
	if out.Exit != 0 || out.Truncated || len(answers) != len(list)+1 || answers[len(list)] != "end" {
		return &systemimage.Error{Op: op, Kind: systemimage.ErrBroken, Err: errors.New("its shell did not answer every question" + out.LastWords())}
	}
	for i, q := range list {
		if answers[i] != "yes" {
			n.add(q.class, q.severity, q.why, mistake{section: q.section, key: q.key, problem: q.problem})
		}
	}
	return nil
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
