package treecheck_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"os"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/systemimagetest"
	"github.com/landingteam/landing/systemimage/treecheck"
)

// Look over all that is published. Here a file of an image was lost.
func ExampleCheck() {
	dir, err := os.MkdirTemp("", "treecheck")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	fake, err := systemimagetest.Create(dir, systemimagetest.SampleWorld())
	if err != nil {
		log.Fatal(err)
	}
	tree := httptest.NewServer(fake.Handler())
	defer tree.Close()
	client := &systemimage.Client{BaseURL: tree.URL, Unverified: true}
	err = fake.Break(systemimagetest.Missing, "ubuntu-touch/stable/meizu.en/arale/version-1.tar.xz")
	if err != nil {
		log.Fatal(err)
	}
	findings, err := treecheck.Check(context.Background(), client, treecheck.Options{})
	for _, f := range findings {
		fmt.Println(f.Severity, f.Class, f.Channel, f.Device)
	}
	fmt.Println(err)
	// Output:
	// error missing-file ubuntu-touch/stable/meizu.en arale
	// warning unfinished-tag ubuntu-touch/stable/meizu.en arale
	// note phased ubuntu-touch/stable/meizu.en arale
	// <nil>
}
