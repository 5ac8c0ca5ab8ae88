package systemimage_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/landingteam/landing/systemimage"
)

type lost struct{}

func (lost) Error() string { return "link lost" }
func (lost) InDoubt() bool { return true }

func TestErrorInDoubt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  systemimage.Error
		want bool
	}{
		"nobody knows":                  {systemimage.Error{Kind: systemimage.ErrInDoubt}, true},
		"found out, whatever the cause": {systemimage.Error{Kind: systemimage.ErrRefused, Err: lost{}}, false},
		"nothing found out":             {systemimage.Error{Err: fmt.Errorf("copy: %w", lost{})}, true},
		"another cause":                 {systemimage.Error{Err: errors.New("no such file")}, false},
		"no cause":                      {systemimage.Error{}, false},
	} {
		if got := tt.err.InDoubt(); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
