package lab

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// Snapshot is what a lab in a folder holds, as text, without what differs between two
// good runs: see [systemimagetest.Server.Snapshot] for the image server. Behind it
// follow the Launchpad, with every copy that was asked for, and the files of the image
// host, so that a copy or a build that was begun twice is noticed. Both are left out
// of a lab that was never asked for them.
func Snapshot(dir string) (string, error) {
	s, err := systemimagetest.Open(dir)
	if err != nil {
		return "", err
	}
	images, err := s.Snapshot()
	if err != nil {
		return "", err
	}
	lp, err := launchpadSnapshot(filepath.Join(dir, "state", "launchpad", "world.json"))
	if err != nil {
		return "", err
	}
	host, err := buildsSnapshot(filepath.Join(dir, "builder"))
	return images + lp + host, err
}

// launchpadSnapshot is every archive, publication and copy.
func launchpadSnapshot(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	w, err := launchpadtest.ParseWorld(text)
	if err != nil {
		return "", err
	}
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, a := range w.Archives {
		add("archive %s", a.Ref)
	}
	for _, s := range w.Sources {
		add("source %s %s %s in %s", s.SourceName, s.SourceVersion, s.Status, s.Archive)
	}
	for _, b := range w.Binaries {
		add("binary %s %s %s %s in %s", b.Name, b.Version, b.Arch, b.Status, b.Archive)
	}
	for _, j := range w.Jobs {
		add("job %s %s from %s to %s %q", j.Name, j.Version, j.From, j.To, j.Error)
	}
	slices.Sort(lines)
	return "-- Launchpad --\n" + strings.Join(lines, "\n") + "\n", nil
}

// buildsSnapshot is the image host's logs and counters by name, and what each image
// was made of.
func buildsSnapshot(root string) (string, error) {
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var lines []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		line := strings.TrimPrefix(path, root)
		if strings.HasSuffix(path, ".tar.gz") {
			image, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %x", sha256.Sum256(image))
		}
		lines = append(lines, line)
		return nil
	})
	return "-- image builder --\n" + strings.Join(lines, "\n") + "\n", err
}
