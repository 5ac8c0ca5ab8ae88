package operate_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

// An index is lost between the look at all of them and the import: the history that
// begins again at a number that was there before is an error.
func TestImportBeganAgain(t *testing.T) {
	t.Parallel()
	fake, s := newOperator(t)
	s.Runner = command.Func(func(ctx context.Context, c command.Command) (command.Output, error) {
		if slices.ContainsFunc(c.Argv, func(a string) bool { return strings.HasSuffix(a, "bin/import-images") }) && !slices.Contains(c.Argv, "--help") {
			if err := os.Remove(filepath.Join(fake.Root(), "www/ubuntu-touch/rc-proposed/bq-aquaris.en/krillin/index.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
		}
		return fake.Run(ctx, c)
	})
	_, err := s.Import(t.Context(), operate.ImportRequest{})
	if !errors.Is(err, systemimage.ErrPartial) || !strings.Contains(err.Error(), "krillin: version 1 is not above 3, the newest before: its index was lost and its history begun again") {
		t.Errorf("Import: %v, want ErrPartial that says that the history began again", err)
	}
}
