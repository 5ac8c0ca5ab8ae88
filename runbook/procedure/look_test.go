package procedure_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// What was copied already counts as copied only where devices get its signature, whatever
// the host has.
func TestCopyRCServedWithoutItsSignature(t *testing.T) {
	virtual(func(t *testing.T) {
		l := newLab(t) // of the first pair the signature is asked for anyway
		x, c := copyrc(l, &runbooktest.Memory{})
		if err := x.Execute(t.Context(), c.Run); err != nil {
			t.Fatal(err)
		}
		again := func() error {
			x, c := copyrc(l, &runbooktest.Memory{})
			return x.Execute(t.Context(), c.Run)
		}
		if err := again(); err != nil {
			t.Errorf("copied already: %v", err)
		}
		index := "/" + rcPairs[2].To + "/" + rcPairs[2].Device + "/index.json"
		l.Images.FailHTTP(systemimagetest.HTTPFault{Path: index + ".asc", Status: http.StatusNotFound})
		if err := again(); !errors.Is(err, systemimage.ErrTorn) {
			t.Errorf("a mirror without the signature: %v, want ErrTorn", err)
		}
		l.Images.FailHTTP()
		if err := os.Remove(filepath.Join(l.Images.Root(), "www", index+".asc")); err != nil {
			t.Fatal(err)
		}
		if err := again(); !errors.Is(err, systemimage.ErrTorn) {
			t.Errorf("no signature anywhere: %v, want ErrTorn", err)
		}
	})(t)
}

// The look at the signatures on the host spares requests: a link that is lost in it stops
// nothing.
func TestCopyRCLinkLostAtSignatures(t *testing.T) {
	virtual(func(t *testing.T) {
		l := newLab(t)
		lost := 0
		x, c := copyrc(l, &runbooktest.Memory{}, func(c *procedure.CopyRC) {
			host := c.Server.Runner
			c.Server.Runner = command.Func(func(ctx context.Context, x command.Command) (command.Output, error) {
				if len(x.Argv) > 3 && x.Argv[3] == "landing-read" && lost == 0 {
					lost++
					return command.Output{}, errors.New("the link was lost")
				}
				return host.Run(ctx, x)
			})
		})
		if err := x.Execute(t.Context(), c.Run); err != nil || lost != 1 {
			t.Errorf("%v, the link was lost %d times", err, lost)
		}
	})(t)
}
