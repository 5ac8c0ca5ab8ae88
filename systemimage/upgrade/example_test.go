package upgrade_test

import (
	"fmt"
	"log"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/upgrade"
)

// Version 13 is phased in to 20 %. Every phone draws its own number.
func ExampleExplain() {
	index := &systemimage.Index{
		GeneratedAt: "Sun Nov 22 09:51:13 UTC 2026",
		Images: []systemimage.Image{
			{Type: systemimage.Full, Version: 12, Percentage: 100},
			{Type: systemimage.Full, Version: 13, Percentage: 20},
			{Type: systemimage.Delta, Base: 12, Version: 13, Percentage: 20},
		},
	}
	channels := systemimage.Channels{"stable": {}}
	q := upgrade.Device{Channel: "stable", Build: 12, MachineID: "0123456789abcdef0123456789abcdef"}.Request(channels)
	text, err := upgrade.Explain(index, q)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(text)
	// Output:
	// nothing is offered to a device at build 12 with number 84 for version 13
	// full 13 is at 20 % and reaches devices with numbers up to 20
	// delta 12->13 is at 20 % and reaches devices with numbers up to 20
}

// The device has build 11. A delta is smaller, if there is one from its build.
func ExampleChoose() {
	index := &systemimage.Index{
		GeneratedAt: "Sun Nov 22 09:51:13 UTC 2026",
		Images: []systemimage.Image{
			{Type: systemimage.Full, Version: 12, Percentage: 100, Files: []systemimage.File{{Size: 300 << 20}}},
			{Type: systemimage.Delta, Base: 11, Version: 12, Percentage: 100, Files: []systemimage.File{{Size: 20 << 20}}},
		},
	}
	for _, build := range []int{11, 10} {
		offer, err := upgrade.Choose(index, upgrade.Request{Build: build})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(build, offer.Path, offer.Size()>>20, "MiB")
	}
	// Output:
	// 11 [delta 11->12] 20 MiB
	// 10 [full 12] 300 MiB
}
