package command_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/landingteam/landing/runbook/command"
)

// Change a file on a host, unless somebody else has changed it since it was read.
func ExampleFile() {
	dir, err := os.MkdirTemp("", "host")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte("channels = rc\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	host := machine{dir: dir, path: os.Getenv("PATH")} // or a remote.Host

	f := command.File{Runner: host, Path: "config"}
	old, err := f.Read(ctx)
	if err != nil {
		log.Fatal(err)
	}
	backup, err := f.Replace(ctx, old, []byte("channels = rc, stable\n"))
	fmt.Println(backup, err)

	// A second change that starts from the same content comes too late.
	_, err = f.Replace(ctx, old, []byte("channels = rc, devel\n"))
	fmt.Println("conflict:", errors.Is(err, command.ErrConflict))
	// Output:
	// config.before-b098110bb9a4 <nil>
	// conflict: true
}
