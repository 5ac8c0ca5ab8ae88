package builder_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/cdimage/cdimagetest"
)

func ExampleBuilder_Build() {
	root, err := os.MkdirTemp("", "cdimage")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	err = cdimagetest.SetKnobs(root, cdimagetest.Knobs{
		Now:       time.Date(2016, 9, 13, 2, 13, 18, 0, time.UTC),
		Downloads: map[string]string{"i386": "404"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	b := &builder.Builder{Runner: hostRunner(root)} // an SSH host in real life
	res, err := b.Build(context.Background(), builder.Request{
		ImageSet:  cdimage.ImageSet{Project: "ubuntu-touch-custom", Series: "vivid", Type: "daily-preinstalled"},
		ExtraPPAs: []builder.PPA{{Owner: "ci-train-ppa-service", Name: "stable-snapshot", Pin: 1001}},
	})
	fmt.Println(err)
	fmt.Println(res.Publish, res.Republish.Safe)
	// Output:
	// build ubuntu-touch-custom/vivid/daily-preinstalled-20160913: no complete image: published: partial; ubuntu-touch-custom-i386: network: 2016-09-13 02:57:18 ERROR 404: Not Found.; publish-only re-run the same UTC day
	// partial true
}
