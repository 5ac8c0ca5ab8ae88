package realserver_test

import (
	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// The channels that the scenes are about.
const (
	rc       = "ubuntu-touch/rc/bq-aquaris.en"
	stable   = "ubuntu-touch/stable/bq-aquaris.en"
	stableEN = "ubuntu-touch/ubuntu-15.04/bq-aquaris.en" // an alias of it
	meizu    = "ubuntu-touch/stable/meizu.en"
)

// ramp is over in seconds.
const ramp = "1% 2s, 30% 2s ask, 100%"

// never is a time that a crontab can tell, for scenes whose end is another after an import.
const never = "0 4 29 2 *"

// announce keeps announcements, so that one made twice is noticed.
const announce = `echo "$SUBJECT" >>"$HOME/announced"`

// hotfixInput is as people write it.
const hotfixInput = `{
	"problem": "the lock screen opens when it is asked for the time",
	"countermeasures": ["the store is read-only"], "support": "the night shift", "grace": "1s",
	"security": "ppa:landing-team/embargoed", "packages": ["unity8"], "series": "vivid",
	"snapshot": "ppa:landing-team/snapshot", "overlay": "ppa:landing-team/overlay",
	"builds": [{"project": "ubuntu-touch", "image_type": "daily-preinstalled", "series": "vivid", "file": "ubuntu", "channels": ["` + rc + `"]}],
	"from": "rc", "to": "stable", "tag": "OTA-4.1"
}`

// scenes are the procedures.
func scenes() []scene {
	released := func(percentage int) func() world { return func() world { return lab.Released(percentage) } }
	return []scene{{
		name:  "copyrc",
		world: systemimagetest.SampleWorld,
		run:   []string{"copyrc", "-tag", "OTA-5-rc"},
		devices: []device{
			{rc, "krillin", 1, 50, "2"},
			{"ubuntu-touch/rc/meizu.en", "arale", 2, 50, ""},
		},
	}, {
		name:  "release",
		world: lab.Candidates,
		run:   []string{"release", "-tag", "OTA-5", "-schedule", ramp},
		devices: []device{
			{stable, "krillin", 1, 100, "2"},
			{stableEN, "vegetahd", 1, 100, "2"},
			{meizu, "arale", 1, 100, "2"},
		},
	}, {
		name:  "rollout with a stop file",
		world: released(1),
		run:   []string{"rollout", "-schedule", "1% 4s, 30% 2s, 100%", stable + ":krillin:2", stable + ":vegetahd:2"},
		stop:  true,
		devices: []device{
			{stable, "krillin", 1, 100, "2"},
			{stableEN, "krillin", 1, 100, "2"},
			{meizu, "arale", 1, 2, ""},
		},
	}, {
		name:  "backout",
		world: released(50),
		run:   []string{"backout", "-announce", announce, stable + ":krillin:2", stable + ":vegetahd:2", meizu + ":arale:2"},
		devices: []device{
			{stable, "krillin", 2, 100, "3"},
			{stableEN, "vegetahd", 2, 100, "3"},
			{meizu, "arale", 2, 0, "3"},
		},
	}, {
		name:  "channelconfig",
		world: systemimagetest.SampleWorld,
		run:   []string{"channelconfig", "set", "ubuntu-touch/rc-proposed/meizu.en", "fullcount", "5"},
	}, {
		name:  "failedimport",
		world: systemimagetest.SampleWorld,
		run:   []string{"failedimport", "-run"},
		finds: "cause found", // that the importer was killed
	}, {
		name:  "respin",
		world: systemimagetest.SampleWorld,
		run: []string{"respin", "-as-is", "-origin", "ppa:landing-team/overlay", "-ppa", "ppa:landing-team/snapshot", "-series", "vivid",
			"-images", "$dir/srv/builder/www/full/ubuntu-touch-custom/vivid/daily-preinstalled", "ubuntu-touch/rc-proposed/ubuntu"},
		cron: never, // the next import would take the older build that the channel is pointed at again
		devices: []device{
			{"ubuntu-touch/rc-proposed/ubuntu", "mako", 2, 50, "3"},
			{"ubuntu-touch/devel-proposed/ubuntu", "mako", 1, 50, "2:3"},
		},
	}, {
		name:    "hotfix",
		world:   lab.Importable,
		run:     []string{"hotfix", "-input", "$dir/hotfix.json", "-schedule", ramp, "-announce", announce},
		files:   map[string]string{"hotfix.json": hotfixInput},
		cron:    never,
		pending: "next working day", // when the support team is stood down
		devices: []device{
			{rc, "krillin", 1, 50, "2"},
			{stable, "krillin", 1, 100, "2"},
			{stableEN, "vegetahd", 1, 100, "2"},
		},
	}}
}
