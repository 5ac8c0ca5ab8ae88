package procedure_test

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/runbook/procedure"
	"github.com/landingteam/landing/systemimage/channelconfig"
)

// The questions that people are asked on the way of a security fix to its users.
func ExampleHotfix() {
	l, done := exampleLabOf(lab.Importable())
	defer done()
	server := l.Server()
	c := &procedure.Hotfix{
		Launchpad: must(l.Launchpad()), Builder: must(l.Builds()), Server: server, Importer: l.Importer(),
		Config: &channelconfig.HostFile{Runner: server.Runner, Path: filepath.Join(server.Root, "etc/config")},
		Input: procedure.HotfixInput{
			Problem: "the lock screen opens", Support: "the night shift", Grace: 48 * time.Hour,
			Security: lab.EmbargoedPPA, Packages: []string{"unity8"}, Series: "vivid",
			Snapshot: lab.SnapshotPPA, Origin: lab.OverlayPPA, Create: true, Overlay: lab.OverlayPPA,
			Builds: []procedure.HotfixBuild{{Project: "ubuntu-pd", Type: "daily-preinstalled", Series: "vivid", File: "ubuntu",
				Folder: filepath.Join(server.Root, "cdimage/full/ubuntu-pd/daily-preinstalled"), Channels: []string{"ubuntu-touch/rc/meizu.en"}}},
			From: "rc", To: "stable", Tag: "OTA-4.1",
		},
	}
	plan, err := (&runbook.Runner{Name: "hotfix", Input: c.Input}).Plan(context.Background(), c.Run)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, rec := range plan {
		if rec.Verb == runbook.VerbGate {
			fmt.Println(rec.Step)
		}
	}
	// Output:
	// assess
	// decide
	// countermeasures/in place
	// fix
	// configuration/approve
	// fix to the overlay/difference
	// public
	// QA 1/approve
	// support
	// announcement
	// countermeasures removed
	// stand down
}
