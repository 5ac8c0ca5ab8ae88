package buildmail_test

import (
	"fmt"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/buildmail"
)

func ExampleParseSubject() {
	m, err := buildmail.ParseSubject("CD image ubuntu-touch-custom/vivid/daily-preinstalled failed to build on 20160906.1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cdimage.Build{ImageSet: m.ImageSet, ID: m.ID}.LogPath())
	// Output:
	// ubuntu-touch-custom/vivid/daily-preinstalled-20160906.1.log
}
