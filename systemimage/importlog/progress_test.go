package importlog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/systemimage/importlog"
)

// Each device counts when its turn is over, and a channel that is left out is not
// waited for.
func TestProgress(t *testing.T) {
	p := importlog.NewProgress([]string{"ubuntu-touch/rc/arale/index.json", "/ubuntu-touch/rc/krillin/index.json",
		"/ubuntu-touch/stable/arale/index.json", "/gone/arale/index.json"})
	var got []string
	for line := range strings.Lines(`
2026-11-22 09:57:53,100 DEBUG Skipping non-auto channel: ubuntu-touch/stable
2026-11-22 09:57:53,101 INFO Processing channel: gone
2026-11-22 09:57:53,101 ERROR Invalid channel name: gone
2026-11-22 09:57:53,102 INFO Processing channel: ubuntu-touch/rc
2026-11-22 09:57:53,103 INFO Processing device: arale
2026-11-22 09:57:53,104 INFO Publishing new image '3' (ubuntu=1) with 3 files.
Processing device: said by something else
2026-11-22 09:57:53,105 INFO Expiring old images
2026-11-22 09:57:53,106 INFO Processing device: krillin
2026-11-22 09:57:53,107 INFO Syncing any existing alias
2026-11-22 09:57:53,108 INFO Removing orphaned files from the pool
`) {
		if p.Line(strings.TrimSuffix(line, "\n")) {
			got = append(got, fmt.Sprintf("%d of %d", p.Done, p.Total))
		}
	}
	if diff := cmp.Diff([]string{"0 of 3", "0 of 2", "1 of 2", "2 of 2"}, got); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}
