package cdimagetest_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/landingteam/landing/cdimage/cdimagetest"
)

// One run of the image builder that goes through a failed live file system.
func ExampleProgram() {
	root, err := os.MkdirTemp("", "cdimage")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	err = cdimagetest.SetKnobs(root, cdimagetest.Knobs{
		Now:    time.Date(2016, 9, 6, 2, 11, 59, 0, time.UTC),
		States: map[string]string{"i386": "Failed to build"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	argv := []string{"env", "DIST=vivid", "for-project", "ubuntu-touch", "cron.daily-preinstalled", "--live"}
	fmt.Println("exit status", cdimagetest.Program(context.Background(), root, argv, nil, strings.NewReader(""), os.Stdout, os.Stdout))
	logs, err := os.ReadDir(root + "/log/ubuntu-touch/vivid")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(logs[0].Name())
	// Output:
	// exit status 0
	// daily-preinstalled-20160906.log
}
