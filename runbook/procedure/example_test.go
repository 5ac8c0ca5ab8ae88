package procedure_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A lab for examples: what lab.New gives a test.
func exampleLab() (*lab.Lab, func()) {
	dir, err := os.MkdirTemp("", "landing-example-")
	if err != nil {
		panic(err)
	}
	l, err := lab.InProcess(filepath.Join(dir, "lab"), systemimagetest.SampleWorld())
	if err != nil {
		panic(err)
	}
	return l, func() { l.Close(); os.RemoveAll(dir) }
}

// Copy the newest rc-proposed image of one device to rc.
func ExampleCopyRC() {
	l, done := exampleLab()
	defer done()
	c := &procedure.CopyRC{
		Server: l.Server(), Importer: l.Importer(),
		Input: procedure.CopyRCInput{Tag: "OTA-13-rc", From: "rc-proposed", To: "rc",
			Pairs: []procedure.Pair{{From: "ubuntu-touch/rc-proposed/meizu.en", To: "ubuntu-touch/rc/meizu.en", Device: "arale"}}},
	}
	x := &runbook.Runner{Name: "copyrc", Input: c.Input, Journal: &runbooktest.Memory{},
		Observe: func(rec runbook.Record) {
			if rec.Intent != "" && rec.Verb != runbook.VerbRun {
				fmt.Println(rec.Kind, rec.Intent)
			}
		}}
	fmt.Println("error:", x.Execute(context.Background(), c.Run))
	// Output:
	// armed the importer (its line in the crontab)
	// acquired the importer (its line in the crontab)
	// started copy image 101 of ubuntu-touch/rc-proposed/meizu.en for arale to ubuntu-touch/rc/meizu.en, tag OTA-13-rc, at 100 %
	// done copy image 101 of ubuntu-touch/rc-proposed/meizu.en for arale to ubuntu-touch/rc/meizu.en, tag OTA-13-rc, at 100 %
	// released the importer (its line in the crontab)
	// error: <nil>
}

// Stop a faulty update. Nobody is there to answer the questions that follow, but
// it is stopped already.
func ExampleBackOut() {
	l, done := exampleLab()
	defer done()
	b := &procedure.BackOut{
		Server: l.Server(), Importer: l.Importer(),
		Input: procedure.BackOutInput{
			Faulty:     []procedure.Target{{Channel: "ubuntu-touch/stable/meizu.en", Device: "arale", Version: 1}},
			Percentage: 100,
		},
	}
	x := &runbook.Runner{Name: "backout", Input: b.Input, Journal: &runbooktest.Memory{}}
	fmt.Println(x.Execute(context.Background(), b.Run))
	m, err := l.Client().Latest(context.Background(), "ubuntu-touch/stable/meizu.en", "arale")
	fmt.Println(m.Version, m.Percentage, err)
	// Output:
	// assess: waiting for an answer: Is the fault understood well enough to go on: which devices have it, and what does it do to them?; start again when it is answered
	// 1 0 <nil>
}

func ExampleParsePair() {
	p, err := procedure.ParsePair("ubuntu-touch/rc-proposed/meizu.en:arale", "rc-proposed", "rc")
	fmt.Println(p.From, "->", p, err)
	_, err = procedure.ParsePair("ubuntu-touch/stable/meizu.en", "rc-proposed", "rc")
	fmt.Println(err)
	// Output:
	// ubuntu-touch/rc-proposed/meizu.en -> ubuntu-touch/rc/meizu.en:arale <nil>
	// channel "ubuntu-touch/stable/meizu.en" has no path element "rc-proposed" to replace by "rc"
}

// All pairs that exist in both, and what is left out.
func ExampleFindPairs() {
	channels, err := systemimage.ParseChannels([]byte(`{
	    "rc-proposed/meizu": {"devices": {"arale": {"index": "/rc-proposed/meizu/arale/index.json"}}},
	    "rc/meizu":          {"devices": {"arale": {"index": "/rc/meizu/arale/index.json"}}},
	    "rc-proposed/bq":    {"devices": {"krillin": {"index": "/rc-proposed/bq/krillin/index.json"}}}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	pairs, skipped, err := procedure.FindPairs(channels, "rc-proposed", "rc", nil)
	fmt.Println(pairs, err)
	for _, s := range skipped {
		fmt.Println(s.Pair, "is left out:", s.Why)
	}
	// Output:
	// [rc/meizu:arale] <nil>
	// rc/bq is left out: channel rc/bq does not exist
}
