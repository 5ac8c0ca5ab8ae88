package treecheck_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"slices"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
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

// What would a change of the image-signing key mean? Take it for gone, and look.
func ExampleRotate() {
	dir, err := os.MkdirTemp("", "treecheck")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	fake, err := systemimagetest.Create(dir, systemimagetest.SampleWorld())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	now, err := treecheck.Rotate(ctx, fake.Client(), treecheck.Options{NoFiles: true})
	if err != nil {
		log.Fatal(err)
	}
	var retired []string
	for _, k := range now.Keys {
		if slices.Contains(k.Keyring, keyring.ImageSigning) {
			retired = append(retired, k.Key)
		}
	}
	after, err := treecheck.Rotate(ctx, fake.Client(), treecheck.Options{NoFiles: true, Retired: retired})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("first:", after.SignAgain[0].Path, "by a key of", after.SignAgain[0].By)
	fmt.Println("cut off meanwhile:", len(after.CutOff) > 0)
	// Output:
	// first: /channels.json by a key of image-signing
	// cut off meanwhile: true
}
