package systemimagetest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/landingteam/landing/runbook/command"
)

// A phasingMany is "sh -c SCRIPT landing-phase-many ROOT UNLESS LAST NOTE TEXT JOIN
// PROGRAM ARG...", with which the operator's side sets many percentages at once. The
// script is played, because it calls programs that are function calls here; where they
// are files it is really run.
type phasingMany struct {
	root, unless, last, note, text, join string
	argv                                 []string
}

func readPhasingMany(argv []string) (p phasingMany, ok bool) {
	if len(argv) < 11 || argv[0] != "sh" || argv[3] != "landing-phase-many" {
		return p, false
	}
	return phasingMany{argv[4], argv[5], argv[6], argv[7], argv[8], argv[9], argv[10:]}, true
}

// run plays the script. An error of [Server.Before] ends it as a lost host would.
func (p phasingMany) run(ctx context.Context, s *Server, c command.Command) (command.Output, error) {
	var out bytes.Buffer
	say := func(format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		out.WriteString(text + "\n")
		if c.Line != nil {
			for line := range strings.SplitSeq(text, "\n") {
				c.Line(line)
			}
		}
	}
	if p.note != "" {
		say("%s", p.write())
	}
	unlock, err := phasing{file: filepath.Join(p.root, "state", "landing-phase.lock")}.lock()
	if err != nil {
		return command.Output{Stdout: out.Bytes()}, err
	}
	defer unlock()
	over := ""
	for n, line := range strings.Split(strings.TrimSuffix(string(c.Stdin), "\n"), "\n") {
		words := strings.Split(line, "\t")
		if len(words) != 4 {
			continue
		}
		folder := filepath.Join(p.root, "www", words[0], words[1])
		code := 2
		switch {
		case p.unless != "" && exists(p.unless):
			say("landing-phase: error: %s is there", p.unless)
		case over != "":
			say("landing-phase: error: %s", over)
		case exists(folder) && missingOrEmpty(filepath.Join(folder, "index.json")):
			say("landing-phase: %s/index.json is missing or empty", folder)
			code = 74
		default:
			ended, err := s.Run(ctx, command.Command{Argv: append(append([]string(nil), p.argv...), words...)})
			if err != nil {
				return command.Output{Stdout: out.Bytes()}, err
			}
			said := strings.TrimRight(string(ended.Stdout)+string(ended.Stderr), "\n")
			say("%s", said)
			if p.last != "" && strings.Contains(said, p.last) {
				over = p.last
			}
			code = ended.Exit
		}
		say("landing-phase %d %d", n, code)
	}
	return command.Output{Stdout: out.Bytes()}, nil
}

// write writes the note, and returns the line that says so.
func (p phasingMany) write() string {
	text := p.text
	if old, err := readFile(p.note); err == nil && p.join != "" {
		if rest, ok := strings.CutPrefix(strings.TrimRight(string(old), "\n"), p.join); ok {
			text += rest
		}
	}
	err := os.MkdirAll(filepath.Dir(p.note), 0o755)
	if err == nil {
		err = createFile(p.note+".new", []byte(text+"\n"), 0o644)
	}
	if err == nil {
		err = os.Rename(p.note+".new", p.note)
	}
	if err != nil {
		return "landing-note 1 " + err.Error()
	}
	return "landing-note 0 " + text
}
