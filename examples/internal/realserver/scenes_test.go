package realserver_test

import "github.com/landingteam/landing/systemimage/systemimagetest"

// scenes are the procedures.
func scenes() []scene {
	return []scene{{
		name:  "copyrc",
		world: func(m *machine) world { return m.here(systemimagetest.SampleWorld()) },
		run:   []string{"copyrc", "-tag", "OTA-5-rc"},
		devices: []device{
			{"ubuntu-touch/rc/bq-aquaris.en", "krillin", 1, 50, "2"},
			{"ubuntu-touch/rc/meizu.en", "arale", 2, 50, ""},
		},
	}}
}
