package lab_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// A lab in a folder that stays, to be looked at and opened again. Main begins
// with lab.Program.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "landing-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := lab.Open(filepath.Join(dir, "lab"), systemimagetest.SampleWorld())
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	m, err := l.Client().Latest(context.Background(), "ubuntu-touch/rc-proposed/meizu.en", "arale")
	if err != nil {
		log.Fatal(err)
	}
	st, err := l.Importer().Status(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("newest image:", m.Version)
	fmt.Println("importer:", st.State)
	_, err = os.Stat(filepath.Join(dir, "lab", "www", "channels.json"))
	fmt.Println("a folder to look at:", err == nil)
	// Output:
	// newest image: 101
	// importer: on
	// a folder to look at: true
}
