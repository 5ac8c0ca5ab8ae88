package operate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCrontabFindsTheImporter(t *testing.T) {
	const line = "*/5 * * * * /srv/system-image.ubuntu.com/bin/import-images -vv >> /srv/log/import-images.log 2>&1"
	tests := []struct {
		name, text string
		want       ImporterStatus
	}{
		{"on", "MAILTO=ops@example.net\n" + line + "\n", ImporterStatus{State: ImporterOn, Lines: []int{2}}},
		{"on beside an old line", "#" + line + "\n" + line + "\n0 4 * * * true\n", ImporterStatus{State: ImporterOn, Lines: []int{2}}},
		{"by hand", "0 4 * * * true\n# " + line + "\n", ImporterStatus{State: ImporterOffByHand, Lines: []int{2}}},
		{"by hand, with words", "## off while krillin is broken: " + line + "\n", ImporterStatus{State: ImporterOffByHand, Lines: []int{1}}},
		{"by hand, with a tab", "#\t" + line + "\n", ImporterStatus{State: ImporterOffByHand, Lines: []int{1}}},
		{"mark without its run", "# paused by landing: run= :: " + line + "\n", ImporterStatus{State: ImporterEdited, Lines: []int{1}}},
		{"more before the mark", "## paused by landing: run=a operator= since=2026-11-22T10:00:00Z :: " + line + "\n", ImporterStatus{State: ImporterEdited, Lines: []int{1}}},
		{"words before the mark", "# broken! # paused by landing: run=a operator= since=2026-11-22T10:00:00Z :: " + line + "\n", ImporterStatus{State: ImporterEdited, Lines: []int{1}}},
		{"indented mark", "  # paused by landing: run=a operator= since=2026-11-22T10:00:00Z :: " + line + "\n", ImporterStatus{State: ImporterEdited, Lines: []int{1}}},
		{"mark since no time", "0 4 * * * true\n# paused by landing: run=a operator= since=yesterday :: " + line + "\n# " + line + "\n",
			ImporterStatus{State: ImporterEdited, Lines: []int{2}}},
		{"edited mark beside a line that is on", "## paused by landing: run=a operator= since=2026-11-22T10:00:00Z :: " + line + "\n" + line + "\n",
			ImporterStatus{State: ImporterOn, Lines: []int{2}}},
		{"empty", "", ImporterStatus{State: ImporterMissing}},
		{"twice", line + "\n" + line + "\n", ImporterStatus{State: ImporterTwice, Lines: []int{1, 2}}},
		{"paused", "# paused by landing: run=a%2F1 operator=operator since=2026-11-22T10:00:00Z; run=b operator= since=2026-11-22T10:05:00Z :: " + line + "\r\n",
			ImporterStatus{State: ImporterPaused, Lines: []int{1}, By: []Owner{
				{Run: "a/1", Operator: "operator", Since: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)},
				{Run: "b", Since: time.Date(2026, 11, 22, 10, 5, 0, 0, time.UTC)}}}},
		{"new line beside a paused one", "# paused by landing: run=a operator=operator since=2026-11-22T10:00:00Z :: " + line + "\n" + line + "\n",
			ImporterStatus{State: ImporterTwice, Lines: []int{1, 2}, By: []Owner{{Run: "a", Operator: "operator", Since: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parseCrontab([]byte(tt.text), "import-images").status()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("status of\n%s(-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

// Whatever a crontab holds, pausing and resuming gives it back byte for byte,
// and in between only one line differs.
func TestCrontabKeepsEveryByte(t *testing.T) {
	for _, text := range []string{
		"* * * * * import-images\n",
		"* * * * * import-images", // no final newline
		"PATH=/bin\r\n\r\n  */5 * * * *\timport-images \r\n@daily true\r\n",
		"\xff\xfe latin\n@hourly import-images %stdin :: x; y\n\n\n",
		"A=\"x # y\"\n# note\n* * * * * import-images # why :: because\n#",
	} {
		tab := parseCrontab([]byte(text), "import-images")
		active, _, _ := tab.importers()
		if len(active) != 1 {
			t.Fatalf("%q: %d active lines", text, len(active))
		}
		a := Owner{Run: "copy rc; 7 :: x", Operator: "operator é\n", Since: time.Unix(1000, 0).UTC()}
		b := Owner{Run: "b", Operator: "colleague", Since: time.Unix(2000, 0).UTC()}
		paused := parseCrontab(tab.setMarks(active[0], []Owner{a, b}).text(), "import-images")
		if st := paused.status(); st.State != ImporterPaused || !cmp.Equal(st.By, []Owner{a, b}) {
			t.Errorf("%q: after pausing: %+v", text, st)
		}
		if n := strings.Count(string(paused.text()), "\n"); n != strings.Count(text, "\n") {
			t.Errorf("%q: pausing changed the number of lines", text)
		}
		if got := string(paused.setMarks(active[0], nil).text()); got != text {
			t.Errorf("pause and resume: got %q, want %q", got, text)
		}
	}
}

func FuzzCrontab(f *testing.F) {
	f.Add("*/5 * * * * /srv/bin/import-images -vv\n# paused by landing: run=a operator=b since=2026-11-22T10:00:00Z :: @daily import-images\r\n")
	f.Add("# why: 1 2 3 4 5 sh -c 'import-images \\' \"")
	f.Fuzz(func(t *testing.T, text string) {
		tab := parseCrontab([]byte(text), "import-images")
		if string(tab.text()) != text {
			t.Fatal("not kept")
		}
		st := tab.status()
		if st.State != ImporterOn {
			return
		}
		line := st.Lines[0] - 1
		paused := tab.setMarks(line, []Owner{{Run: "r", Operator: "o", Since: time.Unix(0, 0).UTC()}})
		if got := parseCrontab(paused.text(), "import-images").status().State; got != ImporterPaused {
			t.Fatalf("after pausing: %s", got)
		}
		if string(paused.setMarks(line, nil).text()) != text {
			t.Fatal("not restored")
		}
	})
}
