package operate_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// An image that was published although xz failed is no success: the index, the
// checksum and the signature are as they should be, and devices cannot unpack it.
func TestImportXzFailed(t *testing.T) {
	t.Parallel()
	fake, s := operated(t, nil)
	err := fake.AddBuild(systemimagetest.Build{URL: "http://jenkins.example.net/krillin/device_krillin.tar.xz",
		Monitor: "http://jenkins.example.net/krillin/device_krillin.build", Version: "20150619-6c0ffee"})
	if err != nil {
		t.Fatal(err)
	}
	s.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		out, err := fake.Run(ctx, c)
		if slices.ContainsFunc(c.Argv, func(a string) bool { return filepath.Base(a) == "import-images" }) {
			out.Stderr = append(out.Stderr, "xz: (stdout): Cannot allocate memory\n"...)
		}
		return out, err
	})
	run, err := s.Import(t.Context(), operate.ImportRequest{})
	if !errors.Is(err, systemimage.ErrPartial) || !strings.Contains(err.Error(), "Cannot allocate memory") || !strings.Contains(err.Error(), "krillin: version 4 ") {
		t.Errorf("got %v, want ErrPartial with channel, device and version", err)
	}
	if run == nil || len(run.Published()) != 1 || run.Published()[0].Damage == nil {
		t.Errorf("the run: %+v", run)
	}
}
