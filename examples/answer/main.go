// Answer lists the questions in a mailbox and answers them, from another terminal or
// another machine that has the folder.
//
//	go run ./examples/answer ~/runs                          # the questions that are open
//	go run ./examples/answer ~/runs 5f0c9a                   # one, with its evidence; asks for the answer
//	go run ./examples/answer -reason "tested on arale" ~/runs 5f0c9a yes
//
// The folder is that of -runs or -mailbox of the other programs. A run that waits at a
// terminal goes on at once, another one at its next start. Of two answers the first
// counts.
package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/mailbox"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var reason, operator string
	return cli.Program{
		Name:  "answer",
		About: "Lists the questions in a mailbox, and answers them",
		Args:  "DIR [QUESTION [yes|no|later|stop]]",
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&reason, "reason", "", "`TEXT` that says why; some questions need it")
			fs.StringVar(&operator, "operator", "", "`NAME` of who answers (default: the user's)")
		},
		Alone: func(ctx context.Context, args []string, asJSON bool, stdin io.Reader, out io.Writer) (bool, error) {
			if len(args) < 1 || len(args) > 3 {
				return true, cli.Usage(errors.New("which folder? The one of -runs or -mailbox"))
			}
			if info, err := os.Stat(args[0]); err != nil || !info.IsDir() { // a mistyped name would have no question
				return true, cli.Usage(fmt.Errorf("%s is no folder; name the one of -runs or -mailbox", args[0]))
			}
			box := boxIn(args[0])
			open, err := box.Open()
			if err != nil || len(args) == 1 {
				return true, errors.Join(err, list(open, asJSON, out))
			}
			q, err := named(open, args[1])
			if err != nil {
				return true, err
			}
			a := runbook.Answer{By: cmp.Or(operator, cli.Whoami()), Account: cli.Whoami(), Reason: reason}
			if len(args) == 3 {
				var ok bool
				if a.Verdict, ok = q.Verdict(args[2]); !ok {
					return true, cli.Usage(fmt.Errorf("%q is no answer: yes, no or later", args[2]))
				}
			} else if a, err = cli.AskHere(ctx, q, operator, stdin, out); err != nil {
				return true, err
			}
			if err := box.Answer(q, a); err != nil {
				return true, err
			}
			_, err = fmt.Fprintf(out, "%s: %s says %s\n", q.Step, a.By, a.Verdict)
			return true, err
		},
	}
}

// id is the short name of a question, which stays when others are answered.
func id(q runbook.Question) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", q.Run, q.Step, q.Digest))
	return hex.EncodeToString(sum[:3])
}

// named is the question with an id.
func named(open []runbook.Question, name string) (runbook.Question, error) {
	for _, q := range open {
		if id(q) == name {
			return q, nil
		}
	}
	return runbook.Question{}, fmt.Errorf("no question %q is open; somebody may have answered, or its evidence is another now: %d are open", name, len(open))
}

// boxIn is the mailbox in a folder of runs, or the folder itself.
func boxIn(dir string) *mailbox.Box {
	below := filepath.Join(dir, mailbox.Folder)
	if info, err := os.Stat(below); err == nil && info.IsDir() {
		dir = below
	}
	return &mailbox.Box{Dir: dir}
}

// list prints the questions with their numbers.
func list(open []runbook.Question, asJSON bool, out io.Writer) error {
	for _, q := range open {
		if asJSON {
			if err := json.NewEncoder(out).Encode(q); err != nil {
				return err
			}
			continue
		}
		text := q.Text
		if q.NeedReason {
			text += " (Needs -reason.)"
		}
		head := fmt.Sprintf("%s  %s, %s, since %s", id(q), q.Run, q.Step, q.Asked.UTC().Format("2006-01-02 15:04 UTC"))
		if _, err := fmt.Fprint(out, cli.Printable(cli.Wrap(head, "        ", 79)+cli.Wrap("        "+text, "        ", 79))); err != nil {
			return err
		}
	}
	if len(open) == 0 && !asJSON {
		fmt.Fprintln(out, "no question is open")
	}
	return nil
}
