package servertest_test

import (
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/runbooktest"
	"github.com/landingteam/landing/runbook/temporal"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	s := shared(t)
	queue, names := once("queue"), once("conformance")
	local(t, s, queue, t.TempDir())
	runbooktest.TestJournal(t, func(_ *testing.T, name string) runbook.Journal {
		return temporal.JournalOf(s.Client, queue, names+"-"+strings.NewReplacer("/", ".", " ", ".").Replace(name))
	})
}
