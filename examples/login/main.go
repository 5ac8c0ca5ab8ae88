// Login makes the credentials with which the other programs write to Launchpad, and
// see what is private there: it shows the page on which a person grants access, waits
// for the answer, and writes the credentials into a file that nobody else can read.
//
//	go run ./examples/login                              # on the lab, where nobody has to answer
//	go run ./examples/login -site site.conf              # into the file that the site names
//	go run ./examples/login -site site.conf -o FILE -access READ_PUBLIC
//
// The levels of access are READ_PUBLIC, WRITE_PUBLIC, READ_PRIVATE and WRITE_PRIVATE;
// without any, the page offers all.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/launchpad"
)

func main() { cli.Main(program()) }

func program() cli.Program {
	var path, access, name string
	var renew bool
	return cli.Program{
		Name:  "login",
		About: "Makes credentials for Launchpad",
		Needs: []string{}, // of the site file only the section [launchpad] is read, if it is there
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&path, "o", "", "write the credentials to `FILE` (default: what the site file names)")
			fs.StringVar(&access, "access", "", "offer only these `LEVELS` of access, with commas")
			fs.StringVar(&name, "name", "landing", "`NAME` of the program that the person is shown")
			fs.BoolVar(&renew, "renew", false, "replace credentials that are there")
		},
		Look: func(ctx context.Context, w *cli.World, args []string, asJSON bool, out io.Writer) error {
			c, file, person, err := w.Login()
			if err != nil {
				return err
			}
			file = cmp.Or(path, file)
			switch {
			case len(args) > 0:
				return cli.Usage(errors.New("no arguments are wanted"))
			case file == "":
				return cli.Usage(errors.New("where to? name a file with -o FILE, or as credentials in section [launchpad] of the site file"))
			}
			c.Consumer = name
			l := login{client: c, path: file, access: cli.Names(access), renew: renew, out: out, json: asJSON}
			return l.run(ctx, person)
		},
	}
}

type login struct {
	client      *launchpad.Client
	path        string
	access      []string
	renew, json bool
	out         io.Writer
}

// run asks person to open the page; nil stands for nobody.
func (l *login) run(ctx context.Context, person func(page string) error) error {
	if err := new(launchpad.Credentials).ReadFile(l.path); err == nil && !l.renew {
		return fmt.Errorf("there are credentials in %s already; -renew replaces them", l.path)
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return err
	}
	var show func(string)
	var answer error
	if person != nil {
		show = func(page string) {
			if !l.json {
				fmt.Fprintf(l.out, "Open this page, and choose what %q may do in your name:\n\n  %s\n\nWaiting for your answer.\n", l.client.Consumer, page)
			}
			answer = person(page)
		}
	}
	cred, err := l.client.Login(ctx, show, l.access...)
	if err = errors.Join(answer, err); err != nil {
		return err
	}
	if err := cred.WriteFile(l.path); err != nil {
		return err
	}
	if l.json {
		return json.NewEncoder(l.out).Encode(map[string]string{"credentials": l.path, "name": cred.ConsumerKey})
	}
	_, err = fmt.Fprintf(l.out, "The credentials are in %s, which only you can read.\n", l.path)
	return err
}
